"""An answer in Markdown that grows: which blocks of it are whole, so that each is printed once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from markdown_it import MarkdownIt
from msgspec import Struct

__all__ = ["MarkdownBlock", "MarkdownStream"]

_PARSED_CHARACTERS = 200_000
"""A block that is longer is cut where a line ends: reading it anew each time would take too long."""
_END_AT_BLANK_LINE = frozenset({"heading_open", "hr", "paragraph_open", "table_open"})


class MarkdownBlock(Struct, frozen=True):
    """A part of a Markdown text that can be shown by itself.

    Attributes:
        text: Its source.
        goes_on: Whether it is a further item of the list that was shown before it.
    """

    text: str
    goes_on: bool = False


class _Start(Struct, frozen=True):
    """Where a block begins.

    Attributes:
        line: The line, from 0.
        may_go_on: Whether it may go on with the list above.
        is_item: Whether it is an item of a list.
        ends_at_blank_line: Whether it ends there, whatever follows.
    """

    line: int
    may_go_on: bool = False
    is_item: bool = False
    ends_at_blank_line: bool = False


class MarkdownStream:
    """Takes pieces of a text, and gives its blocks as they are finished.

    Attributes:
        text: All that has come.
    """

    def __init__(self) -> None:
        self.text = ""
        self._given = 0
        self._parser = MarkdownIt().enable("table")
        self._in_list = False
        """Whether what was given last is an item of a list that may go on."""

    @property
    def rest(self) -> str:
        """What was not given yet."""
        return self.text[self._given :]

    def add(self, piece: str) -> Iterator[MarkdownBlock]:
        """More has come; yields the blocks that it finishes."""
        # What follows may only now be known to be another block.
        begins_line = self.text.endswith("\n") and bool(piece.strip())
        self.text += piece
        if "\n" in piece or begins_line:
            yield from self._finished()

    def finish(self, text: str) -> Iterator[MarkdownBlock]:
        """The text is whole; yields what is left of it.

        Args:
            text: The whole text, which may differ from what has come.
        """
        if not text.startswith(self.text[: self._given]):
            self._given, self._in_list = 0, False
        self.text = text
        yield from self._finished()
        rest = self.rest
        self._given = len(self.text)
        if rest.strip():
            yield MarkdownBlock(rest.strip("\n"), goes_on=self._in_list and _is_item(rest))

    def restart(self) -> None:
        """What has come is void."""
        self.text, self._given, self._in_list = "", 0, False

    def _finished(self) -> Iterator[MarkdownBlock]:
        rest = self.rest
        lines = rest.split("\n")
        starts = list(self._starts(rest))
        if starts and starts[-1].ends_at_blank_line and rest.endswith("\n\n"):
            starts.append(_Start(len(lines) - 1))
        at = 0
        for begin, end in itertools.pairwise(starts):
            # Lines above the first block are none of any, as definitions of links.
            text = "\n".join(lines[at : end.line])
            at = end.line
            self._given += len(text) + 1
            yield MarkdownBlock(text.strip("\n"), goes_on=begin.may_go_on and self._in_list)
            self._in_list = begin.is_item
        if len(self.rest) > _PARSED_CHARACTERS and "\n" in self.rest:
            text = self.rest.rpartition("\n")[0]
            self._given += len(text) + 1
            yield MarkdownBlock(text)

    def _starts(self, text: str) -> Iterator[_Start]:
        """Where blocks begin."""
        is_first_block = True
        for token in self._parser.parse(text):
            if token.map is None:
                continue
            is_list = token.type in ("bullet_list_open", "ordered_list_open")
            if token.level == 0 and token.nesting >= 0 and not is_list:
                yield _Start(token.map[0], ends_at_blank_line=token.type in _END_AT_BLANK_LINE)
                is_first_block = False
            elif token.level == 0 and is_list:
                is_first_item = True
            elif token.type == "list_item_open" and token.level == 1:
                may_go_on = is_first_block or not is_first_item
                yield _Start(token.map[0], may_go_on=may_go_on, is_item=True)
                is_first_item = is_first_block = False


def _is_item(text: str) -> bool:
    start = text.lstrip()[:12]
    return start[:2] in ("- ", "* ", "+ ") or start.split(".", 1)[0].isdigit()
