"""Cells as people name them: by their numbers, from 1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["CellNumbers", "CellRanges"]

_RANGE = re.compile(r"(\d+)(?:-(\d+)?)?")


_LAST = 10**9


class CellRanges(tuple[range, ...]):
    """Ranges of cells' numbers, from 1; as text they are what somebody types."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(map(_typed, self))


class CellNumbers(click.ParamType[CellRanges]):
    """``3,5-7,9-``: numbers and ranges; an open one ends with the notebook."""

    name = "CELLS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> CellRanges:
        """The ranges, as click asks for them."""
        ranges = []
        for part in str(value).split(","):
            found = _RANGE.fullmatch(part.strip())
            if found is None:
                self.fail(f"{value!r} must be cell numbers such as 3,5-7 or 5-.", param, ctx)
            first = int(found[1])
            last = first if "-" not in part else int(found[2] or _LAST)
            if not 1 <= first <= last:
                self.fail(
                    f"{part.strip()!r} names no cell: they count from 1, upwards.", param, ctx
                )
            ranges.append(range(first, last + 1))
        return CellRanges(ranges)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The numbers of the notebook that stands before."""
        from llm_repl_server.cli.completing import complete_cells

        return complete_cells(ctx, param, incomplete)

    @staticmethod
    def indexes(ranges: tuple[range, ...], count: int) -> list[int]:
        """The indexes that they name, from 0, in order.

        Args:
            ranges: What was given.
            count: How many cells there are.

        Raises:
            InvalidInput: A cell is named that is not there.
        """
        from llm_repl_core import InvalidInput

        for cells in ranges:
            if cells.start > count:
                have = f"has {count} cells" if count != 1 else "has one cell"
                raise InvalidInput(f"There is no cell {cells.start}: the notebook {have}.")
        return [index for index in range(count) if any(index + 1 in cells for cells in ranges)]


def _typed(cells: range) -> str:
    if len(cells) == 1:
        return str(cells.start)
    return f"{cells.start}-{'' if cells.stop > _LAST else cells.stop - 1}"
