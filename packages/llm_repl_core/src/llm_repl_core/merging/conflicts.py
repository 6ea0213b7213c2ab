"""What a cell says of itself that holds both texts of a merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["has_both_texts", "with_conflict"]

_NAME = "merge_conflict"
"""Under ``metadata.llm_repl`` of the cell."""


def with_conflict(
    metadata: Mapping[str, Any], *, content: str, ours: str, theirs: str
) -> dict[str, Any]:
    """The metadata of a cell whose text is both texts.

    Args:
        metadata: The cell's metadata otherwise.
        content: Its text; as long as it is this one, nobody has chosen.
        ours: The one text in it.
        theirs: The other.
    """
    own = metadata.get("llm_repl")
    both = {"content": content, "ours": ours, "theirs": theirs}
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
