"""The answers of prompts: their versions, and another one taken into use."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Sequence
from contextlib import suppress

from msgspec import UNSET, Struct, UnsetType

from llm_repl_core import Conflict, NotFound, PromptCell
from llm_repl_core.engine.answers.answer_book import AnswerChange, answers_version
from llm_repl_core.engine.answers.asked import AskedAnswer, AskedModel
from llm_repl_core.engine.answers.candidates import Asking
from llm_repl_core.engine.answers.versions import (
    AnswerDetail,
    AnswerPage,
    in_use_id,
    placed_versions,
)
from llm_repl_core.engine.live_session import LiveSession
from llm_repl_core.ledger.base import AnswersOnRecord
from llm_repl_core.model.json_value import JSONValue
from llm_repl_server.errors import PreconditionFailed
from llm_repl_server.services.answers import CellAnswer, cell_answer
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.wire_events import CellChanged
from llm_repl_server.storage.answer_store import AnswerCall
from llm_repl_server.storage.changes import Change, MarkStale, WriteCell
from llm_repl_server.storage.store import Store

__all__ = [
    "AnswersInUse",
    "CellAnswerService",
    "CellAnswersInUse",
    "Comparison",
    "RememberedAnswer",
]

BUSY_LIMIT_S = 3.0
"""How long taking an answer into use waits for what runs."""

_POLL_S = 0.02
_CALLS_LIMIT = 5_000
_NOTHING = AnswersOnRecord(total=0, latest=())


class CellAnswersInUse(Struct, frozen=True, kw_only=True):
    """How many answers a cell has, and which of them it shows.

    Attributes:
        cell_id: The prompt; those over items are not among them, as each item has its own.
        total: How many versions there are.
        number: The one in use, from 1, the oldest first; null: the cell shows none.
        in_use: The id of that.
    """

    cell_id: str
    total: int
    number: int | None
    in_use: str | None


class AnswersInUse(Struct, frozen=True, kw_only=True):
    """The answers of all prompts of a notebook.

    Attributes:
        cells: Each prompt that has answers.
        calls: The calls whose answers the cells show, as far as they are recorded; 5,000 at most.
    """

    cells: list[CellAnswersInUse]
    calls: list[AnswerCall]


class Comparison(Struct, frozen=True, kw_only=True):
    """A prompt that several are asked side by side.

    Attributes:
        id: The `run_id` of its events.
        cell_id: The prompt.
        item: The index of the item; null: the prompt is not over items.
        ended: Whether all have ended.
        answers: What has come of each.
    """

    id: str
    cell_id: str
    item: int | None
    ended: bool
    answers: list[AskedAnswer]


class RememberedAnswer(Struct, frozen=True, kw_only=True):
    """What code reads an answer by.

    Attributes:
        variable: The variable's name.
    """

    variable: str


class CellAnswerService:
    """What clients do with the answers of prompts.

    Args:
        open_notebooks: The notebooks in memory.
        store: Has the record of calls.
    """

    def __init__(self, open_notebooks: OpenNotebooks, store: Store) -> None:
        self._open_notebooks = open_notebooks
        self._store = store

    async def in_use(self, notebook_id: str) -> AnswersInUse:
        """How many answers each prompt of a notebook has, and which it shows.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        prompts = [cell for cell in opened.notebook if isinstance(cell, PromptCell)]
        shown = [
            call_id
            for cell in prompts
            for output in cell.outputs
            if isinstance(call_id := output.fields.get("call_id"), str)
            and output.type == "llm_response"
        ]
        answers = self._store.calls.cell_answers
        by_cell = await asyncio.to_thread(answers.of_notebook, notebook_id)
        calls = await asyncio.to_thread(answers.calls, shown[:_CALLS_LIMIT])
        cells = []
        for cell in prompts:
            if cell.for_each is not None:
                continue
            placed = placed_versions(cell, None, by_cell.get(cell.id, _NOTHING))
            used = in_use_id(cell, None)
            number = next((version.number for version in placed if version.id == used), None)
            if placed:
                cells.append(
                    CellAnswersInUse(
                        cell_id=cell.id, total=placed[0].number, number=number, in_use=used
                    )
                )
        return AnswersInUse(cells=cells, calls=calls)

    async def list(
        self, notebook_id: str, cell_id: str, *, item: int | None, limit: int, before: int | None
    ) -> AnswerPage:
        """Versions of an answer, the newest first; see `AnswerBook.page`.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or the item does not fit it.
        """
        opened = await self._open_notebooks.get(notebook_id)
        return await opened.session.answers.page(cell_id, item=item, limit=limit, before=before)

    async def show(
        self, notebook_id: str, cell_id: str, answer_id: str, *, item: int | None
    ) -> AnswerDetail:
        """A version in full, and how it differs from the one in use; see `AnswerBook.detail`.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or the item does not fit it.
            NotFound: It has no such answer.
        """
        opened = await self._open_notebooks.get(notebook_id)
        return await opened.session.answers.detail(cell_id, answer_id, item=item)

    async def ask(
        self,
        notebook_id: str,
        cell_id: str,
        models: Sequence[AskedModel],
        *,
        item: int | None,
        new_id: str | None = None,
    ) -> Comparison:
        """Ask several models, or one several times; returns when they are being asked.

        Args:
            notebook_id: In which notebook.
            cell_id: Which prompt.
            models: Who is asked.
            item: Of which item; None: it is not over items.
            new_id: The id of the comparison; where there is one of this id, it is that one, as the
                request was sent before. None: it gets a new one.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            Conflict: The notebook asks nobody, or something runs for long.
            InvalidInput: It is no prompt, cannot be filled, or has tools.
        """
        opened = await self._open_notebooks.get(notebook_id)
        answers = opened.session.answers
        answers.prompt(cell_id, item)
        if new_id is not None:
            with suppress(NotFound):
                return _comparison(answers.asking(new_id))
        await _wait_for_turn(opened.session)
        return _comparison(await answers.ask(cell_id, models, item=item, asking_id=new_id))

    async def comparison(self, notebook_id: str, cell_id: str, asking_id: str) -> Comparison:
        """What has come of a comparison.

        Raises:
            NotebookNotFound: There is no such notebook.
            NotFound: There is no such comparison of the cell, or it is long over.
        """
        return _comparison(await self._asking(notebook_id, cell_id, asking_id))

    async def stop_asking(
        self, notebook_id: str, cell_id: str, asking_id: str, candidate: int | None
    ) -> Comparison:
        """Stop all that are asked, or one; returns when that has ended.

        Raises:
            NotebookNotFound: There is no such notebook.
            NotFound: There is no such comparison of the cell, or it is long over.
        """
        asking = await self._asking(notebook_id, cell_id, asking_id)
        await asking.stop(candidate)
        return _comparison(asking)

    async def _asking(self, notebook_id: str, cell_id: str, asking_id: str) -> Asking:
        opened = await self._open_notebooks.get(notebook_id)
        asking = opened.session.answers.asking(asking_id)
        if asking.cell_id != cell_id:
            raise NotFound(f"There is no comparison `{asking_id[:80]}` of this cell.")
        return asking

    async def use(
        self,
        notebook_id: str,
        cell_id: str,
        answer_id: str,
        *,
        item: int | None,
        if_match: Container[str] | None = None,
    ) -> CellAnswer:
        """Take a version into use; see `AnswerBook.use`.

        Args:
            notebook_id: Of which notebook.
            cell_id: Of which prompt.
            answer_id: Which version.
            item: Of which item; None: it is not over items.
            if_match: The versions of the answers that the client has seen; None: whatever they are.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            Conflict: The cell runs, or another one does for long.
            InvalidInput: It is no prompt, or the answer does not have the form that it asks for.
            NotFound: It has no such answer.
            PreconditionFailed: Somebody else took another one into use.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cell = opened.session.answers.prompt(cell_id, item)
        if in_use_id(cell, item) != answer_id:
            _check_version(cell, if_match)
        answers = opened.session.answers
        answers.refuse_running(cell)
        await _wait_for_turn(opened.session)
        return await _changed(opened, cell_id, await answers.use(cell_id, answer_id, item=item))

    async def edit(
        self,
        notebook_id: str,
        cell_id: str,
        content: str | None,
        value: JSONValue | UnsetType,
        *,
        item: int | None,
        if_match: Container[str] | None = None,
    ) -> CellAnswer:
        """Write an answer by hand; see `AnswerBook.edit`.

        Args:
            notebook_id: Of which notebook.
            cell_id: Of which prompt.
            content: The text.
            value: In its place, of a structured answer: the value.
            item: Of which item; None: it is not over items.
            if_match: As for `use`.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            Conflict: The cell runs, or another one does for long.
            InvalidInput: It is no prompt, has no answer yet, or what was written does not have the
                form that it asks for.
            PreconditionFailed: Somebody else took another one into use.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cell = opened.session.answers.prompt(cell_id, item)
        if not _is_as_written(cell, content, value, item):
            _check_version(cell, if_match)
        answers = opened.session.answers
        answers.refuse_running(cell)
        await _wait_for_turn(opened.session)
        change = await answers.edit(cell_id, content, value=value, item=item)
        return await _changed(opened, cell_id, change)

    async def remember(self, notebook_id: str, cell_id: str) -> RememberedAnswer:
        """Have the answer as ``_`` in the kernel; see `AnswerBook.remember`.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            Conflict: It has no answer, there is no kernel, or another cell runs for long.
        """
        opened = await self._open_notebooks.get(notebook_id)
        await _wait_for_turn(opened.session)
        await opened.session.answers.remember(cell_id)
        return RememberedAnswer(variable="_")


