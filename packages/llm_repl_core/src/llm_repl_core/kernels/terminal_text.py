"""What a terminal shows of text that goes back: carriage returns, backspaces, cursor movements."""

from __future__ import annotations

import re

__all__ = ["SCREEN_ROWS", "TerminalText", "goes_back", "unfinished_escape"]

SCREEN_ROWS = 50
"""How far up a cursor can go, in lines; what stands above has scrolled out of reach."""

_CURSOR = re.compile(r"[\r\b]|\x1b\[[0-9;?]*[A-HJK]")
_TOKEN = re.compile(
    r"(?P<text>[^\x1b\r\n\b\a]+)"
    r"|(?P<control>[\r\n\b])"
    r"|\x1b\[(?P<numbers>[0-9;:?]*)[ -/]*(?P<command>[@-~])"
    # Titles and links, which show nothing by themselves; and all other sequences.
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b(?:[ -/]+[0-~]|[0-Z\\^-~])|[\x1b\a]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*|[ -/]+)?\Z")
_STYLE_LENGTH_LIMIT = 100


def goes_back(text: str) -> bool:
    """Whether a terminal would go back in the text; colours alone do not."""
    if "\r" not in text and "\b" not in text and "\x1b" not in text:
        return False  # the common case, which is fast to tell
    return _CURSOR.search(text) is not None


def unfinished_escape(text: str) -> int:
    """How many characters at the end are the beginning of an escape sequence."""
    found = _UNFINISHED.search(text, max(len(text) - 40, 0)) if "\x1b" in text[-40:] else None
    return 0 if found is None else len(text) - found.start()


class _Row:
    """A line in cells: each one character, after the escape sequences of its style."""

    def __init__(self, cells: list[str]) -> None:
        self.cells = cells
        self.was_overwritten = False


class TerminalText:
    """Lines of text, and a cursor.

    A line may be of any width; wide characters take one column.

    Args:
        text: What is there; the cursor is at its end.
    """

    def __init__(self, text: str) -> None:
        self._rows: list[str | _Row] = list(text.split("\n"))
        self._row = len(self._rows) - 1
        self._style = ""
        self._column = len(self._at(self._row).cells)

    @property
    def is_plain(self) -> bool:
        """Whether the lines say all: the cursor is at their end, and no blanks are hidden there."""
        if self._style or self._row < len(self._rows) - 1:
            return False
        row = self._at(self._row)
        return self._column == len(row.cells) and not row.was_overwritten

    def lines(self) -> list[str]:
        """The lines; the last one is not ended."""
        return [self._shown(place) for place in range(len(self._rows))]

    def write(self, text: str) -> None:
        """Show more text, and do what its control characters say."""
        for token in _TOKEN.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                self._put(token["text"])
            elif kind == "control":
                self._control(token["control"])
            elif kind == "command":
                self._command(token["command"], token["numbers"])

    def scroll(self) -> None:
        """Forget the lines that the cursor can't reach any more."""
        top = self._top
        del self._rows[:top]
        self._row -= top

    def _at(self, place: int) -> _Row:
        row = self._rows[place]
        if isinstance(row, str):
            row = self._rows[place] = _Row(_cells(row))
        return row

    def _put(self, text: str) -> None:
        row, begin = self._at(self._row), self._column
        if begin > len(row.cells):
            row.cells += " " * (begin - len(row.cells))
        elif begin < len(row.cells):
            row.was_overwritten = True
        end = self._column = begin + len(text)
        row.cells[begin:end] = [self._style + letter for letter in text] if self._style else text

    def _control(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(self._column - 1, 0)
        else:
            self._row += 1
            self._column = 0
            if self._row == len(self._rows):
                self._rows.append("")

    def _command(self, command: str, numbers: str) -> None:
        if command == "m":
            self._set_style(numbers)
            return
        if numbers.startswith("?"):
            return  # modes of the terminal: whether the cursor is shown
        values = [int(number) if number.isdigit() else 0 for number in numbers.split(";")]
        count = min(max(values[0], 1), 10_000)
        match command:
            case "A" | "F":
                self._row = max(self._row - count, self._top)
            case "B" | "E":
                self._row = min(self._row + count, len(self._rows) - 1)
            case "C":
                self._column += count
            case "D":
                self._column = max(self._column - count, 0)
            case "G":
                self._column = count - 1
            case "H" | "f":
                self._row = min(self._top + count - 1, len(self._rows) - 1)
                self._column = min(max(values[1], 1), 10_000) - 1 if len(values) > 1 else 0
            case "J":
                self._erase_screen(values[0])
            case "K":
                self._erase_line(values[0])
        if command in "EF":
            self._column = 0

    @property
    def _top(self) -> int:
        return max(len(self._rows) - SCREEN_ROWS, 0)

    def _erase_screen(self, which: int) -> None:
        if which == 0:
            self._erase_line(0)
            del self._rows[self._row + 1 :]
            return
        for place in range(self._top, self._row):
            self._rows[place] = ""
        if which == 1:
            self._erase_line(1)
        else:
            self._rows[self._row] = ""
            del self._rows[self._row + 1 :]

    def _erase_line(self, which: int) -> None:
        row = self._at(self._row)
        row.was_overwritten = True
        if which == 0:
            del row.cells[self._column :]
        elif which == 1:
            end = min(self._column + 1, len(row.cells))
            row.cells[:end] = " " * end
        else:
            row.cells.clear()

    def _set_style(self, numbers: str) -> None:
        first = numbers.split(";", 1)[0]
        if first in ("", "0"):
            self._style = ""
        if numbers not in ("", "0") and len(self._style) < _STYLE_LENGTH_LIMIT:
            self._style += f"\x1b[{numbers}m"

    def _shown(self, place: int) -> str:
        row = self._rows[place]
        if isinstance(row, str):
            return row
        cells = row.cells
        if row.was_overwritten:
            # Blanks are how programs erase; behind the cursor nobody sees them.
            end, least = len(cells), self._column if place == self._row else 0
            while end > least and cells[end - 1] == " ":
                end -= 1
            cells = cells[:end]
        text = "".join(cells)
        return text if len(text) == len(cells) else _styled(cells)


def _cells(line: str) -> list[str]:
    if "\x1b" not in line:
        return list(line)
    row = TerminalText("")
    row.write(line)
    return row._at(0).cells


def _styled(cells: list[str]) -> str:
    parts: list[str] = []
    style = ""
    for cell in cells:
        if cell[:-1] != style:
            parts.append("\x1b[0m" if style else "")
            style = cell[:-1]
            parts.append(style)
        parts.append(cell[-1])
    parts.append("\x1b[0m" if style else "")
    return "".join(parts)
