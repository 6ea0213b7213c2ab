"""Frames as tables that fit the width, read from the HTML that they come with."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from msgspec import Struct, field
from rich.console import JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from llm_repl_core import Output
from llm_repl_server.cli.terminal_text import display_width, escape_controls, one_line

__all__ = ["HtmlTable", "fit_table", "frame_parts", "read_frame"]

_LIMIT_CHARACTERS = 2_000_000
_CELL_COLUMNS = 40
_GAP = 2


class HtmlTable(Struct):
    """A table of texts.

    Attributes:
        header: The rows of its head.
        rows: The others.
        note: What stands below it: how many rows and columns there are.
    """

    header: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""


class _FrameReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.table = HtmlTable()
        self.tables = 0
        self._row: list[str] | None = None
        self._text: list[str] | None = None
        self._span = 1
        self._in_head = False
        self._note: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables += 1
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th"):
            self._text = []
            span = dict(attrs).get("colspan") or "1"
            self._span = min(int(span), 1000) if span.isdigit() else 1
        elif tag == "br" and self._text is not None:
            self._text.append(" ")
        elif tag in ("p", "small"):
            self._note = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self._in_head = False
        elif tag in ("td", "th") and self._row is not None and self._text is not None:
            self._row.extend([" ".join("".join(self._text).split()), *[""] * (self._span - 1)])
            self._text = None
        elif tag == "tr" and self._row is not None:
            (self.table.header if self._in_head else self.table.rows).append(self._row)
            self._row = None
        elif tag in ("p", "small") and self._note is not None:
            self.table.note = " ".join("".join(self._note).split())
            self._note = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)
        elif self._note is not None:
            self._note.append(data)


def read_frame(html: str) -> HtmlTable | None:
    """The table of a frame; None: it is something else.

    Args:
        html: What a library shows a frame as.
    """
    if 'class="dataframe"' not in html or len(html) > _LIMIT_CHARACTERS:
        return None
    reader = _FrameReader()
    reader.feed(html)
    reader.close()
    table = reader.table
    return table if reader.tables == 1 and (table.header or table.rows) else None


def frame_parts(output: Output, columns: int) -> Sequence[RenderableType]:
    """What an output looks like that is a frame, from top to bottom; nothing where it is none.

    Args:
        output: The output.
        columns: How wide it may be.
    """
    data = output.fields.get("data") if output.type == "display" else None
    html = data.get("text/html") if isinstance(data, dict) else None
    table = read_frame(html) if isinstance(html, str) else None
    if table is None:
        return ()
    note = [Text(escape_controls(table.note), style="dim")] if table.note else []
    return [fit_table(table, columns), *note]


def fit_table(table: HtmlTable, columns: int) -> Table:
    """The table as so many columns of a terminal have room for; what has none is left out.

    The first column and those at both ends stay, as in pandas.

    Args:
        table: The table.
        columns: How wide it may be.
    """
    every_row = [*table.header, *table.rows]
    count = max((len(row) for row in every_row), default=0)
    every_row = [row + [""] * (count - len(row)) for row in every_row]
    shown = [[one_line(text, _CELL_COLUMNS) for text in row] for row in every_row]
    widths = [max(display_width(row[place]) for row in shown) for place in range(count)]
    kept = _places_that_fit(widths, columns)
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=False)
    left_out = count - len(kept)
    for place in kept:
        drawn.add_column(no_wrap=True, overflow="ellipsis", justify=_side(shown, place, table))
        if left_out and place == kept[(len(kept) - 1) // 2]:
            drawn.add_column(no_wrap=True)
    gap_behind = kept[(len(kept) - 1) // 2] if left_out else -1
    for number, row in enumerate(shown):
        cells = []
        is_head = number < len(table.header)
        for place in kept:
            style = "bold" if is_head or place == 0 else ""
            cells.append(Text(escape_controls(row[place]), style=style))
            if place == gap_behind:
                cells.append(Text("…", style="dim"))
        drawn.add_row(*cells)
    return drawn


def _places_that_fit(widths: list[int], columns: int) -> list[int]:
    """The columns that are kept: as many as fit, from both ends."""
    if sum(widths) + _GAP * (len(widths) - 1) <= columns:
        return list(range(len(widths)))
    left, right = [0], []
    used = widths[0] + 1 + _GAP if widths else 0
    first, last = 1, len(widths) - 1
    takes_left = True
    while first <= last:
        place = first if takes_left else last
        used += widths[place] + _GAP
        if used > columns:
            break
        if takes_left:
            left.append(place)
            first += 1
        else:
            right.append(place)
            last -= 1
        takes_left = not takes_left
    return [*left, *reversed(right)]


def _side(shown: list[list[str]], place: int, table: HtmlTable) -> JustifyMethod:
    values = [row[place] for row in shown[len(table.header) :] if row[place]]
    return "right" if values and all(_is_number(value) for value in values) else "left"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").rstrip("%"))
    except ValueError:
        return text in ("...", "…", "NaN", "NaT", "<NA>", "None", "null")
    return True
