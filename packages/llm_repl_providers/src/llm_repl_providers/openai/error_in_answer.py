"""An error in place of an answer. It needs no SDK, as what reads answers does not."""

from __future__ import annotations

from typing import Any

__all__ = ["ErrorInAnswer"]


class ErrorInAnswer(Exception):
    """An error that came where an answer was due: with status 200, or as an event of the stream.

    Args:
        body: What it says, as it came in JSON; a text, where it was none.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()  # the body stays out of tracebacks: it may repeat the key
        self.body = body
