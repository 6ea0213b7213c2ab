"""A prompt cache as providers have it: of earlier requests it knows how they began."""

from __future__ import annotations

from collections import deque
from typing import Final

from llm_repl_core.providers.base import Message, Request

__all__ = ["PromptCache"]

_KEPT: Final = 100


class PromptCache:
    """Remembers the messages of the latest requests. Their whole messages count, and no parts."""

    def __init__(self) -> None:
        self._kept: deque[tuple[tuple[object, ...], tuple[Message, ...]]] = deque(maxlen=_KEPT)

    def take(self, request: Request) -> int:
        """How many messages at the beginning of a request are cached; it is cached itself then."""
        # What stands before the messages has to be the same.
        before = (request.model, request.tools, request.answer_schema)
        cached = max(
            (_alike(messages, request.messages) for key, messages in self._kept if key == before),
            default=0,
        )
        self._kept.append((before, request.messages))
        return cached


def _alike(one: tuple[Message, ...], other: tuple[Message, ...]) -> int:
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        count += 1
    return count
