"""A notebook as data: an ordered collection of cells with a name and a memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from llm_repl_core.errors import CellNotFound, InvalidInput
from llm_repl_core.model.cell import Cell, CodeCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.json_value import JSONValue

__all__ = ["DEFAULT_NAME", "Notebook"]

DEFAULT_NAME = "Untitled Notebook"


class Notebook:
    """Cells in order, found by id in constant time. Data only: a `Session` runs it.

    Args:
        name: What people call it.
        id: A UUID; any text in files that exist already. A new one by default.
        cells: The first cells.
        created_at: With an offset; now by default.
        updated_at: With an offset; ``created_at`` by default.
        metadata: Anything that a tool wants to keep with the notebook.
        memory: The persistent variables, by name.
        state_keys: Names of the variables when it last ran, for information.
        extra: Fields that this version does not know, preserved verbatim.

    Raises:
        InvalidInput: Two cells have the same id.
    """

    def __init__(
        self,
        name: str = DEFAULT_NAME,
        *,
        id: str | None = None,
        cells: Iterable[Cell] = (),
        created_at: datetime | None = None,
        updated_at: datetime | None = None,
        metadata: Mapping[str, JSONValue] | None = None,
        memory: Mapping[str, JSONValue] | None = None,
        state_keys: Iterable[str] = (),
        extra: Mapping[str, JSONValue] | None = None,
    ) -> None:
        self.id = id or new_id()
        self.name = name
        self.created_at = created_at or datetime.now(UTC)
        self.updated_at = updated_at or self.created_at
        self.metadata: dict[str, JSONValue] = dict(metadata or {})
        self.memory: dict[str, JSONValue] = dict(memory or {})
        self.state_keys: list[str] = list(state_keys)
        self.extra: dict[str, JSONValue] = dict(extra or {})
        self.notices: list[str] = []
        """What was not taken over from the file that it was read from; not saved."""
        self.revision = 0
        """Rises with every change that goes through the notebook, not through a cell itself."""
        self._cells: list[Cell] = []
        self._by_id: dict[str, Cell] = {}
        self._indexes: dict[str, int] = {}
        """By id; empty where cells have changed places since it was last asked for."""
        for cell in cells:
            self._refuse_taken_id(cell)
            self._cells.append(cell)
            self._by_id[cell.id] = cell

    # Looking ---------------------------------------------------------------------------------

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in document order."""
        return tuple(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells)

    def __contains__(self, cell_id: object) -> bool:
        return cell_id in self._by_id

    def __getitem__(self, cell_id: str) -> Cell:
        """The cell of that id, in constant time.

        Raises:
            CellNotFound: There is none.
        """
        try:
            return self._by_id[cell_id]
        except KeyError:
            raise CellNotFound(f"Notebook {self.name!r} has no cell {cell_id!r}.") from None

    def index(self, cell_id: str) -> int:
        """Where the cell stands, from 0; asked again and again, in constant time.

        Raises:
            CellNotFound: There is none.
        """
        if not self._indexes:
            self._indexes = {cell.id: index for index, cell in enumerate(self._cells)}
        return self._indexes[self[cell_id].id]

    def preference(self, name: str) -> str | None:
        """What the notebook itself asks for under ``metadata.llm_repl``; None where nothing.

        Args:
            name: ``kernel``, ``provider``, ``model``, ``system``, ``mode`` or ``reasoning_effort``.
        """
        value = self.own_metadata.get(name)
        return value if isinstance(value, str) and value else None

    @property
    def own_metadata(self) -> dict[str, JSONValue]:
        """What stands under ``metadata.llm_repl``; empty where that is no object."""
        noted = self.metadata.get("llm_repl")
        return noted if isinstance(noted, dict) else {}

    def with_cell(self, cell: Cell) -> Notebook:
        """The same cells and one more at the end, as another notebook; this one stays as it is.

        Raises:
            InvalidInput: A cell has its id already.
        """
        return Notebook(
            self.name,
            id=self.id,
            cells=(*self._cells, cell),
            created_at=self.created_at,
            updated_at=self.updated_at,
            metadata=self.metadata,
            memory=self.memory,
            state_keys=self.state_keys,
            extra=self.extra,
        )

    # Changing --------------------------------------------------------------------------------

    def insert(self, cell: Cell, position: int | None = None) -> Cell:
        """Put a cell before the one at ``position``; at the end where None.

        Args:
            cell: The cell, whose id no other cell of the notebook has.
            position: From 0 to the number of cells.

        Raises:
            InvalidInput: The position is outside, or the id is taken.
        """
        index = len(self._cells) if position is None else position
        self._refuse_outside(index, len(self._cells))
        self._refuse_taken_id(cell)
        self._cells.insert(index, cell)
        self._indexes.clear()
        self._by_id[cell.id] = cell
        self.touch()
        return cell

    def move(self, cell_id: str, position: int) -> Cell:
        """Take a cell out and put it back so that it stands at ``position``, from 0.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: The position is outside.
        """
        index = self.index(cell_id)
        self._refuse_outside(position, len(self._cells) - 1)
        cell = self._cells.pop(index)
        self._cells.insert(position, cell)
        self._indexes.clear()
        self.touch()
        return cell

    def duplicate(self, cell_id: str) -> Cell:
        """Put a copy with an id of its own behind the cell.

        Raises:
            CellNotFound: There is no such cell.
        """
        return self.insert(self[cell_id].copy(), self.index(cell_id) + 1)

    def remove(self, cell_id: str) -> Cell:
        """Take a cell out and hand it back.

        Raises:
            CellNotFound: There is no such cell.
        """
        cell = self._cells.pop(self.index(cell_id))
        del self._by_id[cell_id]
        self._indexes.clear()
        self.touch()
        return cell

    def replace(self, cell: Cell) -> Cell:
        """Put a cell, perhaps of another type, in the place of the one that has its id.

        Raises:
            CellNotFound: There is no such cell.
        """
        self._cells[self.index(cell.id)] = cell
        self._by_id[cell.id] = cell
        self.touch()
        return cell

    def change(self, cell_id: str, **changes: Any) -> Cell:
        """Change fields of a cell; a changed content clears its outputs.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: A value does not fit; nothing is changed then.
        """
        cell = self[cell_id]
        cell.change(**changes)
        self.touch()
        return cell

    def replace_contents(self, other: Notebook) -> None:
        """Take over all that another notebook holds, its cells too, but for the id."""
        for name in _COMPARED:
            if name not in ("id", "cells"):
                setattr(self, name, getattr(other, name))
        self._cells = list(other.cells)
        self._by_id = {cell.id: cell for cell in self._cells}
        self._indexes.clear()
        self.revision += 1

    def touch(self) -> None:
        """Note that the notebook changed now."""
        self.updated_at = datetime.now(UTC)
        self.revision += 1

    # Writing cells by hand ---------------------------------------------------------------------

    def add_markdown(self, content: str) -> MarkdownCell:
        """Put a markdown cell at the end."""
        cell = MarkdownCell(content=content)
        self.insert(cell)
        return cell

    def add_code(self, content: str) -> CodeCell:
        """Put a code cell at the end."""
        cell = CodeCell(content=content)
        self.insert(cell)
        return cell

    def add_prompt(self, content: str, **options: Any) -> PromptCell:
        """Put a prompt cell at the end.

        Args:
            content: The template; ``{name}`` is filled from the state.
            options: The other fields of `PromptCell`: ``model``, ``response_var`` and so on.

        Raises:
            InvalidInput: An option does not exist or does not fit.
        """
        cell = PromptCell(content=content)
        cell.change(**options)
        self.insert(cell)
        return cell

    def add_memory(self, content: str) -> MemoryCell:
        """Put a memory cell at the end."""
        cell = MemoryCell(content=content)
        self.insert(cell)
        return cell

    # Comparing ---------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Notebook):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)

    __hash__ = None  # type: ignore[assignment]  # changeable data is no key

    def __repr__(self) -> str:
        return f"<Notebook {self.name!r}, {len(self._cells)} cells>"

    def _refuse_taken_id(self, cell: Cell) -> None:
        if cell.id in self._by_id:
            raise InvalidInput(f"Notebook {self.name!r} has a cell {cell.id!r} already.")

    def _refuse_outside(self, position: int, last: int) -> None:
        if not 0 <= position <= last:
            raise InvalidInput(f"`position` is {position}, but must be from 0 to {max(last, 0)}.")


_COMPARED = (
    "id",
    "name",
    "created_at",
    "updated_at",
    "metadata",
    "memory",
    "state_keys",
    "extra",
    "cells",
)
