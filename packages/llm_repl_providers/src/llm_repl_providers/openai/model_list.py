"""The list of a server's models, as OpenAI and the servers that speak its protocol write it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final

__all__ = ["read_models"]

_LISTS: Final = ("data", "models")
_NAMES: Final = ("id", "name", "model")


def read_models(listing: Any) -> list[str] | None:
    """The names in a list of models, sorted.

    OpenAI has objects with an ``id`` under ``data``. Others answer with the list alone, have it
    under ``models``, or list names.

    Args:
        listing: The answer, as it came in JSON; its text, where its head does not call it JSON.

    Returns:
        The names; None: it is no list of models.
    """
    if isinstance(listing, str):
        with suppress(ValueError, RecursionError):
            listing = json.loads(listing)
    if isinstance(listing, dict):
        listing = next((listing[name] for name in _LISTS if listing.get(name) is not None), None)
    if not isinstance(listing, list):
        return None
    names = (_name(entry) for entry in listing)
    return sorted({name for name in names if name and name.isprintable()})


def _name(entry: Any) -> str | None:
    if isinstance(entry, dict):
        entry = next((entry[name] for name in _NAMES if entry.get(name)), None)
    return entry if isinstance(entry, str) else None
