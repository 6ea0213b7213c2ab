"""Where two answers differ: words in prose, lines in code. Bounded for any text.

It is computed here, and not in the page, so that the terminal and other clients show the same, and
so that two long answers are not sent to be compared.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["Side", "TextBlock", "TextPart", "compare_answers"]

Side: TypeAlias = Literal["both", "this", "in_use"]
"""Which answers have a part: both, only the one that is looked at, or only the one in use."""

_COMPARED_CHARACTERS = 200_000
"""Of each answer; what follows is not compared, and the last block says so by its `is_cut`."""

_STEPS_LIMIT = 4_000_000
"""Of all comparisons together: difflib's time grows with the product of both lengths."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n]*$")


class TextPart(Struct, frozen=True, kw_only=True):
    """A piece of text, and which answers have it.

    Attributes:
        side: Which answers have it.
        text: The text.
    """

    side: Side
    text: str


class TextBlock(Struct, frozen=True, kw_only=True):
    """A paragraph of prose, or the lines of a fence.

    Attributes:
        kind: ``prose``: its parts are words; ``code``: its parts are lines.
        language: Of code, where the fence names one.
        parts: Its text, in order.
        is_cut: Whether the answers go on behind it, and are too long to be compared.
    """

    kind: Literal["prose", "code"]
    language: str = ""
    parts: tuple[TextPart, ...]
    is_cut: bool = False


class _Block(Struct, frozen=True):
    kind: Literal["prose", "code"]
    text: str
    language: str = ""


def compare_answers(this: str, in_use: str, *, are_json: bool = False) -> list[TextBlock]:
    """Both answers as one text, each part with the side that has it.

    Args:
        this: The answer that is looked at.
        in_use: The answer in use.
        are_json: Whether both are JSON: lines of code then.
    """
    is_cut = max(len(this), len(in_use)) > _COMPARED_CHARACTERS
    texts = this[:_COMPARED_CHARACTERS], in_use[:_COMPARED_CHARACTERS]
    if are_json:
        these, used = ([_Block("code", text, "json")] for text in texts)
    else:
        these, used = ([*_blocks_of(text)] for text in texts)
    blocks = [*_Comparison().blocks(these, used)]
    if is_cut and blocks:
        last = blocks.pop()
        blocks.append(
            TextBlock(kind=last.kind, language=last.language, parts=last.parts, is_cut=True)
        )
    return blocks


class _Comparison:
    """Compares within a number of steps; what would go beyond is shown as wholly different."""

    def __init__(self) -> None:
        self._steps_left = _STEPS_LIMIT

    def blocks(self, these: Sequence[_Block], used: Sequence[_Block]) -> Iterator[TextBlock]:
        for tag, this_range, used_range in self._changes(these, used):
            if tag == "equal":
                yield from (_whole(block, "both") for block in these[this_range])
                continue
            gone, new = [*these[this_range]], [*used[used_range]]
            while gone and new:
                if gone[0].kind == new[0].kind:
                    yield self._within(gone.pop(0), new.pop(0))
                elif any(block.kind == gone[0].kind for block in new):
                    yield _whole(new.pop(0), "in_use")
                else:
                    yield _whole(gone.pop(0), "this")
            yield from (_whole(block, "this") for block in gone)
            yield from (_whole(block, "in_use") for block in new)

    def _within(self, this: _Block, used: _Block) -> TextBlock:
        if this.kind == "code":
            pieces = this.text.splitlines(keepends=True), used.text.splitlines(keepends=True)
        else:
            pieces = _TOKEN.findall(this.text), _TOKEN.findall(used.text)
        parts: list[TextPart] = []
        for tag, this_range, used_range in self._changes(*pieces):
            if tag == "equal":
                parts.append(TextPart(side="both", text="".join(pieces[0][this_range])))
                continue
            gone, new = "".join(pieces[0][this_range]), "".join(pieces[1][used_range])
            if gone:
                parts.append(TextPart(side="this", text=gone))
            if new:
                parts.append(TextPart(side="in_use", text=new))
        if this.kind == "prose":
            parts = _without_islands(parts)
        return TextBlock(kind=this.kind, language=used.language, parts=tuple(parts))

    def _changes(
        self, these: Sequence[object], used: Sequence[object]
    ) -> Iterator[tuple[str, slice, slice]]:
        if these == used:
            if these:
                yield "equal", slice(len(these)), slice(len(used))
            return
        self._steps_left -= len(these) * len(used)
        if self._steps_left < 0:
            yield "replace", slice(len(these)), slice(len(used))
            return
        matcher = difflib.SequenceMatcher(None, these, used, autojunk=False)
        for tag, this_from, this_to, used_from, used_to in matcher.get_opcodes():
            yield tag, slice(this_from, this_to), slice(used_from, used_to)


def _without_islands(parts: Sequence[TextPart]) -> list[TextPart]:
    """Join changes between which there is nothing but a space: they read as one."""
    joined: list[TextPart] = []
    held: dict[Side, list[str]] = {"this": [], "in_use": []}

    def close() -> None:
        for side in ("this", "in_use"):
            if held[side]:
                joined.append(TextPart(side=side, text="".join(held[side])))
                held[side].clear()

    for number, part in enumerate(parts):
        is_last = number + 1 == len(parts)
        if part.side != "both":
            held[part.side].append(part.text)
        elif part.text.isspace() and held["this"] and held["in_use"] and not is_last:
            held["this"].append(part.text)
            held["in_use"].append(part.text)
        else:
            close()
            joined.append(part)
    close()
    return joined


def _whole(block: _Block, side: Side) -> TextBlock:
    parts = (TextPart(side=side, text=block.text),) if block.text else ()
    return TextBlock(kind=block.kind, language=block.language, parts=parts)


def _blocks_of(text: str) -> Iterator[_Block]:
    """The paragraphs of a text, and its fences."""
    lines: list[str] = []
    fence, language = "", ""
    for line in text.splitlines():
        opening = _FENCE.match(line)
        if fence:
            if opening and opening[1].startswith(fence) and not opening[2]:
                yield _Block("code", "\n".join(lines), language)
                lines, fence = [], ""
            else:
                lines.append(line)
        elif opening:
            if lines:
                yield _Block("prose", "\n".join(lines))
            lines, fence, language = [], opening[1], opening[2]
        elif line.strip():
            lines.append(line)
        elif lines:
            yield _Block("prose", "\n".join(lines))
            lines = []
    if fence:
        yield _Block("code", "\n".join(lines), language)
    elif lines:
        yield _Block("prose", "\n".join(lines))
