"""Cells: made, changed, moved, duplicated, cleared, deleted and brought back, one or many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Any

import msgspec

from llm_repl_core import Application, Cell, InvalidInput, LLMReplError
from llm_repl_core.engine.prompts.draft import changed_prompt
from llm_repl_core.model.cell import PromptCell, build_cell
from llm_repl_server.services.answers import CellAnswer, CellList, cell_answer, cell_tag
from llm_repl_server.services.cell_editor import CellEditor
from llm_repl_server.services.cell_fields import own_fields
from llm_repl_server.services.cell_steps import CellEdit, EditedCells
from llm_repl_server.services.event_numbers import EventNumbers
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.wire_events import OutputsCleared
from llm_repl_server.storage.bin_store import BinnedCell
from llm_repl_server.storage.changes import Change, WriteCell
from llm_repl_server.storage.store import Store

__all__ = ["CellService"]


class CellService:
    """What clients do with cells.

    Args:
        application: Knows the types of cells.
        store: Has the bin.
        open_notebooks: The notebooks in memory.
        numbers: How far the events of each notebook have come.
    """

    def __init__(
        self,
        application: Application,
        store: Store,
        open_notebooks: OpenNotebooks,
        numbers: EventNumbers,
    ) -> None:
        self._numbers = numbers
        self._application = application
        self._store = store
        self._open_notebooks = open_notebooks

    @property
    def option_names(self) -> frozenset[str]:
        """The fields that cells of some type have beside those that every cell has."""
        return self._application.cell_types.option_names()

    def read_nbformat(self, document: dict[str, Any], what: str) -> Cell:
        """A cell as a file of Jupyter's has it. May be called in any thread.

        Args:
            document: The cell.
            what: Where it came from, for messages.

        Raises:
            InvalidInput: It is none.
        """
        notebook = {"cells": [document], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        try:
            cells = self._application.decode("pasted.ipynb", msgspec.json.encode(notebook)).cells
        except InvalidInput as error:
            raise InvalidInput(
                f"The `nbformat` of {what} is no cell of a notebook: {error}"
            ) from None
        if not cells:
            raise InvalidInput(
                f"The `nbformat` of {what} is a cell that is made when a file is written."
            )
        return cells[0]

    async def list(self, notebook_id: str) -> CellList:
        """All cells of a notebook, in order.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        return CellList([cell_answer(cell) for cell in opened.notebook])

    async def show(self, notebook_id: str, cell_id: str) -> CellAnswer:
        """A cell.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        opened = await self._open_notebooks.get(notebook_id)
        return cell_answer(opened.notebook[cell_id])

    async def draft(
        self, notebook_id: str, cell_id: str, fields: dict[str, Any]
    ) -> tuple[OpenNotebook, PromptCell]:
        """A prompt with some fields changed, which is not kept, and its notebook.

        Args:
            notebook_id: In which notebook.
            cell_id: Which cell.
            fields: The fields, and perhaps others of an answer.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or a value cannot be used.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cell = opened.notebook[cell_id]
        own = own_fields(self._application.cell_types, type(cell), fields, cell)
        return opened, changed_prompt(opened.notebook, cell_id, own)

    async def new_draft(
        self, notebook_id: str, fields: dict[str, Any]
    ) -> tuple[OpenNotebook, PromptCell]:
        """A prompt that is not there yet, and its notebook.

        Args:
            notebook_id: In which notebook.
            fields: The fields, and perhaps others of an answer.

        Raises:
            NotebookNotFound: There is no such notebook.
            InvalidInput: A value cannot be used.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cell = build_cell(PromptCell, own_fields(self._application.cell_types, PromptCell, fields))
        assert isinstance(cell, PromptCell)
        return opened, cell

    async def create(
        self,
        notebook_id: str,
        type_word: str,
        position: int | None,
        fields: dict[str, Any],
        *,
        new_id: str | None = None,
    ) -> CellAnswer:
        """Make a cell.

        Args:
            notebook_id: In which notebook.
            type_word: The type, in either spelling.
            position: Before which cell, from 0; at the end where None.
            fields: The fields of the cell, and perhaps others of an answer.
            new_id: The id of the cell; where there is a cell of this id, it is that one, as the
                request was sent before. None: it gets a new one.

        Raises:
            NotebookNotFound: There is no such notebook.
            InvalidInput: The type, the position or a value cannot be used, or a field is one that
                this type of cell does not have.
        """
        return await self._edited(
            notebook_id, lambda editor: editor.create(type_word, position, fields, new_id)
        )

    async def change(
        self,
        notebook_id: str,
        cell_id: str,
        fields: dict[str, Any],
        *,
        type_word: str | None = None,
        if_match: Container[str] | None = None,
    ) -> CellAnswer:
        """Change a cell; a changed content or type clears its outputs.

        Args:
            notebook_id: In which notebook.
            cell_id: Which cell.
            fields: The new values, and perhaps others of an answer.
            type_word: The new type, in either spelling; None: as it is.
            if_match: The versions that the client would change; None: whatever it is.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: A value cannot be used, or a field is one that this type of cell does not
                have; nothing is changed.
            PreconditionFailed: Somebody else changed the cell; nothing is changed.
        """
        return await self._edited(
            notebook_id,
            lambda editor: editor.change(cell_id, fields, type_word=type_word, if_match=if_match),
        )

    async def delete(
        self, notebook_id: str, cell_id: str, if_match: Container[str] | None = None
    ) -> None:
        """Move a cell into the bin. One that runs goes on to its end.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            PreconditionFailed: Somebody else changed the cell; it stays.
        """
        editor = CellEditor(self._application, await self._open_notebooks.get(notebook_id))
        editor.delete(cell_id, if_match)
        await editor.write()

    async def move(self, notebook_id: str, cell_id: str, position: int) -> CellAnswer:
        """Move a cell so that it stands at ``position``, from 0.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: The position is outside.
        """
        return await self._edited(notebook_id, lambda editor: editor.move(cell_id, position))

    async def duplicate(self, notebook_id: str, cell_id: str) -> CellAnswer:
        """Put a copy behind the cell.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        return await self._edited(notebook_id, lambda editor: editor.duplicate(cell_id))

    async def restore(self, notebook_id: str, cell_id: str, position: int | None) -> CellAnswer:
        """Take a cell out of the bin; one that stands in the notebook stays as it is.

        Args:
            notebook_id: In which notebook.
            cell_id: Which cell.
            position: Where to put it, from 0; None: where it was, as far as that can be told.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell, neither here nor in the bin.
            InvalidInput: The position is outside.
        """
        binned = await self._in_bin(notebook_id, [cell_id])
        return await self._edited(
            notebook_id, lambda editor: editor.restore(cell_id, binned.get(cell_id), position)
        )

    async def edit(self, notebook_id: str, edits: Sequence[CellEdit]) -> EditedCells:
        """Make several edits as one: all of them, or none.

        Args:
            notebook_id: In which notebook.
            edits: In order; each finds the notebook as those before have left it.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: An edit names a cell that is not there. (One that is to be deleted, and is
                gone already, is passed over.)
            InvalidInput: A value cannot be used.
            PreconditionFailed: Somebody else changed a cell.
        """
        restored = [edit.cell_id for edit in edits if edit.do == "restore"]
        binned = await self._in_bin(notebook_id, restored) if restored else {}
        editor = CellEditor(self._application, await self._open_notebooks.get(notebook_id))
        if len(edits) > 1:  # one alone changes nothing where it cannot be made
            rehearsal = editor.rehearsal({edit.cell_id for edit in edits})
            for number, edit in enumerate(edits, 1):
                try:
                    edit.make(rehearsal, binned.get(edit.cell_id))
                except LLMReplError as error:
                    raise type(error)(f"Edit {number}: {error}") from None
        for edit in edits:
            edit.make(editor, binned.get(edit.cell_id))
        await editor.write()
        notebook = editor.notebook
        cells = [edit.cell_id for edit in edits if edit.cell_id in notebook]
        last = self._numbers.last(notebook_id)
        return EditedCells(
            versions={cell_id: cell_tag(notebook[cell_id]) for cell_id in cells},
            epoch=last.epoch,
            sequence=last.sequence,
        )

    async def clear_outputs(self, notebook_id: str, cell_id: str | None = None) -> None:
        """Clear the outputs of a cell, or of all. Of one that runs, those that have come so far.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cells = opened.notebook.cells if cell_id is None else (opened.notebook[cell_id],)
        changes: list[Change] = []
        for cell in cells:
            if cell.status == "running":
                cell.outputs.clear()  # the run's own list: what comes from now on is kept
            else:
                cell.clear_outputs()
            changes.append(WriteCell(notebook_id, cell))
        opened.notebook.touch()
        opened.writer.write(
            *changes,
            opened.writer.touch_change(),
            event=OutputsCleared(notebook_id=notebook_id, cell_ids=[cell.id for cell in cells]),
        )
        await opened.writer.written()

    async def _edited(self, notebook_id: str, edit: Callable[[CellEditor], Cell]) -> CellAnswer:
        editor = CellEditor(self._application, await self._open_notebooks.get(notebook_id))
        shown = cell_answer(edit(editor))
        await editor.write()
        return shown

    async def _in_bin(self, notebook_id: str, cell_ids: Sequence[str]) -> dict[str, BinnedCell]:
        await self._open_notebooks.get(notebook_id)
        return await asyncio.to_thread(self._store.bin.load_cells, notebook_id, cell_ids)
