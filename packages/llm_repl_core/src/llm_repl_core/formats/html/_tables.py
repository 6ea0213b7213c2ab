"""Reads a table that a library wrote as HTML, as the frames of pandas and polars do."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from msgspec import Struct

from llm_repl_core.formats.html._markup import Markup, element, join, scrolling

__all__ = ["draw_table"]

_ALLOWED = frozenset(
    [
        "div",
        "style",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "p",
        "small",
        "caption",
        "colgroup",
        "col",
        "br",
    ]
)
_NUMBER = re.compile(
    r"(?:[-+−]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?%?|nan|inf|-inf|none|null|<na>|nat|\.\.\.|…|)",
    re.IGNORECASE,
)
_ALIGNS = re.compile(r"\s*text-align:\s*\w+;?\s*")
_MOST_LENGTH = 2_000_000
_MOST_SPAN = 1_000


class _Cell(Struct):
    is_head: bool
    columns: int = 1
    rows: int = 1
    text: str = ""


def draw_table(html: str) -> Markup | None:
    """The table, in the looks of the page.

    Args:
        html: What a library wrote. Nothing of it is used as HTML: texts alone are taken.

    Returns:
        None, where it is more than a table, so that it belongs into a frame.
    """
    if "<table" not in html or len(html) > _MOST_LENGTH:
        return None
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    if not reader.is_plain or reader.tables != 1 or not reader.body:
        return None
    numeric = _numeric(reader.body)
    head = [_row(row, numeric) for row in reader.head]
    body = [_row(row, numeric) for row in reader.body]
    note = reader.note.strip()
    return join(
        scrolling(
            "div",
            element(
                "table",
                element("caption", reader.caption.strip()) if reader.caption.strip() else "",
                element("thead", *head) if head else "",
                element("tbody", *body),
                class_="grid of-data",
            ),
            class_="scrolls",
        ),
        element("p", note, class_="note") if note else "",
    )


def _numeric(rows: list[list[_Cell]]) -> list[bool]:
    """By column from the right, since a name of rows that spans several is missing at the left."""
    width = max(sum(cell.columns for cell in row) for row in rows)
    numeric, filled = [True] * width, [False] * width
    for row in rows:
        column = 0
        for cell in reversed(row):
            if cell.is_head or not _NUMBER.fullmatch(cell.text.strip()):
                numeric[column] = False
            filled[column] |= any(letter.isdigit() for letter in cell.text)
            column += cell.columns
    return [a and b for a, b in zip(numeric, filled, strict=True)]


def _row(row: list[_Cell], numeric: list[bool]) -> Markup:
    cells: list[Markup] = []
    column = 0
    for cell in reversed(row):
        is_number = column < len(numeric) and numeric[column] and cell.columns == 1
        column += cell.columns
        text = cell.text.strip()
        shown = element(
            "th" if cell.is_head and text else "td",  # a head without a word is none
            text,
            class_="number" if is_number else None,
            colspan=str(cell.columns) if cell.columns > 1 else None,
            rowspan=str(cell.rows) if cell.rows > 1 else None,
        )
        cells.append(shown)
    return element("tr", *reversed(cells))


class _TableReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.head: list[list[_Cell]] = []
        self.body: list[list[_Cell]] = []
        self.caption = self.note = ""
        self.is_plain = True
        self.tables = 0
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in _ALLOWED or not all(map(_is_plain, attributes)):
            self.is_plain = False
        self.tables += tag == "table"
        if tag in ("br", "col"):
            self._write("\n" if tag == "br" else "")
            return
        self._open.append(tag)
        rows = self.head if "thead" in self._open else self.body
        if tag == "tr":
            rows.append([])
        elif tag in ("td", "th"):
            spans = dict(attributes)
            if not rows:
                rows.append([])
            rows[-1].append(
                _Cell(tag == "th", _span(spans.get("colspan")), _span(spans.get("rowspan")))
            )

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            # That of pandas says how its tables are aligned, which the page knows.
            self.is_plain &= ".dataframe" in data or not data.strip()
        else:
            self._write(data)

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002  # the parser's signature
        self.is_plain = False

    def _write(self, text: str) -> None:
        rows = self.head if "thead" in self._open else self.body
        if ("td" in self._open or "th" in self._open) and rows and rows[-1]:
            rows[-1][-1].text += text
        elif "caption" in self._open:
            self.caption += text
        elif "p" in self._open or "small" in self._open:
            self.note += text
        elif text.strip():
            self.is_plain = False


def _is_plain(attribute: tuple[str, str | None]) -> bool:
    name, value = attribute
    if name == "style":
        return _ALIGNS.fullmatch(value or "") is not None
    return not name.startswith("on")


def _span(text: str | None) -> int:
    return min(int(text), _MOST_SPAN) if text and text.isascii() and text.isdigit() else 1
