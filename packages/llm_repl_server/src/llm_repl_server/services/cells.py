"""Cells: made, changed, moved, duplicated, cleared, deleted."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from llm_repl_core import Application, Cell, Notebook
from llm_repl_core.model.cell import build_cell
from llm_repl_server.errors import PreconditionFailed
from llm_repl_server.services.events import Announcement
from llm_repl_server.services.live import LiveNotebook, LiveNotebooks
from llm_repl_server.services.wire import cell_on_wire, cell_tag
from llm_repl_server.storage.changes import (
    Change,
    DeleteCell,
    InsertCell,
    MoveCell,
    WriteCell,
)

__all__ = ["CellService"]


class CellService:
    """What clients do with cells.

    Args:
        application: Knows the types of cells.
        live: The notebooks in memory.
    """

    def __init__(self, application: Application, live: LiveNotebooks) -> None:
        self._application = application
        self._live = live

    async def list(self, notebook_id: str) -> dict[str, Any]:
        """All cells of a notebook, in order.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        live = await self._live.get(notebook_id)
        return {"cells": [cell_on_wire(cell) for cell in live.notebook]}

    async def show(self, notebook_id: str, cell_id: str) -> dict[str, Any]:
        """A cell.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        live = await self._live.get(notebook_id)
        return cell_on_wire(live.notebook[cell_id])

    async def create(
        self, notebook_id: str, type_word: str, position: int | None, fields: dict[str, Any]
    ) -> dict[str, Any]:
        """Make a cell.

        Args:
            notebook_id: In which notebook.
            type_word: The type, in either spelling.
            position: Before which cell, from 0; at the end where None.
            fields: The fields of the cell; those that its type does not have are left out.

        Raises:
            NotebookNotFound: There is no such notebook.
            InvalidInput: The type, the position or a value cannot be used.
        """
        live = await self._live.get(notebook_id)
        notebook = live.notebook
        cell_class = self._application.cell_types.get(type_word)
        cell = build_cell(cell_class, _known_fields(cell_class, fields))
        notebook.insert(cell, position)
        place = notebook.index(cell.id)
        shown = cell_on_wire(cell)
        live.write(
            InsertCell(notebook_id, cell, _next_id(notebook, place)),
            live.touch_change(),
            tell=_announce("cell_created", live, cell, position=place, cell=shown),
        )
        await live.written()
        return shown

    async def change(
        self,
        notebook_id: str,
        cell_id: str,
        fields: dict[str, Any],
        *,
        type_word: str | None = None,
        if_match: Container[str] | None = None,
    ) -> dict[str, Any]:
        """Change a cell; a changed content or type clears its outputs.

        Args:
            notebook_id: In which notebook.
            cell_id: Which cell.
            fields: The new values; those that the cell's type does not have are left out.
            type_word: The new type, in either spelling; None: as it is.
            if_match: The versions that the client would change; None: whatever it is.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: A value cannot be used; nothing is changed.
            PreconditionFailed: Somebody else changed the cell; nothing is changed.
        """
        live = await self._live.get(notebook_id)
        notebook = live.notebook
        cell = notebook[cell_id]
        _check_version(cell, if_match)
        new_class = type(cell) if type_word is None else self._class_for(cell, type_word)
        if new_class is type(cell):
            notebook.change(cell_id, **_known_fields(new_class, fields))
        else:
            kept = {"content": cell.content, "metadata": cell.metadata, "extra": cell.extra}
            cell = build_cell(new_class, kept | _known_fields(new_class, fields) | {"id": cell_id})
            notebook.replace(cell)
        return await self._written(live, cell, "cell_changed")

    async def delete(
        self, notebook_id: str, cell_id: str, if_match: Container[str] | None = None
    ) -> None:
        """Delete a cell. One that runs goes on to its end.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            PreconditionFailed: Somebody else changed the cell; it stays.
        """
        live = await self._live.get(notebook_id)
        _check_version(live.notebook[cell_id], if_match)
        cell = live.notebook.remove(cell_id)
        live.write(
            DeleteCell(notebook_id, cell_id),
            live.touch_change(),
            tell=_announce("cell_deleted", live, cell),
        )
        await live.written()

    async def move(self, notebook_id: str, cell_id: str, position: int) -> dict[str, Any]:
        """Move a cell so that it stands at ``position``, from 0.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: The position is outside.
        """
        live = await self._live.get(notebook_id)
        cell = live.notebook.move(cell_id, position)
        live.write(
            MoveCell(notebook_id, cell_id, _next_id(live.notebook, position)),
            live.touch_change(),
            tell=_announce("cell_moved", live, cell, position=position),
        )
        await live.written()
        return cell_on_wire(cell)

    async def duplicate(self, notebook_id: str, cell_id: str) -> dict[str, Any]:
        """Put a copy behind the cell.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        live = await self._live.get(notebook_id)
        copy = live.notebook.duplicate(cell_id)
        if copy.status in ("running", "queued"):
            copy.status = "idle"
        place = live.notebook.index(copy.id)
        shown = cell_on_wire(copy)
        live.write(
            InsertCell(notebook_id, copy, _next_id(live.notebook, place)),
            live.touch_change(),
            tell=_announce("cell_created", live, copy, position=place, cell=shown),
        )
        await live.written()
        return shown

    async def clear_outputs(self, notebook_id: str, cell_id: str | None = None) -> None:
        """Clear the outputs of a cell, or of all.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        live = await self._live.get(notebook_id)
        cells = live.notebook.cells if cell_id is None else (live.notebook[cell_id],)
        changes: list[Change] = []
        for cell in cells:
            cell.clear_outputs()
            changes.append(WriteCell(notebook_id, cell))
        live.notebook.touch()
        live.write(
            *changes,
            live.touch_change(),
            tell=Announcement(
                "outputs_cleared",
                notebook_id,
                {"notebook_id": notebook_id, "cell_ids": [cell.id for cell in cells]},
            ),
        )
        await live.written()

    def _class_for(self, cell: Cell, type_word: str) -> type[Cell]:
        if cell_on_wire(cell)["type"] == type_word:
            return type(cell)  # a foreign cell that is sent back as it came
        return self._application.cell_types.get(type_word)

    async def _written(self, live: LiveNotebook, cell: Cell, event: str) -> dict[str, Any]:
        shown = cell_on_wire(cell)
        live.write(
            WriteCell(live.notebook.id, cell),
            live.touch_change(),
            tell=_announce(event, live, cell, cell=shown),
        )
        await live.written()
        return shown


def _known_fields(cell_class: type[Cell], fields: dict[str, Any]) -> dict[str, Any]:
    editable = {"content", "metadata", *cell_class.option_names()}
    return {name: value for name, value in fields.items() if name in editable}


def _check_version(cell: Cell, if_match: Container[str] | None) -> None:
    if if_match is not None and cell_tag(cell) not in if_match:
        raise PreconditionFailed(
            "The cell was changed by somebody else since you read it; get it again and repeat "
            "your change."
        )


def _next_id(notebook: Notebook, place: int) -> str | None:
    cells = notebook.cells
    return cells[place + 1].id if place + 1 < len(cells) else None


def _announce(event: str, live: LiveNotebook, changed: Cell, /, **more: Any) -> Announcement:
    notebook_id = live.notebook.id
    return Announcement(
        event, notebook_id, {"notebook_id": notebook_id, "cell_id": changed.id} | more
    )
