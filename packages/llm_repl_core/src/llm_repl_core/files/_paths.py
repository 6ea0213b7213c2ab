"""Paths that somebody names: they stay under a root folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from llm_repl_core.errors import Forbidden, InvalidInput

__all__ = ["resolve_under"]

_LONGEST_NAME_BYTES = 255
_DEEPEST = 64  # folders, since a save makes those that are missing


def resolve_under(root: Path, named: str, *, called: str) -> Path:
    """The path that somebody names, with every link followed; the file need not exist.

    What is found here may be changed before it is used: give the root to what opens the file.

    Args:
        root: The folder that it must be in, resolved.
        named: Relative to the root, or absolute and in it.
        called: What messages call the name: the field that it was given in.

    Raises:
        InvalidInput: It is empty, not a path, a folder, or a device.
        Forbidden: It leads out of the root.
    """
    if not named.strip() or "\0" in named:
        raise InvalidInput(f"{called} must name a file under the root folder.")
    try:
        path = (root / named).resolve()
        is_too_long = any(len(os.fsencode(part)) > _LONGEST_NAME_BYTES for part in path.parts)
    except (OSError, RuntimeError, ValueError):
        raise InvalidInput(f"{called} is not a path that this machine can follow.") from None
    if not path.is_relative_to(root):
        raise Forbidden(f"{called} leads out of the root folder; name a file in it.")
    if is_too_long:
        raise InvalidInput(f"{called} cannot be used: File name too long.")
    if len(path.relative_to(root).parts) > _DEEPEST:
        raise InvalidInput(f"{called} must not lead through more than {_DEEPEST} folders.")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if named.endswith(("/", os.sep)):
            raise InvalidInput(f"{called} names a folder; name a file in it.") from None
        if named.startswith("~") and len(Path(named).parts) > 1:
            raise InvalidInput(
                f"{called} is under the root folder, where `~` has no meaning."
            ) from None
        return path
    except OSError as error:
        raise InvalidInput(f"{called} cannot be used: {error.strerror}.") from None
    if not stat.S_ISREG(mode):
        raise InvalidInput(f"{called} is not a plain file.")
    return path
