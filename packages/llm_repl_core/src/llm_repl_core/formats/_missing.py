"""What stands in for an id that a file lacks, or has twice: the same at every reading."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID, uuid5

from llm_repl_core.model.cell import Cell

__all__ = ["FallbackIds", "with_unique_ids"]

_NAMESPACE = UUID("b8f1a9f4-52f3-4f0e-9a8e-5d1d3f5c7a10")


class FallbackIds:
    """The ids for what has none in a file.

    Were they drawn anew at each reading, the calls of a notebook that somebody wrote by hand
    could not be found again, and two runs of it would not give the same file.

    Args:
        data: The file's bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._digest: str | None = None

    def id_of(self, place: str) -> str:
        """A UUID.

        Args:
            place: What lacks it: ``cells[3]``; empty for the notebook.
        """
        if self._digest is None:
            self._digest = sha256(self._data).hexdigest()
        return str(uuid5(_NAMESPACE, f"{self._digest} {place}"))


def with_unique_ids(cells: Iterable[Cell]) -> list[Cell]:
    """Cells that were copied by hand may share an id: the first keeps it, the others get new ones.

    A new one comes from the shared one and how often that came before, so that the calls of such a
    cell are found again whatever else of the file is changed.
    """
    cells = list(cells)
    taken = {cell.id for cell in cells}
    seen: dict[str, int] = {}
    for cell in cells:
        before = seen[cell.id] = seen.get(cell.id, -1) + 1
        if before:
            original, number = cell.id, before
            while cell.id in taken:
                name = f"{original} {number}".encode("utf-8", "surrogatepass").hex()
                cell.id = str(uuid5(_NAMESPACE, name))
                number += 1
            taken.add(cell.id)
    return cells
