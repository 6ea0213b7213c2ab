"""Reads files, without waiting for what nobody writes."""

from __future__ import annotations

import errno
import os
import select
import stat
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from llm_repl_core.errors import StorageError, TooLarge
from llm_repl_core.files._failures import refuse_special, shown_path, translated_failures
from llm_repl_core.files._folder import NO_INHERIT, NO_WAIT, Folder

__all__ = ["FileContent", "read_bytes", "read_file", "read_given"]

_FLAGS = os.O_RDONLY | NO_WAIT
_PIECE_BYTES = 65_536
_PATIENCE_S = 60.0
"""How long a program that writes to a pipe may say nothing."""


class FileContent(Struct, frozen=True):
    """What a file held.

    Attributes:
        data: Its bytes.
        modified_at_s: When it was changed last, in seconds since 1970.
    """

    data: bytes
    modified_at_s: float


def read_bytes(
    path: str | os.PathLike[str], limit_bytes: int, *, under: Path | None = None
) -> bytes:
    """A regular file's content: see `read_file`."""
    return read_file(path, limit_bytes, under=under).data


def read_file(
    path: str | os.PathLike[str], limit_bytes: int, *, under: Path | None = None
) -> FileContent:
    """A regular file's content. Folders, pipes and devices are refused without waiting for them.

    Args:
        path: The file.
        limit_bytes: What it may hold at most.
        under: The folder that it must be in, which no link may lead out of; the path is one that
            `resolve_under` gave for it.

    Raises:
        FileMissing: There is no such file.
        Forbidden: It is not under ``under`` any more.
        StorageError: It is not a regular file, or it could not be read.
        TooLarge: It is over the limit.
    """
    with translated_failures(path, "read", under=under):
        descriptor = _open(path, under)
        try:
            status = os.fstat(descriptor)
            refuse_special(path, status.st_mode)
            if status.st_size <= limit_bytes:
                with closing(os.fdopen(descriptor, "rb", closefd=False)) as file:
                    # One byte more than is allowed shows that the file grew meanwhile.
                    data = file.read(limit_bytes + 1)
                if len(data) <= limit_bytes:
                    return FileContent(data, status.st_mtime)
        finally:
            os.close(descriptor)
    raise _too_large(path, limit_bytes, under)


def read_given(path: str | os.PathLike[str], limit_bytes: int) -> bytes:
    """The content of a file that a person names, and which may be the output of a program.

    Besides regular files these are pipes to which something is writing, as ``<(…)`` and
    ``/dev/stdin``, and devices that end, as ``/dev/null``. Nothing is waited for in vain.

    Args:
        path: The file.
        limit_bytes: What it may hold at most.

    Raises:
        FileMissing: There is no such file.
        StorageError: It is a folder, a socket, or a pipe to which nothing is written, or it could
            not be read.
        TooLarge: It is over the limit.
    """
    with translated_failures(path, "read"):
        descriptor = _open(path, None)
        try:
            mode = os.fstat(descriptor).st_mode
            if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
                refuse_special(path, mode)
            data = b""
            while len(data) <= limit_bytes and (piece := _read_piece(descriptor)):
                data += piece
        finally:
            os.close(descriptor)
    if len(data) > limit_bytes:
        raise _too_large(path, limit_bytes)
    if not data and stat.S_ISFIFO(mode):
        raise StorageError(f"{shown_path(path)} is a pipe to which nothing is written.")
    return data


def _read_piece(descriptor: int) -> bytes:
    """What there is, or comes soon; nothing at the end, and where nobody can write any more."""
    try:
        return os.read(descriptor, _PIECE_BYTES)
    except BlockingIOError:
        if not select.select([descriptor], [], [], _PATIENCE_S)[0]:
            raise TimeoutError(errno.ETIMEDOUT, "its writer says nothing") from None
    return os.read(descriptor, _PIECE_BYTES)


def _too_large(
    path: str | os.PathLike[str], limit_bytes: int, under: Path | None = None
) -> TooLarge:
    return TooLarge(f"{shown_path(path, under)} is larger than the limit of {limit_bytes:,} bytes.")


def _open(path: str | os.PathLike[str], under: Path | None) -> int:
    if under is None:
        return os.open(path, _FLAGS | NO_INHERIT)
    path = Path(path)
    with Folder(path.parent, under=under) as folder:
        return folder.open(path.name, _FLAGS)
