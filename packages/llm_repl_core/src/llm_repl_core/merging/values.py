"""Merges three versions of a JSON value: objects by their keys, everything else as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from llm_repl_core.merging.versions import Versions

__all__ = ["ABSENT", "Note", "merge_objects", "merge_values", "same"]

ABSENT: Final = object()
"""In place of a value that a version does not have."""

Note = Callable[[str, Any, Any], None]
"""Called where both changed a value in different ways: its path, ours, which is kept, and theirs."""


def merge_values(versions: Versions[Any], note: Note, path: str) -> Any:
    """The value that has both changes; ours where they exclude each other.

    Args:
        versions: The values; `ABSENT` where a version has none.
        note: Is told of what was not taken over.
        path: Where the value is, for `note`.
    """
    base, ours, theirs = versions
    if same(ours, theirs) or same(base, theirs):
        return ours
    if same(base, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        return merge_objects(Versions(before, ours, theirs), note, path)
    note(path, ours, theirs)
    return theirs if ours is ABSENT else ours  # what one deleted and the other changed stays


def merge_objects(
    versions: Versions[Mapping[str, Any]], note: Note, path: str = ""
) -> dict[str, Any]:
    """The object that has both changes, key by key; see `merge_values`."""
    merged: dict[str, Any] = {}
    for key in dict.fromkeys([*versions.ours, *versions.theirs]):
        values = Versions[Any](*(version.get(key, ABSENT) for version in versions))
        value = merge_values(values, note, f"{path}.{key}" if path else key)
        if value is not ABSENT:
            merged[key] = value
    return merged


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; 1 is not true, nor 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
