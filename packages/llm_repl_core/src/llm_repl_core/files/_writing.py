"""Writes files: whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from llm_repl_core.errors import Conflict
from llm_repl_core.files._failures import refuse_special, shown_path, translated_failures
from llm_repl_core.files._folder import NO_WAIT, Folder
from llm_repl_core.files._signature import NO_FILE, FileSignature
from llm_repl_core.leftovers import TEMPORARY_FILES, mark_in_use, sweep_once

__all__ = ["refuse_unwritable", "write_atomically"]

_NO_PLACE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""No other file can be made in the folder."""
_NOT_REPLACEABLE = frozenset({errno.EACCES, errno.EBUSY, errno.EPERM, errno.EXDEV})
"""The file cannot be put in another's place: EBUSY where that one is mounted there."""
_BLOCK = bytes(4096)


class _InPlace(Exception):  # no error: which of two ways is gone
    """The file has to be written where it is."""


class _Changed(Exception):  # told by the function that knows the file's whole path
    """The file is not as expected."""


def write_atomically(
    path: str | os.PathLike[str],
    data: bytes,
    *,
    mode: int | None = None,
    under: Path | None = None,
    expected: FileSignature | None = None,
) -> FileSignature:
    """Replace a file's content, durably: after a crash it holds all of the old or all of the new.

    The data is written to a hidden temporary file in the same folder, which then takes the
    file's place. A symbolic link stays, and the file that it leads to is replaced.

    A file that cannot be replaced is written where it is: one that is mounted into a container, has
    other names (hard links) or another owner, or stands in a folder in which nothing can be made.
    When that fails, its old content is put back.

    Args:
        path: The file.
        data: Its new content.
        mode: The permissions that it gets, from its first byte on; where None, a file that exists
            keeps its own and a new one has the default ones.
        under: The folder that it must be in, which no link may lead out of; the path is one that
            `resolve_under` gave for it. Folders on the way that do not exist are made.
        expected: How the file must be until it is replaced, as `file_signature` gave it; `NO_FILE`:
            there must be none. None: whatever it is.

    Returns:
        How the file is with this content. Once another program has written it, it differs from what
        `file_signature` gives, however soon that is.

    Raises:
        Conflict: The file is not as expected: another program has written it, and it is as that has
            left it.
        FileMissing: The folder does not exist.
        Forbidden: It is not under ``under`` any more.
        StorageError: It could not be written; the old file is as it was.
    """
    with translated_failures(path, "written", under=under), _opened(path, under) as (folder, name):
        status = _status_of_replaceable(path, folder, name)
        try:
            if expected is not None and _signature(status) != expected:
                raise _Changed
            try:
                if status is not None and status.st_nlink > 1:
                    raise _InPlace
                written = _replace(folder, name, data, mode, status, expected)
            except _InPlace:
                written = _write_in_place(path, folder, name, data, mode, expected)
        except _Changed:
            raise Conflict(f"{shown_path(path, under)} was changed by another program.") from None
        folder.make_durable()
    return written


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Tell before the work whether `write_atomically` could write a file. Nothing is changed.

    Args:
        path: The file.

    Raises:
        FileMissing: The folder does not exist.
        StorageError: It could not be written.
    """
    with translated_failures(path, "written"), _opened(path, None) as (folder, name):
        status = _status_of_replaceable(path, folder, name)
        temporary = _temporary_name()
        try:
            # Permissions alone do not tell it: a file system may be read-only, or full.
            _write_durably(folder, temporary, _BLOCK, None, status)
        except _InPlace:
            os.close(folder.open(name, os.O_RDWR | NO_WAIT))
        finally:
            with suppress(OSError):
                folder.remove(temporary)


@contextmanager
def _opened(path: str | os.PathLike[str], under: Path | None) -> Iterator[tuple[Folder, str]]:
    """The folder of the file that a path leads to, and the file's name in it."""
    target = Path(os.path.realpath(path)) if under is None else Path(path)
    sweep_once(target.parent, TEMPORARY_FILES)
    with Folder(target.parent, under=under, make=under is not None) as folder:
        yield folder, target.name


def _status_of_replaceable(
    path: str | os.PathLike[str], folder: Folder, name: str
) -> os.stat_result | None:
    """The status of the file to be replaced; None where there is none yet."""
    status = folder.status(name or ".")
    if status is None:
        return None
    refuse_special(path, status.st_mode)
    if not folder.may_write(name):
        # Replacing it would succeed, against the will of whoever made it read-only.
        raise PermissionError(errno.EACCES, "the file is read-only")
    return status


