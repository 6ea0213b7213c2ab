"""What both APIs need to know of tools and of their calls."""

from __future__ import annotations

from typing import Final

import msgspec

from llm_repl_core.model.json_value import JSONValue

__all__ = ["is_bare", "is_object", "sound_arguments"]

_BARE_KEYWORDS: Final = frozenset({"type", "properties", "required", "additionalProperties"})


def is_bare(parameters: dict[str, JSONValue]) -> bool:
    """Whether a tool's schema names no argument at all."""
    return parameters.keys() <= _BARE_KEYWORDS and not (
        parameters.get("properties") or parameters.get("additionalProperties")
    )


def is_object(text: str) -> bool:
    """Whether a text is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def sound_arguments(arguments: str) -> str:
    """The arguments of an earlier call as they go back: ``{}`` where they are no JSON object.

    Servers read them, and fail where they are broken. What was wrong with them is said in the
    tool's message.
    """
    return arguments if is_object(arguments) else "{}"
