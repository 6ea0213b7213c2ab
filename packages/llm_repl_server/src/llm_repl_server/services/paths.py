"""Paths that clients name: they stay under the root folder."""

from __future__ import annotations

import re
import stat
import unicodedata
from pathlib import Path

from llm_repl_core import FileMissing, Forbidden, InvalidInput

__all__ = ["resolve_under", "safe_name"]

_NAME_LIMIT_BYTES = 200


def resolve_under(root: Path, named: str) -> Path:
    """The path that a client names, with every link followed.

    Args:
        root: The folder, resolved.
        named: Relative to the root, or absolute and in it.

    Raises:
        InvalidInput: It is empty, not a path, a folder, a device, or in no folder.
        Forbidden: It leads out of the root.
        FileMissing: Its folder does not exist.
    """
    if not named.strip() or "\0" in named:
        raise InvalidInput("`filepath` must name a file under the server's root folder.")
    try:
        path = (root / named).resolve()
    except (OSError, RuntimeError, ValueError):
        raise InvalidInput("`filepath` is not a path that this machine can follow.") from None
    if not path.is_relative_to(root):
        raise Forbidden(
            "`filepath` leads out of the server's root folder; name a file in it, "
            "such as `notes.llmn`."
        )
    try:
        if not path.parent.is_dir():
            raise FileMissing(f"There is no folder `{path.parent.relative_to(root)}`.")
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path
    except OSError as error:
        raise InvalidInput(f"`filepath` cannot be used: {error.strerror}.") from None
    if not stat.S_ISREG(mode):
        raise InvalidInput("`filepath` is not a plain file.")
    return path


def safe_name(name: str) -> str:
    """A notebook's name made fit for a file: letters, digits, ``-``, ``_``, ``.`` and spaces."""
    kept = re.sub(r"[^\w\-. ]+", "_", unicodedata.normalize("NFC", name)).strip(" .")
    kept = kept.encode("utf-8", "ignore")[:_NAME_LIMIT_BYTES].decode("utf-8", "ignore")
    return kept or "Untitled"
