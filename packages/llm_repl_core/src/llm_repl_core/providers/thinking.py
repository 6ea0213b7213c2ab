"""Reasoning that stands in a text, in front of the answer."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

__all__ = ["THINKING_TAGS", "Portion", "ThinkingSplitter"]

THINKING_TAGS: Final = (
    ("<think>", "</think>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
)
"""What models write around their reasoning, where their server leaves it in the text."""

_CLOSING: Final = "</think>"

_IN_CODE: Final = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,}).*?(?:^[ \t]*(?P=fence)|\Z)"
    r"|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)


class Portion(NamedTuple):
    """A part of a text, told apart.

    Attributes:
        text: Of the answer.
        reasoning: Of what comes before it.
        replaces_text: All text before this was not what it seemed: here it is again, told apart.
    """

    text: str = ""
    reasoning: str = ""
    replaces_text: bool = False


class ThinkingSplitter:
    """Tells the reasoning at the beginning of a text from the answer after it, as both come.

    ``<think>`` counts where the text begins with it, white space apart; until ``</think>`` all is
    reasoning, and so is all of a text that never closes it. What opens again right behind it is
    reasoning as well. Some models do not open it, as their
    server has done so for them: then what stands before the first ``</think>`` was reasoning, but
    for one in code, in quotes, or within a sentence. Everywhere else these are text.

    Example:
        >>> splitter = ThinkingSplitter()
        >>> [tuple(splitter.add(piece)) for piece in ("<thi", "nk>Hm.</think> Yes")]
        [('', '', False), ('Yes', 'Hm.', False)]
    """

    def __init__(self) -> None:
        self._state: Literal["begin", "reasoning", "gap", "text"] = "begin"
        self._held = ""
        self._closing = ""
        self._said: list[str] = []

    def add(self, piece: str) -> Portion:
        """Take a piece of the text in."""
        if self.passes(piece):
            return Portion(text=piece)
        self._held += piece
        reasoning = self._take_blocks()
        if not self._is_in_answer():
            return Portion(reasoning=reasoning)
        held, self._held = self._held, ""
        self.passes(held)
        return Portion(text=held, reasoning=reasoning)

    def passes(self, piece: str) -> bool:
        """Take a piece in where it is of the answer as it is: whether that is so."""
        if not self._is_in_answer():
            return False
        if not self._closing:
            self._said.append(piece)
        return True

    def end(self) -> Portion:
        """What is left when nothing comes any more."""
        held, self._held = self._held, ""
        state, self._state = self._state, "text"
        if state == "reasoning":
            return Portion(reasoning=held)
        if state == "begin" or held:
            return Portion(text=held)
        said = "".join(self._said)
        self._said.clear()
        if self._closing or _CLOSING not in said:
            return Portion()
        place = _unopened_closing(said)
        if place is None:
            return Portion()
        return Portion(
            text=said[place + len(_CLOSING) :].lstrip(),
            reasoning=said[:place].strip(),
            replaces_text=True,
        )

    def _is_in_answer(self) -> bool:
        return self._state == "text"

    def _take_blocks(self) -> str:
        """Take the reasoning out of what is held, up to the answer, or as far as it has come."""
        reasoning, before = "", ""
        while before != self._state:
            before = self._state
            if before == "reasoning":
                reasoning += self._take_reasoning()
            elif before != "text":
                self._look_for_opening()
        return reasoning

    def _look_for_opening(self) -> None:
        begun = self._held.lstrip()
        if self._state == "gap":
            self._held = begun
        for opening, closing in THINKING_TAGS:
            if begun.startswith(opening):
                self._state, self._closing = "reasoning", closing
                self._held = begun[len(opening) :]
                return
        if begun and not any(opening.startswith(begun) for opening, _ in THINKING_TAGS):
            self._state = "text"

    def _take_reasoning(self) -> str:
        before, closing, after = self._held.partition(self._closing)
        if closing:
            self._state, self._held = "gap", after
            return before
        # What may be the beginning of the tag is held back.
        kept = next(
            size
            for size in range(min(len(self._closing) - 1, len(before)), -1, -1)
            if before.endswith(self._closing[:size])
        )
        cut = len(before) - kept
        self._held = before[cut:]
        return before[:cut]


def _unopened_closing(text: str) -> int | None:
    """Where a text closes a reasoning that it has not opened."""
    place = text.find(_CLOSING)
    if "<think>" in text[:place]:
        return None
    if any(found.start() <= place < found.end() for found in _IN_CODE.finditer(text)):
        return None
    before, after = text[:place][-1:], text[place + len(_CLOSING) :][:1]
    in_quotes = before in ('"', "'", "“", "‘", "«") and after in ('"', "'", "”", "’", "»")
    in_sentence = before in (" ", "\t") and after in (" ", "\t", ",", ".", ";", ":")
    return None if in_quotes or in_sentence else place
