"""Things that a kernel holds on to between two questions about them, outside of the state."""

from __future__ import annotations

import secrets
from typing import Any

__all__ = ["forget", "held", "hold", "let_go"]

_HELD_LIMIT = 64
_held_things: dict[str, Any] = {}


def hold(thing: Any) -> str:
    """Keep a thing; the word by which it is found again.

    What nobody came back for, as whoever asked was stopped, goes when others have come.
    """
    word = secrets.token_hex(8)
    _held_things[word] = thing
    while len(_held_things) > _HELD_LIMIT:
        del _held_things[next(iter(_held_things))]
    return word


def held(word: str) -> Any:
    """The thing.

    Raises:
        LookupError: It is not there any more.
    """
    return _held_things[word]


def let_go(word: str) -> Any:
    """The thing, which is kept no longer; None where it is not there any more."""
    return _held_things.pop(word, None)


def forget(word: str) -> None:
    """Keep the thing no longer."""
    _held_things.pop(word, None)
