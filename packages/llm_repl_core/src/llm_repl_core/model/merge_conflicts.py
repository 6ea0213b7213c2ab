"""What a cell says of itself that holds both texts of a merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["has_both_texts", "with_conflict", "without_settled"]

_NAME = "merge_conflict"
"""Under ``metadata.llm_repl`` of the cell."""


def with_conflict(
    metadata: Mapping[str, Any], *, content: str, base: str, ours: str, theirs: str
) -> dict[str, Any]:
    """The metadata of a cell whose text is both texts.

    Args:
        metadata: The cell's metadata otherwise.
        content: Its text; as long as it is this one, nobody has chosen.
        base: The text that both have changed.
        ours: The one text in it.
        theirs: The other.
    """
    own = metadata.get("llm_repl")
    both = {"content": content, "base": base, "ours": ours, "theirs": theirs}
    return {**metadata, "llm_repl": {**(own if isinstance(own, dict) else {}), _NAME: both}}


def has_both_texts(content: str, metadata: Mapping[str, Any]) -> bool:
    """Whether a cell is as a merge has left it that found no way.

    Args:
        content: Its text.
        metadata: Its metadata.
    """
    own = metadata.get("llm_repl")
    both = own.get(_NAME) if isinstance(own, Mapping) else None
    return isinstance(both, Mapping) and both.get("content") == content


def without_settled(content: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a cell, without the note of a merge whose texts somebody has chosen from since.

    Args:
        content: The cell's text.
        metadata: Its metadata; where there is nothing to leave out, it is what is returned.
    """
    own = metadata.get("llm_repl")
    if not isinstance(own, dict) or _NAME not in own or has_both_texts(content, metadata):
        return metadata
    kept = {name: value for name, value in own.items() if name != _NAME}
    others = {name: value for name, value in metadata.items() if name != "llm_repl"}
    return {**others, "llm_repl": kept} if kept else others
