"""A folder that is open: what is done with its files is done in it, wherever its name leads by then.

Between the check of a path and its use, somebody may put a symbolic link in the place of a folder.
So the way down from the root folder is opened step by step, each within the one before and none
through a link, and the file is opened, made, renamed within the last. Where the system cannot do
that (Windows), paths are used, as they were when they were checked.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

__all__ = ["NO_FOLLOW", "NO_INHERIT", "NO_WAIT", "Folder"]

# Flags that not every system has. O_NONBLOCK: opening a pipe must not wait for its other end.
NO_INHERIT = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_IS_FOLDER = getattr(os, "O_DIRECTORY", 0)
# A folder that one may go through need not be one that one may list.
_PASS_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | _IS_FOLDER | NO_INHERIT
_WITHIN = (
    bool(NO_FOLLOW and _IS_FOLDER)
    and {*(os.open, os.stat, os.unlink, os.mkdir, os.rename, os.link)} <= os.supports_dir_fd
)


class Folder:
    """An open folder; a context manager.

    Args:
        path: The folder.
        under: The folder that it must be in, both resolved; None: it may be anywhere.
        make: Whether to make it, and those on the way from ``under``, where they are missing.

    Raises:
        OSError: It cannot be opened; ELOOP where a link stands on the way from ``under``.
    """

    def __init__(self, path: Path, *, under: Path | None = None, make: bool = False) -> None:
        self._path = path
        self._descriptor: int | None = None
        if not _WITHIN:
            if make:
                path.mkdir(parents=True, exist_ok=True)
            path.stat()
            return
        self._descriptor = os.open(path if under is None else under, _PASS_THROUGH)
        try:
            for name in () if under is None else path.relative_to(under).parts:
                self._descend(name, make=make)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def open(self, name: str, flags: int, mode: int = 0o777) -> int:
        """Open a file of the folder; not through a link.

        Raises:
            OSError: It cannot be opened; ELOOP where it is a link.
        """
        return os.open(
            self._at(name), flags | NO_FOLLOW | NO_INHERIT, mode, dir_fd=self._descriptor
        )

    def status(self, name: str) -> os.stat_result | None:
        """The status of a file; None where there is none.

        Raises:
            OSError: ELOOP where it is a link.
        """
        try:
            status = os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(status.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return status

    def may_write(self, name: str) -> bool:
        """Whether the permissions of a file let it be written."""
        return os.access(self._at(name), os.W_OK, dir_fd=self._descriptor)

    def replace(self, name: str, other: str) -> None:
        """Put a file in the place of another."""
        within = self._descriptor
        os.replace(self._at(name), self._at(other), src_dir_fd=within, dst_dir_fd=within)

    def link(self, name: str, other: str) -> None:
        """Give a file a second name, which nothing may have yet."""
        within = self._descriptor
        if within is None:
            os.link(self._at(name), self._at(other))  # as the others here
        else:
            os.link(name, other, src_dir_fd=within, dst_dir_fd=within, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def make_durable(self) -> None:
        """Have the folder's entries on the disk."""
        if not _IS_FOLDER:  # Windows cannot open a folder, and needs no such thing
            return
        try:
            flags = os.O_RDONLY | _IS_FOLDER | NO_INHERIT
            descriptor = os.open(self._at("."), flags, dir_fd=self._descriptor)
        except PermissionError:
            return  # one that may be gone through and not be listed
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some network file systems cannot do it; the file itself is safe by then.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)

    def _descend(self, name: str, *, make: bool) -> None:
        try:
            inner = self._open_folder(name)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):  # somebody else was faster
                os.mkdir(name, dir_fd=self._descriptor)
            inner = self._open_folder(name)
        self._close()
        self._descriptor = inner

    def _open_folder(self, name: str) -> int:
        try:
            return os.open(name, _PASS_THROUGH | NO_FOLLOW, dir_fd=self._descriptor)
        except NotADirectoryError:
            self.status(name)  # a link is no folder either, and is told apart
            raise

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else os.path.join(self._path, name)  # noqa: PTH118  # a text, as the other

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)
