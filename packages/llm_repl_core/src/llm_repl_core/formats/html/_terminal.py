"""What a program wrote to a terminal: its colours as classes, whatever else it asked for dropped."""

from __future__ import annotations

import re

from llm_repl_core.formats.html._markup import Markup, element, escape, join

__all__ = ["draw_terminal_text"]

# CSI, OSC (titles, links), other escapes.
_SEQUENCE = re.compile(
    r"\x1b\[([\d;:]*)([ -/]*[@-~])|\x1b\[[?<>=][\d;:]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_MARKS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_ENDS = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("strike",),
}
_LINE_COLOUR = 58
"""Of what is underlined: not shown, but a colour follows it."""
_LEVELS = (0, 95, 135, 175, 215, 255)


class _Look:
    """How the text that follows looks."""

    def __init__(self) -> None:
        self.ink: str | None = None
        self.ground: str | None = None
        self.marks: set[str] = set()

    def change(self, parameters: str) -> None:
        codes = _codes(parameters)
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()  # type: ignore[misc]  # all of it begins anew
            elif code in _MARKS:
                self.marks.add(_MARKS[code])
            elif code in _ENDS:
                self.marks.difference_update(_ENDS[code])
            elif code in (38, 48):
                self._set(code == 38, _colour(codes))
            elif code == _LINE_COLOUR:
                _colour(codes)
            elif 30 <= code <= 39 or 90 <= code <= 97:
                self._set(True, None if code == 39 else _NAMES[code % 10])
            elif 40 <= code <= 49 or 100 <= code <= 107:
                self._set(False, None if code == 49 else _NAMES[code % 10])

    def _set(self, is_ink: bool, colour: str | None) -> None:
        if is_ink:
            self.ink = colour
        else:
            self.ground = colour

    def draw(self, text: str) -> Markup:
        """A piece of text in this look."""
        classes = [f"ansi-{mark}" for mark in sorted(self.marks)]
        style = ""
        is_inverse = "inverse" in self.marks
        colours = (self.ground, self.ink) if is_inverse else (self.ink, self.ground)
        for use, colour in zip(("ink", "ground"), colours, strict=True):
            if colour is None:
                continue
            if colour.startswith("#"):
                # The style sheet brings it to a lightness that can be read in either theme.
                classes.append(f"ansi-{use}")
                style += f"--{use}-asked:{colour};"
            else:
                classes.append(f"ansi-{use}-{colour}")
        if not classes:
            return escape(text)
        return element("span", text, class_=" ".join(classes), style=style or None)


def draw_terminal_text(raw: str) -> Markup:
    """A text in its colours; a line that was written anew is as it was at last.

    Args:
        raw: What the program wrote.
    """
    text = _as_at_last(raw.replace("\r\n", "\n"))
    look = _Look()
    pieces: list[str] = []
    at = 0
    for found in _SEQUENCE.finditer(text):
        pieces.append(look.draw(text[at : found.start()]) if found.start() > at else "")
        at = found.end()
        if found[2] == "m":
            look.change(found[1])
    if at < len(text):
        pieces.append(look.draw(text[at:]))
    return join(*pieces)


def _as_at_last(text: str) -> str:
    """Each line as a bar of progress left it, which writes over itself."""
    if "\r" not in text:
        return text
    lines = []
    for line in text.split("\n"):
        pieces = [piece for piece in line.split("\r") if _SEQUENCE.sub("", piece)]
        lines.append(_written_over(pieces))
    return "\n".join(lines)


def _written_over(pieces: list[str]) -> str:
    if not pieces:
        return ""
    last = pieces[-1]
    shown = len(_SEQUENCE.sub("", last))
    longest = max(pieces, key=lambda piece: len(_SEQUENCE.sub("", piece)))
    rest = _SEQUENCE.sub("", longest)[shown:]
    erases = any(found[2] == "K" for found in _SEQUENCE.finditer(last))
    return last if erases else last + rest


def _codes(parameters: str) -> list[int]:
    """The codes, with what belongs to one of them, by colons, as semicolons have it."""
    codes: list[int] = []
    for group in parameters.split(";"):
        first, *more = (int(code[:4] or 0) for code in group.split(":"))
        if first in (38, 48, _LINE_COLOUR) and more:
            # Red, green and blue may stand behind the number of a colour space.
            codes += [first, more[0], *(more[-3:] if more[0] == 2 else more[1:2])]
        elif first == 4 and more[:1] == [0]:
            codes.append(24)
        else:
            codes.append(first)
    return codes


def _colour(codes: list[int]) -> str | None:
    """The colour behind a 38 or 48, whose codes are taken."""
    kind = codes.pop(0) if codes else 0
    if kind == 5 and codes:
        return _of_256(codes.pop(0))
    if kind == 2 and len(codes) >= 3:
        red, green, blue = (min(codes.pop(0), 255) for _ in range(3))
        return f"#{red:02x}{green:02x}{blue:02x}"
    codes.clear()  # one that is not whole: what is left of it is no code of its own
    return None


def _of_256(number: int) -> str | None:
    if number < 16:
        return _NAMES[number % 8]
    if number < 232:
        cube = number - 16
        red, green, blue = (_LEVELS[cube // step % 6] for step in (36, 6, 1))
    elif number < 256:
        red = green = blue = 8 + 10 * (number - 232)
    else:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"
