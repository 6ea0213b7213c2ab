"""Reads files, without waiting for what is no regular one."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from llm_repl_core.errors import TooLarge
from llm_repl_core.files._failures import refuse_special, shown_path, translated_failures
from llm_repl_core.files._folder import NO_INHERIT, NO_WAIT, Folder

__all__ = ["FileContent", "read_bytes", "read_file"]

_FLAGS = os.O_RDONLY | NO_WAIT


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
    raise TooLarge(f"{shown_path(path, under)} is larger than the limit of {limit_bytes:,} bytes.")


def _open(path: str | os.PathLike[str], under: Path | None) -> int:
    if under is None:
        return os.open(path, _FLAGS | NO_INHERIT)
    path = Path(path)
    with Folder(path.parent, under=under) as folder:
        return folder.open(path.name, _FLAGS)
