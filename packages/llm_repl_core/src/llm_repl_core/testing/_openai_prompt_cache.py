"""What a server has read before, and so need not read again."""

from __future__ import annotations

import json
from typing import Any

from llm_repl_core.testing._openai_chat import words_in_messages
from llm_repl_core.testing._openai_responses_input import words_in_input

__all__ = ["ServerPromptCache"]


class ServerPromptCache:
    """Remembers requests, and how many words at the beginning of the next one they share."""

    def __init__(self) -> None:
        self._known: list[list[str]] = []

    def read(self, body: dict[str, Any], *, responses: bool) -> int:
        """How many words of a request were in one before; it is remembered, too.

        Args:
            body: Of the request.
            responses: Whether it came to Responses, and not to chat completions.
        """
        if responses:
            given = body["input"] if isinstance(body["input"], list) else [body["input"]]
            turns, words = [body.get("instructions"), *given], words_in_input(body)
        else:
            turns, words = body["messages"], words_in_messages(body)
        prefix = [json.dumps(turn, sort_keys=True) for turn in turns]
        shared = max((_shared(prefix, known) for known in self._known), default=0)
        self._known.append(prefix)
        return sum(words[:shared])


def _shared(first: list[str], second: list[str]) -> int:
    pairs = zip(first, second, strict=False)
    return next(
        (count for count, (earlier, later) in enumerate(pairs) if earlier != later),
        min(len(first), len(second)),
    )
