"""Files under the root folder, where notebooks' code finds them by a relative path."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from llm_repl_core import InvalidInput
from llm_repl_core.errors import Conflict, FileMissing, Forbidden, StorageError, TooLarge
from llm_repl_core.files import resolve_under, shown_path, write_atomically
from llm_repl_server.services.answers import Time
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.services.tables import Reading, find_reading

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
_MOST_BYTES = 2_000_000_000
_MOST_GROWING = 100


class FileService:
    """Lists and takes in files.

    Args:
        root: The folder that no path leads out of.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._naming = threading.Lock()
        """Held from the choice of a name until the file has it."""
        self._growing: dict[str, int] = {}
        """What came here, by its path: how large it is, as further pieces of it may come."""

    async def list(self, folder: str) -> FileListing:
        """What is in a folder, by name: folders and files, without hidden ones.

        Args:
            folder: Relative to the root; empty for the root itself.

        Raises:
            FileMissing: There is no such folder.
            Forbidden: It leads out of the root.
        """
        return await asyncio.to_thread(self._list, folder)

    async def upload(self, path: str, data: bytes, offset: int = 0) -> KeptFile:
        """Keep a file. One that is there stays as it is: the new one gets a number in its name.

        Args:
            path: Relative to the root; folders that do not exist are made.
            data: What it holds, or a piece of it.
            offset: Where the piece begins; behind 0, it is added to what came before, under the
                path that was answered then.

        Raises:
            Forbidden: It leads out of the root.
            InvalidInput: The name cannot be used.
            Conflict: Nothing came of this file that ends there.
            TooLarge: It would be larger than files may be.
        """
        if offset:
            return await asyncio.to_thread(self._add, path, data, offset)
        return await asyncio.to_thread(self._upload, path, data)

    async def reading(self, path: str, *, has_pandas: bool | None = None) -> Reading:
        """Which code reads a file, where it is a table.

        Args:
            path: Relative to the root.
            has_pandas: Whether pandas is there; None: it is looked for here.

        Raises:
            FileMissing: There is none.
            Forbidden: It leads out of the root.
        """
        return await asyncio.to_thread(self._reading, path, has_pandas)

    def _reading(self, path: str, has_pandas: bool | None) -> Reading:
        file = resolve_under(self._root, path, called="`path`")
        if not file.is_file():
            raise FileMissing(f"There is no file {shown_path(file, self._root)}.")
        try:
            return find_reading(
                file, file.relative_to(self._root).as_posix(), has_pandas=has_pandas
            )
        except OSError as error:
            raise StorageError(
                f"The file {shown_path(file, self._root)} cannot be read: {error.strerror}."
            ) from None

    def _add(self, path: str, data: bytes, offset: int) -> KeptFile:
        target = resolve_under(self._root, path, called="`path`")
        name = target.relative_to(self._root).as_posix()
        if offset + len(data) > _MOST_BYTES:
            raise TooLarge(f"A file may have {_MOST_BYTES:,} bytes at most.")
        with self._naming:
            size = self._growing.get(name)
            if size == offset + len(data) and data == _tail(target, offset):
                return KeptFile(name, size)  # it was sent again
            if size != offset:
                raise Conflict(f"No piece of {name} came that ends at byte {offset:,}.")
            try:
                # Not through a link that has taken its place meanwhile.
                descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
                with open(descriptor, "ab") as file:  # noqa: PTH123  # a descriptor
                    if file.tell() != offset:
                        raise Conflict(f"{name} was changed while it came.")
                    file.write(data)
            except OSError as error:
                raise StorageError(f"{name} cannot be written: {error.strerror}.") from None
            self._growing[name] = offset + len(data)
        return KeptFile(name, offset + len(data))

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
            name = target.relative_to(self._root).as_posix()
            self._growing[name] = len(data)
            if len(self._growing) > _MOST_GROWING:
                del self._growing[next(iter(self._growing))]
        return KeptFile(name, len(data))


def _tail(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except OSError:
        return b""


def _free(wanted: Path) -> Path:
    """The path, or with a number in its name where there is something."""
    for number in range(1, _MOST_NAMES):
        name = wanted.name if number == 1 else f"{wanted.stem}-{number}{wanted.suffix}"
        if not (path := wanted.with_name(name)).exists():
            return path
    raise InvalidInput(f"There are too many files named like {wanted.name!r}.")