def _comparison(asking: Asking) -> Comparison:
    return Comparison(
        id=asking.id,
        cell_id=asking.cell_id,
        item=asking.item,
        ended=asking.ended,
        answers=list(asking.answers),
    )


def _is_as_written(
    cell: PromptCell, content: str | None, value: JSONValue | UnsetType, item: int | None
) -> bool:
    """Whether an answer is already what a request would make it: it was sent before."""
    for output in reversed(cell.outputs):
        if output.type == "llm_response" and output.fields.get("item") == item:
            if value is not UNSET:
                return bool(output.fields.get("value", UNSET) == value)
            return output.content == content
    return False


async def _changed(opened: OpenNotebook, cell_id: str, change: AnswerChange) -> CellAnswer:
    """Write what has changed, tell the clients, and answer with the cell."""
    cell = opened.notebook[cell_id]
    shown = cell_answer(cell)
    if not change.changed:
        return shown
    changes: list[Change] = [WriteCell(opened.notebook.id, cell), opened.writer.touch_change()]
    marked = change.marked
    if marked:
        changes.append(MarkStale.of(opened.notebook, (*marked.stale, *marked.known)))
    event = CellChanged(notebook_id=opened.notebook.id, cell_id=cell_id, cell=shown)
    opened.writer.write(*changes, event=event)
    await opened.writer.written()
    opened.events.publish_stale(marked)
    return shown


def _check_version(cell: PromptCell, if_match: Container[str] | None) -> None:
    if if_match is not None and answers_version(cell) not in if_match:
        raise PreconditionFailed(
            "The answer was changed since you read it: get the cell's answers again and repeat "
            "your change."
        )


async def _wait_for_turn(session: LiveSession) -> None:
    deadline_s = asyncio.get_running_loop().time() + BUSY_LIMIT_S
    while session.busy:
        if asyncio.get_running_loop().time() > deadline_s:
            raise Conflict(
                "The notebook runs something that may use the answer: change it when that has "
                "ended, or stop it."
            )
        await asyncio.sleep(_POLL_S)
