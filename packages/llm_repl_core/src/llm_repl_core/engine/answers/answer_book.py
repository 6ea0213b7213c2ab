"""The answers of a session's prompts: looked at, and another one taken into use."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType, to_builtins

from llm_repl_core.engine.answer_limits import is_refused
from llm_repl_core.engine.answers.asked import AskedModel
from llm_repl_core.engine.answers.candidates import Asking, start_asking
from llm_repl_core.engine.answers.comparison import TextBlock, compare_answers
from llm_repl_core.engine.answers.edits import (
    AnswerEdit,
    answers_in,
    edited_output,
    keep_edit,
    new_edit,
    original_output,
)
from llm_repl_core.engine.answers.placing import (
    has_every_answer,
    item_count,
    value_in,
    with_answer,
)
from llm_repl_core.engine.answers.recorded import recorded_outputs
from llm_repl_core.engine.answers.versions import (
    KEPT_LIMIT,
    AnswerDetail,
    AnswerPage,
    AnswerVersion,
    PlacedVersion,
    asked_changes,
    in_use_id,
    placed_versions,
    version_of,
)
from llm_repl_core.engine.dependencies import MarkedCells, ValueChange
from llm_repl_core.engine.prompts.answer_form import ModelForm, resolve_form
from llm_repl_core.engine.prompts.answer_json import read_answer_json
from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.engine.value_watch import value_excerpt
from llm_repl_core.errors import AnswerMisfit, Conflict, InvalidInput, NotFound
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["AnswerBook", "AnswerChange", "answers_version"]

_ASKINGS_KEPT = 20


class AnswerChange(Struct, frozen=True, kw_only=True):
    """What taking an answer into use has changed.

    Attributes:
        changed: Whether anything was: a request that is sent twice changes nothing the second time.
        marked: What became of the cells that depend on it.
    """

    changed: bool
    marked: MarkedCells = MarkedCells()

    @property
    def stale(self) -> tuple[str, ...]:
        """The cells that have become stale by it, in document order."""
        return self.marked.stale


def answers_version(cell: PromptCell) -> str:
    """A word that changes when another answer is in use, and when one is written."""
    shown = [
        (output.content, output.fields.get("call_id"), output.fields.get("item"),
         output.fields.get("value"))
        for output in cell.outputs
        if output.type == "llm_response"
    ]  # fmt: skip
    text = json.dumps(shown, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class AnswerBook:
    """Looks at the versions of answers, and takes another one into use. Used in the engine's loop.

    Args:
        session: The parts of the session.
        queue: Its runs: an answer is changed while none has the kernel.
    """

    def __init__(self, session: SessionResources, queue: RunQueue) -> None:
        self._session = session
        self._queue = queue
        self._askings: dict[str, Asking] = {}

    def prompt(self, cell_id: str, item: int | None = None) -> PromptCell:
        """A prompt whose answers are asked for.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or ``item`` does not fit it.
        """
        cell = self._session.notebook[cell_id]
        number = self._session.notebook.index(cell_id) + 1
        if not isinstance(cell, PromptCell):
            raise InvalidInput(
                f"Only a prompt has answers, and cell {number} is a {cell.type or 'foreign'} cell."
            )
        if cell.for_each is not None and item is None:
            raise InvalidInput(
                f"Cell {number} asks for each of its items: name one by `item`, from 0."
            )
        if cell.for_each is None and item is not None:
            raise InvalidInput(f"Cell {number} has no items: leave `item` out.")
        return cell

    # Looking -----------------------------------------------------------------------------------

    async def page(
        self, cell_id: str, *, item: int | None = None, limit: int = 20, before: int | None = None
    ) -> AnswerPage:
        """Versions of an answer, the newest first.

        Args:
            cell_id: Which prompt.
            item: Of which item; None: it is not over items.
            limit: How many at most.
            before: Only those of a smaller number; see `AnswerPage.next`.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or ``item`` does not fit it.
            StorageError: The records cannot be read.
        """
        cell = self.prompt(cell_id, item)
        placed = await self._placed(cell, item)
        total = placed[0].number if placed else 0
        wanted = [version for version in placed if before is None or version.number < before]
        page = wanted[:limit]
        records = await self._records(page)
        in_use = in_use_id(cell, item)
        found = [
            version_of(version, records.get(version.id), item=item, in_use=in_use)
            for version in page
        ]
        return AnswerPage(
            version=answers_version(cell),
            total=total,
            in_use=in_use,
            answers=[version for version in found if version is not None],
            next=page[-1].number if len(wanted) > len(page) else None,
            dependents=self._dependents(cell_id),
        )

    async def detail(
        self, cell_id: str, answer_id: str, *, item: int | None = None
    ) -> AnswerDetail:
        """One version in full, and how it differs from the one in use.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or ``item`` does not fit it.
            NotFound: It has no such answer.
            StorageError: The records cannot be read.
        """
        cell = self.prompt(cell_id, item)
        placed = await self._find(cell, item, answer_id)
        shown = answers_in(cell.outputs, item)
        used_call = shown[-1].fields.get("call_id") if shown else None
        wanted = [placed] if not isinstance(used_call, str) else [
            placed, PlacedVersion(used_call, 0, None)
        ]  # fmt: skip
        records = await self._records(wanted)
        record = records.get(placed.id)
        in_use = in_use_id(cell, item)
        version = version_of(placed, record, item=item, in_use=in_use)
        if version is None:
            raise _no_answer(answer_id)
        text, value = self._text_and_value(cell, placed, record)
        difference: list[TextBlock] = []
        if shown and placed.id != in_use:
            texts = text, shown[-1].content
            if is_json := cell.has_schema:
                texts = (
                    _pretty(text, value),
                    _pretty(texts[1], shown[-1].fields.get("value", UNSET)),
                )
            # In a thread, as long texts take a while.
            difference = await asyncio.to_thread(compare_answers, *texts, are_json=is_json)
        source = placed.source
        reasoning = source.fields.get("reasoning") if isinstance(source, Output) else None
        return AnswerDetail(
            **{name: getattr(version, name) for name in AnswerVersion.__struct_fields__},
            text=text,
            value=value,
            reasoning=record.reasoning
            if record
            else reasoning
            if isinstance(reasoning, str)
            else "",
            difference=difference,
            asked=asked_changes(
                record, records.get(used_call) if isinstance(used_call, str) else None
            ),
        )

    def _dependents(self, cell_id: str) -> list[str]:
        notebook = self._session.notebook
        return [
            dependent
            for dependent in self._session.dependencies.downstream(cell_id)
            if notebook[dependent].status != "idle" and not notebook[dependent].stale
        ]

    async def _placed(self, cell: PromptCell, item: int | None) -> list[PlacedVersion]:
        recorded = await self._session.model_caller.ledger.answers_of_cell(
            self._session.notebook.id, cell.id, item, KEPT_LIMIT
        )
        return placed_versions(cell, item, recorded)

    async def _find(self, cell: PromptCell, item: int | None, answer_id: str) -> PlacedVersion:
        for version in await self._placed(cell, item):
            if version.id == answer_id:
                return version
        raise _no_answer(answer_id)

    async def _records(self, versions: Sequence[PlacedVersion]) -> dict[str, CallRecord]:
        wanted = [version.id for version in versions if version.source is None]
        if not wanted:
            return {}
        found = await self._session.model_caller.ledger.find(self._session.notebook.id, wanted)
        return {record.id: record for record in found}

    def _text_and_value(
        self, cell: PromptCell, placed: PlacedVersion, record: CallRecord | None
    ) -> tuple[str, JSONValue | UnsetType]:
        source = placed.source
        if isinstance(source, AnswerEdit):
            return source.content, source.value
        if isinstance(source, Output):
            return source.content, source.fields.get("value", UNSET)
        text = "" if record is None else record.text
        if not cell.has_schema:
            return text, UNSET
        try:
            return text, read_answer_json(text)
        except AnswerMisfit:
            return text, UNSET

    # Asking several ----------------------------------------------------------------------------

    async def ask(
        self,
        cell_id: str,
        models: Sequence[AskedModel],
        *,
        item: int | None = None,
        asking_id: str | None = None,
    ) -> Asking:
        """Ask several models for an answer, or one several times; nothing of the notebook changes.

        Each answer is recorded as the cell's, and can be taken into use.

        Args:
            cell_id: Which prompt.
            models: Who is asked.
            item: Of which item; None: it is not over items.
            asking_id: The id of what is under way then; None: a new one.

        Returns:
            What is under way.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The notebook asks nobody, as it is in ``replay`` mode.
            InvalidInput: It is no prompt, cannot be filled, or has tools.
            LLMReplError: It cannot be prepared.
        """
        cell = self.prompt(cell_id, item)
        self._askings = {
            id_: asking for id_, asking in self._askings.items() if not asking.ended
        } | dict([*self._askings.items()][-_ASKINGS_KEPT:])
        asking = await start_asking(
            self._session, self._queue, cell, models, item, asking_id=asking_id
        )
        self._askings[asking.id] = asking
        return asking

    def asking(self, asking_id: str) -> Asking:
        """What is under way, or was not long ago.

        Raises:
            NotFound: There is none of that id.
        """
        found = self._askings.get(asking_id)
        if found is None:
            raise NotFound(f"There is no comparison `{asking_id[:80]}`, or it is long over.")
        return found

    @property
    def is_asking(self) -> bool:
        """Whether somebody is being asked."""
        return any(not asking.ended for asking in self._askings.values())

    async def stop_asking(self) -> None:
        """Stop whatever is under way."""
        for asking in tuple(self._askings.values()):
            await asking.stop()

    # Changing ----------------------------------------------------------------------------------

    async def use(self, cell_id: str, answer_id: str, *, item: int | None = None) -> AnswerChange:
        """Take another version into use: the variable follows, and what depends on it is stale.

        Args:
            cell_id: Which prompt.
            answer_id: Which version; see `page`.
            item: Of which item; None: it is not over items.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The cell runs.
            InvalidInput: It is no prompt, or the answer does not have the form that it asks for.
            NotFound: It has no such answer.
            StorageError: The records cannot be read.
        """
        cell = self.prompt(cell_id, item)
        self.refuse_running(cell)
        if in_use_id(cell, item) == answer_id:
            return AnswerChange(changed=False)
        self._refuse_outside(cell, item)
        placed = await self._find(cell, item, answer_id)
        shown = answers_in(cell.outputs, item)
        source = placed.source
        if isinstance(source, AnswerEdit):
            base = await self._base_of(cell, source, shown)
            outputs = [edited_output(base, source)]
        elif isinstance(source, Output):
            outputs = [source]
        else:
            record = (await self._records([placed])).get(answer_id)
            if record is None:
                raise _no_answer(answer_id)
            if is_refused(record.turn):
                raise InvalidInput("The model refused there, which is no answer: choose another.")
            value = await self._value(cell, record.text)
            outputs = recorded_outputs(record, variable=self._variable(cell), value=value)
        return await self._put(cell, item, outputs)

    async def edit(
        self,
        cell_id: str,
        content: str | None = None,
        *,
        value: JSONValue | UnsetType = UNSET,
        item: int | None = None,
    ) -> AnswerChange:
        """Write an answer by hand. The model's own is kept, and can be had back with `use`.

        Args:
            cell_id: Which prompt.
            content: The text; of a structured answer JSON.
            value: In its place, of a structured answer: the value.
            item: Of which item; None: it is not over items.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The cell runs.
            InvalidInput: It is no prompt, has no answer yet, or what was written does not have the
                form that it asks for.
        """
        cell = self.prompt(cell_id, item)
        self.refuse_running(cell)
        shown = answers_in(cell.outputs, item)
        if not shown and item is None:
            raise InvalidInput("There is no answer to edit yet: run the cell first.")
        self._refuse_outside(cell, item)
        before = shown[-1] if shown else self._empty(cell, item)
        if (value is UNSET) == (content is None):
            raise InvalidInput("Give either `content` or `value`.")
        if not isinstance(value, UnsetType):
            if not cell.has_schema:
                raise InvalidInput("The prompt asks for a text, so give `content`.")
            content = json.dumps(value, ensure_ascii=False, indent=2)
        assert content is not None
        value = await self._value(cell, content)
        if (content, value) == (before.content, before.fields.get("value", UNSET)):
            return AnswerChange(changed=False)
        call_id = before.fields.get("call_id")
        original = original_output(before)
        if (content, value) == (original.content, original.fields.get("value", UNSET)):
            return await self._put(cell, item, [original])  # written back as it was
        edit = new_edit(content, value, item, call_id if isinstance(call_id, str) else None)
        return await self._put(cell, item, [edited_output(before, edit)], edit)

    async def remember(self, cell_id: str) -> None:
        """Have a prompt's answer as ``_`` in the kernel, of a prompt over items those of all.

        Args:
            cell_id: Which prompt.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: It has no answer yet, or the session is closed.
        """
        session = self._session
        cell = session.notebook[cell_id]
        has_answer = cell.status == "completed" and (
            getattr(cell, "for_each", None) is not None
            or any(output.type == "llm_response" for output in cell.outputs)
        )
        if not isinstance(cell, PromptCell) or not has_answer:
            number = session.notebook.index(cell_id) + 1
            raise Conflict(f"Cell {number} has no answer: run it, if it is a prompt.")
        value = copy.deepcopy(value_in(cell, cell.outputs))

        async def remember() -> None:
            await session.kernels.ensure()
            await session.kernel.remember(value)

        await self._queue.ask(remember)

    def refuse_running(self, cell: PromptCell) -> None:
        """Refuse to change the answer of a cell that runs.

        Raises:
            Conflict: It does.
        """
        if cell.status in ("running", "queued"):
            number = self._session.notebook.index(cell.id) + 1
            raise Conflict(
                f"Cell {number} runs: stop it, or wait until it has ended, before its answer is "
                "changed."
            )

    async def _base_of(self, cell: PromptCell, edit: AnswerEdit, shown: Sequence[Output]) -> Output:
        """The model's answer that was edited; where it is gone, the one that is shown."""
        if edit.call_id is not None and (
            not shown or shown[-1].fields.get("call_id") != edit.call_id
        ):
            found = await self._records([PlacedVersion(edit.call_id, 0, None)])
            if edit.call_id in found:
                record = found[edit.call_id]
                value: JSONValue | UnsetType = UNSET
                if cell.has_schema:
                    value = self._text_and_value(cell, PlacedVersion(record.id, 0, None), record)[1]
                outputs = recorded_outputs(record, variable=self._variable(cell), value=value)
                return answers_in(outputs, edit.item)[-1]
        return shown[-1] if shown else self._empty(cell, edit.item)

    def _empty(self, cell: PromptCell, item: int | None) -> Output:
        """In the place of the answer of an item that has none."""
        fields: dict[str, Any] = {"prompt": "", "response_var": self._variable(cell)}
        if item is not None:
            fields |= {"item": item, "failed": True}
        return Output("llm_response", "", fields)

    def _refuse_outside(self, cell: PromptCell, item: int | None) -> None:
        count = item_count(cell.outputs)
        if item is not None and not 0 <= item < count:
            raise InvalidInput(
                f"The answer has {count} items, and `item` is {item}: it counts from 0."
            )

    def _variable(self, cell: PromptCell) -> str:
        return cell.answer_variable(self._session.notebook.index(cell.id))

    async def _value(self, cell: PromptCell, text: str) -> JSONValue | UnsetType:
        """The value of a structured answer, checked; UNSET where any text will do."""
        if not cell.has_schema:
            return UNSET
        return await self._queue.ask(lambda: self._checked(cell, text))

    async def _checked(self, cell: PromptCell, text: str) -> JSONValue:
        form = await resolve_form(cell.schema, self._session.kernel)
        assert form is not None
        try:
            return await form.read(text, self._session.kernel)
        except AnswerMisfit as error:
            raise InvalidInput(str(error)) from None

    async def _put(
        self,
        cell: PromptCell,
        item: int | None,
        outputs: Sequence[Output],
        edit: AnswerEdit | None = None,
    ) -> AnswerChange:
        """Have a cell show an answer, its variable hold it, and the cell keep what was written."""
        return await self._queue.ask(lambda: self._put_now(cell, item, outputs, edit))

    async def _put_now(
        self,
        cell: PromptCell,
        item: int | None,
        outputs: Sequence[Output],
        edit: AnswerEdit | None,
    ) -> AnswerChange:
        session = self._session
        if cell.id not in session.notebook or session.notebook[cell.id] is not cell:
            raise Conflict("The cell was deleted meanwhile, or another one is in its place.")
        self.refuse_running(cell)
        new = with_answer(cell, item, outputs)
        is_whole = has_every_answer(new)
        if session.kernel.alive:
            await self._assign(cell, new)
            if is_whole:
                session.kernels.note_held(cell.id)
        was = cell.answer_text()
        cell.outputs = new
        cell.status = "completed" if is_whole else "error"
        if edit is not None:
            keep_edit(cell, edit)
        session.notebook.touch()
        value = ValueChange(
            *(None if text is None else value_excerpt(text, session) for text in
              (was, cell.answer_text()))
        )  # fmt: skip
        marked = session.dependencies.note_change(
            cell.id, "ran", values={self._variable(cell): value}
        )
        return AnswerChange(changed=True, marked=marked)

    async def _assign(self, cell: PromptCell, outputs: Sequence[Output]) -> None:
        kernel, variable = self._session.kernel, self._variable(cell)
        value = value_in(cell, outputs)
        form = await resolve_form(cell.schema, kernel) if cell.has_schema else None
        if isinstance(form, ModelForm):
            await form.deliver(kernel, variable, value, many=cell.for_each is not None)
        else:
            await kernel.assign({variable: copy.deepcopy(value)})


def _no_answer(answer_id: str) -> NotFound:
    return NotFound(f"The cell has no answer `{answer_id[:80]}`: list its answers to see which.")


def _pretty(text: str, value: Any) -> str:
    if value is UNSET:
        return text
    return json.dumps(to_builtins(value), ensure_ascii=False, indent=2)
