"""Cells: made, changed, moved, duplicated, cleared, deleted."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from llm_repl_core import Application, Cell, ForeignCell, InvalidInput, Notebook, StaleReason
from llm_repl_core.engine.dependencies import Happening, MarkedCells
from llm_repl_core.engine.prompts.draft import changed_prompt
from llm_repl_core.model.cell import PromptCell, build_cell
from llm_repl_server.errors import PreconditionFailed
from llm_repl_server.services.answers import (
    CellAnswer,
    CellList,
    cell_answer,
    cell_tag,
    cell_type_word,
)
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.wire_events import (
    CellChanged,
    CellCreated,
    CellDeleted,
    CellMoved,
    OutputsCleared,
    WireEvent,
)
from llm_repl_server.storage.changes import (
    Change,
    DeleteCell,
    InsertCell,
    MarkStale,
    ReorderCell,
    WriteCell,
)

__all__ = ["CellService"]


class CellService:
    """What clients do with cells.

    Args:
        application: Knows the types of cells.
        open_notebooks: The notebooks in memory.
    """

    def __init__(self, application: Application, open_notebooks: OpenNotebooks) -> None:
        self._application = application
        self._open_notebooks = open_notebooks

    @property
    def option_names(self) -> frozenset[str]:
        """The fields that cells of some type have beside those that every cell has."""
        classes: list[type[Cell]] = [*map(self._class, self._words()), ForeignCell]
        return frozenset(name for cell_class in classes for name in cell_class.option_names())

    def _words(self) -> Sequence[str]:
        return self._application.cell_types.words()

    def _class(self, word: str) -> type[Cell]:
        return self._application.cell_types.get(word)

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
        own = self._own_fields(type(cell), fields, cell)
        return opened, changed_prompt(opened.notebook, cell_id, own)

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
        opened = await self._open_notebooks.get(notebook_id)
        notebook = opened.notebook
        if new_id is not None and new_id in notebook:
            return cell_answer(notebook[new_id])
        cell_class = self._application.cell_types.get(type_word)
        cell = build_cell(cell_class, self._own_fields(cell_class, fields))
        if new_id is not None:
            cell.id = new_id
        notebook.insert(cell, position)
        return await self._inserted(opened, cell)

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
        opened = await self._open_notebooks.get(notebook_id)
        notebook = opened.notebook
        cell = notebook[cell_id]
        _check_version(cell, if_match)
        new_class = type(cell) if type_word is None else self._class_for(cell, type_word)
        if new_class is type(cell):
            fields = self._own_fields(new_class, fields, cell)
            candidate = cell.copy(id=cell_id)
            candidate.change(**fields)
        else:
            kept = {"content": cell.content, "metadata": cell.metadata, "extra": cell.extra}
            candidate = build_cell(
                new_class, kept | self._own_fields(new_class, fields, cell) | {"id": cell_id}
            )
            if cell.stale or cell.status != "idle":
                candidate.staleness = cell.staleness
                candidate.be_stale(StaleReason(kind="own_edit", field="type"))
        is_other = _matters(candidate) != _matters(cell)
        # What depended on the cell as it was, and what depends on it as it is.
        marked = _Marked(opened, cell_id, "edited" if is_other else None)
        marked.note()
        if new_class is type(cell):
            notebook.change(cell_id, **fields)
        else:
            notebook.replace(candidate)
        marked.note()
        shown = cell_answer(notebook[cell_id])
        await self._write(
            opened,
            WriteCell(notebook_id, notebook[cell_id]),
            event=CellChanged(notebook_id=notebook_id, cell_id=cell_id, cell=shown),
            marked=marked.cells(),
        )
        return shown

    async def delete(
        self, notebook_id: str, cell_id: str, if_match: Container[str] | None = None
    ) -> None:
        """Delete a cell. One that runs goes on to its end.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            PreconditionFailed: Somebody else changed the cell; it stays.
        """
        opened = await self._open_notebooks.get(notebook_id)
        _check_version(opened.notebook[cell_id], if_match)
        marked = opened.dependencies.note_change(cell_id, "deleted")
        opened.notebook.remove(cell_id)
        if opened.existing_session is not None:
            opened.existing_session.approvals.refuse(cell_id)  # nobody is asked any more
        await self._write(
            opened,
            DeleteCell(notebook_id, cell_id),
            event=CellDeleted(notebook_id=notebook_id, cell_id=cell_id),
            marked=marked,
        )

    async def move(self, notebook_id: str, cell_id: str, position: int) -> CellAnswer:
        """Move a cell so that it stands at ``position``, from 0.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: The position is outside.
        """
        opened = await self._open_notebooks.get(notebook_id)
        notebook = opened.notebook
        cell = notebook[cell_id]
        marked = _Marked(opened, cell_id, "moved")
        needs: list[str] = []
        was_stale = cell.stale
        has_run = cell.status != "idle" or was_stale
        if 0 <= position < len(notebook):
            needs = opened.dependencies.upstream(cell_id) if has_run else []
            marked.note()
        notebook.move(cell_id, position)
        marked.note()
        if has_run and needs != opened.dependencies.upstream(cell_id):
            cell.be_stale(StaleReason(kind="moved", cell_id=cell_id))
            marked.add(cell_id, was_stale=was_stale)
        await self._write(
            opened,
            ReorderCell(notebook_id, cell_id, _next_id(notebook, position)),
            event=CellMoved(notebook_id=notebook_id, cell_id=cell_id, position=position),
            marked=marked.cells(),
        )
        return cell_answer(cell)

    async def duplicate(self, notebook_id: str, cell_id: str) -> CellAnswer:
        """Put a copy behind the cell.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        opened = await self._open_notebooks.get(notebook_id)
        copy = opened.notebook.duplicate(cell_id)
        if copy.status in ("running", "queued"):
            copy.status = "idle"
        return await self._inserted(opened, copy)

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

    def _own_fields(
        self, cell_class: type[Cell], fields: dict[str, Any], present: Cell | None = None
    ) -> dict[str, Any]:
        """Those fields that a type of cell has.

        Raises:
            InvalidInput: Another one says something. One that says nothing, or what the cell of
                another type that it is now says, was sent back as it came.
        """
        own = {"content", "metadata", *cell_class.option_names()}
        for name, value in fields.items():
            if name in own or name not in self.option_names or value is None:
                continue
            if present is not None and getattr(present, name, None) == value:
                continue
            owners = [word for word in self._words() if name in self._class(word).option_names()]
            if all(value == self._class(word).option_defaults()[name] for word in owners):
                continue
            raise InvalidInput(
                f"A {cell_class.type or 'foreign'} cell has no `{name}`, which is a field of "
                f"{' and '.join(owners)} cells: leave it out, or give the cell another type."
            )
        return {name: value for name, value in fields.items() if name in own}

    def _class_for(self, cell: Cell, type_word: str) -> type[Cell]:
        if cell_type_word(cell) == type_word:
            return type(cell)  # a foreign cell that is sent back as it came
        return self._application.cell_types.get(type_word)

    async def _inserted(self, opened: OpenNotebook, cell: Cell) -> CellAnswer:
        notebook = opened.notebook
        marked = opened.dependencies.note_change(cell.id, "added")
        index = notebook.index(cell.id)
        shown = cell_answer(cell)
        await self._write(
            opened,
            InsertCell(notebook.id, cell, _next_id(notebook, index)),
            event=CellCreated(notebook_id=notebook.id, cell_id=cell.id, position=index, cell=shown),
            marked=marked,
        )
        return shown

    async def _write(
        self, opened: OpenNotebook, change: Change, *, event: WireEvent, marked: MarkedCells
    ) -> None:
        """Write a change, and what has become stale by it; returns when both are on disk."""
        changes = [change, opened.writer.touch_change()]
        if marked:
            changes.append(MarkStale.of(opened.notebook, (*marked.stale, *marked.known)))
        opened.writer.write(*changes, event=event)
        opened.events.publish_stale(marked)
        await opened.writer.written()


