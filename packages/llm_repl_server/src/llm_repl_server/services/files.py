"""Files under the root folder, where notebooks' code finds them by a relative path."""

from __future__ import annotations

import asyncio
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from llm_repl_core import InvalidInput
from llm_repl_core.errors import FileMissing, Forbidden
from llm_repl_core.files import resolve_under, shown_path, write_atomically
from llm_repl_server.services.answers import Time
from llm_repl_server.services.encoding import time_on_wire

__all__ = ["FileEntry", "FileListing", "FileService", "KeptFile"]


class FileEntry(Struct, frozen=True):
    """A file or a folder."""

    name: str
    kind: Literal["file", "folder"]
    size_bytes: int | None
    modified_at: Time


class FileListing(Struct, frozen=True):
    """What is in a folder, by name."""

    entries: list[FileEntry]
    truncated: Annotated[bool, Meta(description="Whether there is more than is listed.")]


class KeptFile(Struct, frozen=True):
    """Where a file was kept."""

    path: Annotated[str, Meta(description="Relative to the root folder; perhaps with a number.")]
    size_bytes: int


_MOST_ENTRIES = 1000
_MOST_NAMES = 1000


class FileService:
    """Lists and takes in files.

    Args:
        root: The folder that no path leads out of.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._naming = threading.Lock()
        """Held from the choice of a name until the file has it."""

    async def list(self, folder: str) -> FileListing:
        """What is in a folder, by name: folders and files, without hidden ones.

        Args:
            folder: Relative to the root; empty for the root itself.

        Raises:
            FileMissing: There is no such folder.
            Forbidden: It leads out of the root.
        """
        return await asyncio.to_thread(self._list, folder)

    async def upload(self, path: str, data: bytes) -> KeptFile:
        """Keep a file. One that is there stays as it is: the new one gets a number in its name.

        Args:
            path: Relative to the root; folders that do not exist are made.
            data: What it holds.

        Raises:
            Forbidden: It leads out of the root.
            InvalidInput: The name cannot be used.
        """
        return await asyncio.to_thread(self._upload, path, data)

    def _list(self, folder: str) -> FileListing:
        try:
            path = (self._root / folder).resolve()
            is_folder = path.is_dir()
        except (OSError, RuntimeError, ValueError):
            raise InvalidInput("`folder` is not a path that this machine can follow.") from None
        if not path.is_relative_to(self._root):
            raise Forbidden("`folder` leads out of the root folder; name one in it.")
        if not is_folder:
            raise FileMissing(f"There is no folder {shown_path(path, self._root)}.")
        entries: list[FileEntry] = []
        for child in sorted(path.iterdir(), key=lambda child: child.name.casefold()):
            if child.name.startswith("."):
                continue
            try:
                status = child.stat()
            except OSError:
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            if is_folder or stat.S_ISREG(status.st_mode):
                entries.append(
                    FileEntry(
                        name=child.name.encode("utf-8", "replace").decode(),
                        kind="folder" if is_folder else "file",
                        size_bytes=None if is_folder else status.st_size,
                        modified_at=time_on_wire(datetime.fromtimestamp(status.st_mtime, UTC)),
                    )
                )
        return FileListing(entries[:_MOST_ENTRIES], truncated=len(entries) > _MOST_ENTRIES)

    def _upload(self, path: str, data: bytes) -> KeptFile:
        wanted = resolve_under(self._root, path, called="`path`")
        with self._naming:
            target = _free(wanted)
            write_atomically(target, data, under=self._root)
        return KeptFile(target.relative_to(self._root).as_posix(), len(data))


def _free(wanted: Path) -> Path:
    """The path, or with a number in its name where there is something."""
    for number in range(1, _MOST_NAMES):
        name = wanted.name if number == 1 else f"{wanted.stem}-{number}{wanted.suffix}"
        if not (path := wanted.with_name(name)).exists():
            return path
    raise InvalidInput(f"There are too many files named like {wanted.name!r}.")
