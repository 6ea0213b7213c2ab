"""The calls of tools that the mock provider is told to make, read from a model's name."""

from __future__ import annotations

import json
import re
from typing import Final

from msgspec import Struct

__all__ = ["AskedCall", "read_calls"]

_NAME: Final = re.compile(r"\s*([^\s|{]*)\s*")


class AskedCall(Struct, frozen=True):
    """A tool and its arguments, which may be any text."""

    name: str
    arguments: str


def read_calls(text: str) -> tuple[AskedCall, ...]:
    """Read ``name {"x": 1}|other``; arguments that are not JSON go up to the next ``|``."""
    calls = []
    position = 0
    while position <= len(text):
        match = _NAME.match(text, position)
        assert match is not None  # it fits any text
        position = start = match.end()
        try:
            _, position = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            position = start  # broken on purpose, or none
        end = text.find("|", position)
        position = end if end >= 0 else len(text)
        calls.append(AskedCall(match[1], text[start:position].strip() or "{}"))
        position += 1
    return tuple(calls)