def _signature(status: os.stat_result | None) -> FileSignature:
    return NO_FILE if status is None else FileSignature.of(status)


def _replace(
    folder: Folder,
    name: str,
    data: bytes,
    mode: int | None,
    status: os.stat_result | None,
    expected: FileSignature | None,
) -> FileSignature:
    temporary = _temporary_name()
    try:
        written = _write_durably(folder, temporary, data, mode, status)
        try:
            if expected is None:
                folder.replace(temporary, name)
            elif status is None:
                _put_where_nothing_is(folder, temporary, name)
            else:
                _put_in_place_of(folder, temporary, name, expected)
        except OSError as error:
            if status is not None and error.errno in _NOT_REPLACEABLE:
                raise _InPlace from None
            raise
    except BaseException:
        with suppress(OSError):
            folder.remove(temporary)
        raise
    # Being renamed counts as a change of the file, and not of its content.
    now = _signature(folder.status(name))
    return now if now.has_content_of(written) else written


def _put_where_nothing_is(folder: Folder, temporary: str, name: str) -> None:
    try:
        folder.link(temporary, name)
    except FileExistsError:
        raise _Changed from None
    except OSError:  # a file system without hard links
        if folder.status(name) is not None:
            raise _Changed from None
        folder.replace(temporary, name)
    else:
        folder.remove(temporary)


def _put_in_place_of(folder: Folder, temporary: str, name: str, expected: FileSignature) -> None:
    """Replace a file, unless it is changed up to then.

    The old file gets a second name. So one that is opened to be written before it is replaced, and
    is written after that, is still there, and comes back to its place.
    """
    kept = _temporary_name()
    try:
        folder.link(name, kept)
    except OSError:  # a file system without hard links, or somebody else's file
        if _signature(folder.status(name)) != expected:
            raise _Changed from None
        folder.replace(temporary, name)
        return
    try:
        if not _signature(folder.status(name)).has_content_of(expected):
            raise _Changed
        folder.replace(temporary, name)
        if not _signature(folder.status(kept)).has_content_of(expected):
            folder.replace(kept, name)
            raise _Changed
    finally:
        with suppress(OSError):
            folder.remove(kept)


def _write_durably(
    folder: Folder, name: str, data: bytes, mode: int | None, old: os.stat_result | None
) -> FileSignature:
    """Write a new file that may take the old one's place, with its owner and permissions."""
    if mode is None and old is not None:
        mode = stat.S_IMODE(old.st_mode)
    # What others could not read before they cannot read for an instant either.
    first_mode = 0o666 if mode is None else 0o600
    try:
        descriptor = folder.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, first_mode)
    except OSError as error:
        if old is not None and error.errno in _NO_PLACE:
            raise _InPlace from None
        raise
    with os.fdopen(descriptor, "wb") as file:
        mark_in_use(descriptor)
        file.write(data)
        file.flush()
        if old is not None:
            _take_owner(file.fileno(), old)
        if mode is not None:
            _set_mode(file.fileno(), mode)
        os.fsync(file.fileno())
        return FileSignature.of(os.fstat(file.fileno()))


def _take_owner(descriptor: int, old: os.stat_result) -> None:
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except OSError:
            raise _InPlace from None


def _set_mode(descriptor: int, mode: int) -> None:
    if hasattr(os, "fchmod"):  # Windows has no permissions to speak of
        os.fchmod(descriptor, mode)


def _write_in_place(
    path: str | os.PathLike[str],
    folder: Folder,
    name: str,
    data: bytes,
    mode: int | None,
    expected: FileSignature | None,
) -> FileSignature:
    descriptor = folder.open(name, os.O_RDWR | NO_WAIT)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        status = os.fstat(descriptor)
        refuse_special(path, status.st_mode)
        if expected is not None and not FileSignature.of(status).has_content_of(expected):
            raise _Changed
        old = file.read()
        _reserve(descriptor, len(old), len(data))
        try:
            if mode is not None:
                _set_mode(descriptor, mode)
            _overwrite(descriptor, data)
        except BaseException:
            with suppress(OSError):
                _overwrite(descriptor, old)
            raise
        return FileSignature.of(os.fstat(descriptor))


def _reserve(descriptor: int, old_size: int, new_size: int) -> None:
    """See that there is room for the new content before the old one is touched."""
    if new_size <= old_size or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, old_size, new_size - old_size)
    except OSError as error:
        os.ftruncate(descriptor, old_size)
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise


def _overwrite(descriptor: int, data: bytes) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.ftruncate(descriptor, len(data))
    os.fsync(descriptor)


def _temporary_name() -> str:
    return f".llm-repl-{secrets.token_hex(8)}.tmp"
