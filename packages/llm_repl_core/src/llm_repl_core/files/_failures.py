"""What went wrong with a file, in a sentence."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from llm_repl_core.errors import FileMissing, Forbidden, StorageError

__all__ = ["refuse_special", "shown_path", "translated_failures"]


@contextmanager
def translated_failures(
    path: str | os.PathLike[str], done: Literal["read", "written"], *, under: Path | None = None
) -> Iterator[None]:
    """Raise what goes wrong as errors whose message names the file.

    Args:
        path: The file.
        done: What was to be done with it.
        under: The folder that it must be in; messages do not say where that is.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        shown = shown_path(path, under)
        if isinstance(error, OSError) and error.errno == errno.ELOOP and under is not None:
            raise Forbidden(f"{shown} leads out of the root folder; name a file in it.") from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            if done == "written":
                raise FileMissing(
                    f"{shown} cannot be written: its folder does not exist."
                ) from error
            raise FileMissing(f"There is no file {shown}.") from error
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise StorageError(f"{shown} could not be {done}: {reason}.") from error


def refuse_special(path: str | os.PathLike[str], mode: int) -> None:
    """Refuse what is no regular file.

    Raises:
        StorageError: It is a folder, a pipe or a device.
    """
    if stat.S_ISDIR(mode):
        raise StorageError(f"{shown_path(path)} is a folder; name a file.")
    if not stat.S_ISREG(mode):
        raise StorageError(f"{shown_path(path)} is a pipe or a device; name a regular file.")


def shown_path(path: str | os.PathLike[str], under: Path | None = None) -> str:
    """A path as messages show it: it may hold bytes that are no text."""
    shown = Path(path)
    if under is not None and shown.is_relative_to(under):
        shown = shown.relative_to(under)
    return os.fspath(shown).encode("utf-8", "backslashreplace").decode("utf-8")
