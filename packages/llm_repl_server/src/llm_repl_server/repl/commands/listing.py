"""Rows of a list, side by side where there is room, else each on lines of its own."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["ROOM_FOR_TABLE", "list_rows"]

_GAP = 2
_INDENT = 4
ROOM_FOR_TABLE = 60
"""From how many columns on the parts of a row stand beside each other, whatever their length."""
_LEAST_STRETCH = 20


def list_rows(
    rows: Sequence[Sequence[Text]], columns: int, *, stretch: int = -1, wraps: bool = False
) -> RenderableType:
    """Rows of the same parts, as many columns wide as there is room for.

    In a table, the part that may be longest gets what room there is. Where that is too little, it
    stands below the others, or they below it where it comes before them.

    Args:
        rows: The rows.
        columns: How wide they may be.
        stretch: Which part may be longest.
        wraps: Whether it takes several lines; else it is cut.
    """
    count = len(rows[0]) if rows else 0
    at = stretch % count if count else 0
    fixed = [part for part in range(count) if part != at]
    widths = {part: max(row[part].cell_len for row in rows) for part in fixed}
    used = sum(width + _GAP for width in widths.values())
    longest = max((row[at].cell_len for row in rows), default=0)
    has_room = wraps or columns - used >= min(_LEAST_STRETCH, longest)
    if (columns < ROOM_FOR_TABLE and used + longest > columns) or not has_room:
        return Group(*(_stacked(row, at, columns, wraps=wraps) for row in rows))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    for part in range(count):
        if wraps:
            table.add_column()
        elif part == at:
            table.add_column(no_wrap=True, overflow="ellipsis", width=min(longest, columns - used))
        else:
            side: JustifyMethod = "right" if part > at else "left"
            table.add_column(no_wrap=True, min_width=widths[part], justify=side)
    for row in rows:
        table.add_row(*row)
    return table


def _stacked(row: Sequence[Text], at: int, columns: int, *, wraps: bool) -> RenderableType:
    gap = Text(" " * _GAP)
    is_last = at == len(row) - 1
    above = gap.join(row[:at] if is_last else row[: at + 1])
    below = gap.join(row[at:] if is_last else row[at + 1 :])
    if not wraps:
        longest = below if is_last else above
        longest.truncate(columns - (_INDENT if is_last else 0), overflow="ellipsis")
    return Group(above, Padding(below, (0, 0, 0, _INDENT))) if below.plain.strip() else above