class _Marked:
    """The cells that are marked in several steps of one edit.

    Args:
        opened: Their notebook.
        cell_id: The cell that is edited.
        happening: What happens to it; None: nothing that others depend on.
    """

    def __init__(self, opened: OpenNotebook, cell_id: str, happening: Happening | None) -> None:
        self._dependencies = opened.dependencies
        self._cell_id = cell_id
        self._happening = happening
        self._stale: list[str] = []
        self._known: list[str] = []

    def note(self) -> None:
        """Mark what depends on the cell as it is now."""
        if self._happening is not None:
            marked = self._dependencies.note_change(self._cell_id, self._happening)
            self._stale += marked.stale
            self._known += marked.known

    def add(self, cell_id: str, *, was_stale: bool) -> None:
        """Take in a cell that was marked otherwise."""
        (self._known if was_stale else self._stale).append(cell_id)

    def cells(self) -> MarkedCells:
        """Each cell once."""
        stale = tuple(dict.fromkeys(self._stale))
        known = dict.fromkeys(cell_id for cell_id in self._known if cell_id not in stale)
        return MarkedCells(stale, tuple(known))


def _matters(cell: Cell) -> tuple[Any, ...]:
    """What of a cell others may depend on."""
    return type(cell), cell.content, cell.options()


def _check_version(cell: Cell, if_match: Container[str] | None) -> None:
    if if_match is not None and cell_tag(cell) not in if_match:
        raise PreconditionFailed(
            "The cell was changed by somebody else since you read it; get it again and repeat "
            "your change."
        )


def _next_id(notebook: Notebook, index: int) -> str | None:
    cells = notebook.cells
    return cells[index + 1].id if index + 1 < len(cells) else None
