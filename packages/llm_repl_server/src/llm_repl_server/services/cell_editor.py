"""Edits of cells: made in memory at once, and written and told together."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime
from typing import Any, Protocol

from llm_repl_core import Application, Cell, CellNotFound, Notebook, StaleReason
from llm_repl_core.engine.dependencies import Happening, MarkedCells
from llm_repl_core.model.cell import build_cell
from llm_repl_server.errors import PreconditionFailed
from llm_repl_server.services.answers import cell_answer, cell_tag, cell_type_word
from llm_repl_server.services.cell_fields import own_fields
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.wire_events import (
    CellChanged,
    CellCreated,
    CellDeleted,
    CellMoved,
    WireEvent,
)
from llm_repl_server.storage.bin_store import BinnedCell
from llm_repl_server.storage.changes import (
    BinCell,
    Change,
    InsertCell,
    MarkStale,
    ReorderCell,
    RestoreCell,
    WriteCell,
)

__all__ = ["CellEditor", "WhatDepends"]

_UNDER_WAY = ("running", "queued")


class WhatDepends(Protocol):
    """Knows which cells depend on which: `Dependencies`, or nobody."""

    def upstream(self, cell_id: str) -> list[str]:
        """The cells that a cell needs."""
        ...

    def note_change(self, cell_id: str, happening: Happening) -> MarkedCells:
        """Mark what depends on a cell; gives those that are stale by it, or for another reason."""
        ...


class _Nobody:
    def upstream(self, cell_id: str) -> list[str]:  # noqa: ARG002 - see `WhatDepends`
        return []

    def note_change(self, cell_id: str, happening: Happening) -> MarkedCells:  # noqa: ARG002 - as above
        return MarkedCells()


class CellEditor:
    """Edits the cells of one notebook; `write` ends it.

    Between the first edit and `write` nothing may be awaited, so that the order on disk is that in
    memory. An edit that cannot be made changes nothing.

    Args:
        application: Knows the types of cells.
        opened: The notebook.
    """

    def __init__(self, application: Application, opened: OpenNotebook) -> None:
        self._application = application
        self._opened = opened
        self._notebook = opened.notebook
        self._is_rehearsal = False
        self._changes: list[Change] = []
        self._events: list[WireEvent] = []
        self._stale: dict[str, None] = {}
        self._known: dict[str, None] = {}
        self._deleted: list[Cell] = []

    def rehearsal(self, cell_ids: Container[str]) -> CellEditor:
        """An editor of a copy, which shows whether edits of these cells can be made."""
        copy = CellEditor(self._application, self._opened)
        copy._notebook = Notebook(
            self._notebook.name,
            cells=[
                cell.copy(id=cell.id) if cell.id in cell_ids else cell for cell in self._notebook
            ],
        )
        copy._is_rehearsal = True
        return copy

    @property
    def has_edits(self) -> bool:
        """Whether anything was edited."""
        return bool(self._changes)

    @property
    def notebook(self) -> Notebook:
        """The notebook, as it is after the edits so far."""
        return self._notebook

    def create(
        self, type_word: str, position: int | None, fields: dict[str, Any], new_id: str | None
    ) -> Cell:
        """Make a cell; where there is one of this id, it is that one, and stays as it is.

        Raises:
            InvalidInput: The type, the position or a value cannot be used, or a field is one that
                this type of cell does not have.
        """
        if new_id is not None and new_id in self._notebook:
            return self._notebook[new_id]
        cell_class = self._class(type_word)
        cell = build_cell(cell_class, own_fields(self._application.cell_types, cell_class, fields))
        if new_id is not None:
            cell.id = new_id
        self._notebook.insert(cell, position)
        self._inserted(cell)
        return cell

    def duplicate(self, cell_id: str) -> Cell:
        """Put a copy behind a cell.

        Raises:
            CellNotFound: There is no such cell.
        """
        copy = self._notebook.duplicate(cell_id)
        if copy.status in _UNDER_WAY:
            copy.status = "idle"
        self._inserted(copy)
        return copy

    def change(
        self,
        cell_id: str,
        fields: dict[str, Any],
        *,
        type_word: str | None = None,
        if_match: Container[str] | None = None,
    ) -> Cell:
        """Change a cell; a changed content or type clears its outputs.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: A value cannot be used, or a field is one that this type of cell does not
                have.
            PreconditionFailed: Somebody else changed the cell.
        """
        notebook = self._notebook
        cell = notebook[cell_id]
        _check_version(cell, if_match)
        new_class = type(cell) if type_word is None else self._class_for(cell, type_word)
        if new_class is type(cell):
            fields = own_fields(self._application.cell_types, new_class, fields, cell)
            candidate = cell.copy(id=cell_id)
            candidate.change(**fields)
        else:
            kept = {"content": cell.content, "metadata": cell.metadata, "extra": cell.extra}
            candidate = build_cell(
                new_class,
                kept
                | own_fields(self._application.cell_types, new_class, fields, cell)
                | {"id": cell_id},
            )
            if cell.stale or cell.status != "idle":
                candidate.staleness = cell.staleness
                candidate.be_stale(StaleReason(kind="own_edit", field="type"))
        is_other = _matters(candidate) != _matters(cell)
        # What depended on the cell as it was, and what depends on it as it is.
        if is_other:
            self._note(cell_id, "edited")
        if new_class is type(cell):
            notebook.change(cell_id, **fields)
        else:
            notebook.replace(candidate)
        if is_other:
            self._note(cell_id, "edited")
        self._changed(cell_id)
        return notebook[cell_id]

    def put(self, cell: Cell, position: int | None) -> Cell:
        """Put a cell as it is at ``position``, from 0; at the end where None.

        Raises:
            InvalidInput: The position is outside, or its id is taken.
        """
        self._notebook.insert(cell, position)
        self._inserted(cell)
        return cell

    def replace(self, cell: Cell) -> Cell:
        """Put a cell as it is, with what it gave, in the place of the one that has its id.

        One that runs keeps what it gives.

        Raises:
            CellNotFound: There is no such cell.
        """
        notebook = self._notebook
        old = notebook[cell.id]
        if old.status in _UNDER_WAY:
            cell.outputs, cell.status = old.outputs, old.status
            cell.execution_count = old.execution_count
        if [output.to_wire() for output in cell.outputs] == [
            output.to_wire() for output in old.outputs
        ]:
            cell.staleness = old.staleness
            edits = old.edits_to(cell)
            if edits and old.status != "idle":
                cell.be_stale(*edits)
        is_other = _matters(cell) != _matters(old)
        if is_other:
            self._note(cell.id, "edited")
        if old.status in _UNDER_WAY and type(cell) is type(old):
            # The run goes on with its own cell.
            for name in cell.__struct_fields__:
                setattr(old, name, getattr(cell, name))
            notebook.touch()
        else:
            notebook.replace(cell)
        if is_other:
            self._note(cell.id, "edited")
        self._changed(cell.id)
        return notebook[cell.id]

    def add(self, change: Change, event: WireEvent | None = None) -> None:
        """Have another change made with the edits, and perhaps told after them."""
        self._changes.append(change)
        if event is not None:
            self._events.append(event)

    def move(self, cell_id: str, position: int) -> Cell:
        """Move a cell so that it stands at ``position``, from 0.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: The position is outside.
        """
        notebook = self._notebook
        cell = notebook[cell_id]
        needs: list[str] = []
        was_stale = cell.stale
        has_run = cell.status != "idle" or was_stale
        if 0 <= position < len(notebook):
            needs = self._dependents.upstream(cell_id) if has_run else []
            self._note(cell_id, "moved")
        notebook.move(cell_id, position)
        self._note(cell_id, "moved")
        if has_run and needs != self._dependents.upstream(cell_id):
            cell.be_stale(StaleReason(kind="moved", cell_id=cell_id))
            (self._known if was_stale else self._stale)[cell_id] = None
        self._changes.append(ReorderCell(notebook.id, cell_id, _next_id(notebook, position)))
        self._events.append(CellMoved(notebook_id=notebook.id, cell_id=cell_id, position=position))
        return cell

    def delete(self, cell_id: str, if_match: Container[str] | None = None) -> None:
        """Move a cell into the bin. One that runs goes on to its end.

        Raises:
            CellNotFound: There is no such cell.
            PreconditionFailed: Somebody else changed the cell.
        """
        notebook = self._notebook
        cell = notebook[cell_id]
        _check_version(cell, if_match)
        self._note(cell_id, "deleted")
        notebook.remove(cell_id)
        self._deleted.append(cell)
        # What it has given so far may not be on disk yet.
        self._changes.append(WriteCell(notebook.id, cell))
        self._changes.append(BinCell(notebook.id, cell_id, datetime.now(UTC)))
        self._events.append(CellDeleted(notebook_id=notebook.id, cell_id=cell_id))

    def restore(self, cell_id: str, binned: BinnedCell | None, position: int | None) -> Cell:
        """Take a cell out of the bin; one that stands in the notebook stays as it is.

        Args:
            cell_id: Which cell.
            binned: What the bin has of it.
            position: Where to put it, from 0; None: where it was, as far as that can be told.

        Raises:
            CellNotFound: It is not in the bin.
            InvalidInput: The position is outside.
        """
        notebook = self._notebook
        if cell_id in notebook:
            return notebook[cell_id]
        if binned is None:
            raise CellNotFound(f"Notebook {notebook.name!r} has no cell {cell_id!r} in its bin.")
        if position is None:
            behind = next((other for other in binned.following_ids if other in notebook), None)
            position = None if behind is None else notebook.index(behind)
        # One that was deleted while it ran has been given more since.
        running = self._opened.deleted_while_running.get(cell_id)
        if running is not None and not self._is_rehearsal:
            cell = running
        else:
            cell = binned.cell.copy(id=cell_id)
            if cell.status in _UNDER_WAY:
                cell.status = "interrupted"
        notebook.insert(cell, position)
        if not self._is_rehearsal:
            # Only this once: when it is deleted again, the bin has what it is by then.
            self._opened.deleted_while_running.pop(cell_id, None)
        self._inserted(cell, RestoreCell)
        return cell

    async def write(self) -> None:
        """Write all edits as one, and tell of them; returns when they are on disk.

        Raises:
            StorageError: They could not be written; the notebook is again as it is on disk.
        """
        if not self._changes:
            return
        opened = self._opened
        for cell in self._deleted:
            if opened.existing_session is not None:
                opened.existing_session.approvals.refuse(cell.id)  # nobody is asked any more
            if cell.status in _UNDER_WAY:
                opened.deleted_while_running[cell.id] = cell
        marked = self._marked()
        changes = [*self._changes, opened.writer.touch_change()]
        if marked:
            changes.append(MarkStale.of(self._notebook, (*marked.stale, *marked.known)))
        opened.writer.write(*changes, events=self._events)
        opened.events.publish_stale(marked)
        await opened.writer.written()

    @property
    def _dependents(self) -> WhatDepends:
        return _Nobody() if self._is_rehearsal else self._opened.dependencies

    def note_marked(self, marked: MarkedCells) -> None:
        """Have cells written and told that something else than these edits has marked."""
        self._stale |= dict.fromkeys(marked.stale)
        self._known |= dict.fromkeys(marked.known)

    def _note(self, cell_id: str, happening: Happening) -> None:
        self.note_marked(self._dependents.note_change(cell_id, happening))

    def _marked(self) -> MarkedCells:
        """The cells that were marked and are there, each once."""
        stale = tuple(cell_id for cell_id in self._stale if cell_id in self._notebook)
        known = [cell_id for cell_id in self._known if cell_id in self._notebook]
        return MarkedCells(stale, tuple(cell_id for cell_id in known if cell_id not in self._stale))

    def _changed(self, cell_id: str) -> None:
        notebook = self._notebook
        cell = notebook[cell_id]
        self._changes.append(WriteCell(notebook.id, cell))
        self._events.append(
            CellChanged(notebook_id=notebook.id, cell_id=cell_id, cell=cell_answer(cell))
        )

    def _inserted(self, cell: Cell, change: type[InsertCell | RestoreCell] = InsertCell) -> None:
        notebook = self._notebook
        self._note(cell.id, "added")
        index = notebook.index(cell.id)
        self._changes.append(change(notebook.id, cell, _next_id(notebook, index)))
        self._events.append(
            CellCreated(
                notebook_id=notebook.id, cell_id=cell.id, position=index, cell=cell_answer(cell)
            )
        )

    def _class(self, word: str) -> type[Cell]:
        return self._application.cell_types.get(word)

    def _class_for(self, cell: Cell, type_word: str) -> type[Cell]:
        if cell_type_word(cell) == type_word:
            return type(cell)  # a foreign cell that is sent back as it came
        return self._class(type_word)


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
