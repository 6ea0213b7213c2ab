"""Paths that clients name: they stay under the root folder."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from llm_repl_core import files

__all__ = ["resolve_under", "safe_name"]

_NAME_LIMIT_BYTES = 200


def resolve_under(root: Path, named: str) -> Path:
    """The path that a client names, with every link followed.

    Args:
        root: The folder, resolved.
        named: Relative to the root, or absolute and in it.

    Raises:
        InvalidInput: It is empty, not a path, a folder, or a device.
        Forbidden: It leads out of the root.
    """
    return files.resolve_under(root, named, called="`filepath`")


def safe_name(name: str) -> str:
    """A notebook's name made fit for a file: letters, digits, ``-``, ``_``, ``.`` and spaces."""
    kept = re.sub(r"[^\w\-. ]+", "_", unicodedata.normalize("NFC", name)).strip(" .")
    kept = kept.encode("utf-8", "ignore")[:_NAME_LIMIT_BYTES].decode("utf-8", "ignore")
    return kept or "Untitled"
