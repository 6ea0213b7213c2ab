"""Files on disk: written whole or not at all, and read without ever waiting for one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import tempfile
from pathlib import Path

from llm_repl_core.errors import (
    FileMissing,
    Forbidden,
    InvalidInput,
    LLMReplError,
    StorageError,
    TooLarge,
)

__all__ = ["read_bytes", "refuse_unwritable", "resolve_under", "write_atomically"]

# Flags that not every system has. O_NONBLOCK: opening a pipe must not wait for its other end.
_NO_INHERIT = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0)


def write_atomically(path: str | os.PathLike[str], data: bytes, *, mode: int | None = None) -> None:
    """Replace a file's content, durably: after a crash it holds all of the old or all of the new.

    The data is written to a hidden temporary file in the same folder, which then takes the
    file's place. A symbolic link stays, and the file that it leads to is replaced.

    Args:
        path: The file.
        data: Its new content.
        mode: The permissions that it gets, from its first byte on; where None, a file that exists
            keeps its own and a new one has the default ones.

    Raises:
        FileMissing: The folder does not exist.
        StorageError: It could not be written; the old file is as it was.
    """
    try:
        target = Path(os.path.realpath(path))
        old_mode = _mode_of_replaceable(target)
        temporary = target.with_name(f".llm-repl-{secrets.token_hex(8)}.tmp")
        try:
            _write_durably(temporary, data, old_mode if mode is None else mode)
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _make_entry_durable(target.parent)
    except (OSError, ValueError) as error:
        raise _translated(error, path, "written") from error


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Tell before the work whether `write_atomically` could write a file. Nothing is changed.

    Args:
        path: The file.

    Raises:
        FileMissing: The folder does not exist.
        StorageError: It could not be written.
    """
    try:
        target = Path(os.path.realpath(path))
        _mode_of_replaceable(target)
        with tempfile.TemporaryFile(dir=target.parent):
            pass  # permissions alone do not tell it: a file system may be read-only
    except (OSError, ValueError) as error:
        raise _translated(error, path, "written") from error


def read_bytes(path: str | os.PathLike[str], limit_bytes: int) -> bytes:
    """A regular file's content. Folders, pipes and devices are refused without waiting for them.

    Args:
        path: The file.
        limit_bytes: What it may hold at most.

    Raises:
        FileMissing: There is no such file.
        StorageError: It is not a regular file, or it could not be read.
        TooLarge: It is over the limit.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_INHERIT | _NO_WAIT)
        try:
            status = os.fstat(descriptor)
            _refuse_special(path, status.st_mode)
            if status.st_size <= limit_bytes:
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    # One byte more than is allowed shows that the file grew meanwhile.
                    data = file.read(limit_bytes + 1)
                if len(data) <= limit_bytes:
                    return data
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise _translated(error, path, "read") from error
    raise TooLarge(f"{_shown(path)} is larger than the limit of {limit_bytes:,} bytes.")


def resolve_under(root: Path, named: str, *, called: str) -> Path:
    """The path that somebody names, with every link followed.

    Args:
        root: The folder that it must be in, resolved.
        named: Relative to the root, or absolute and in it.
        called: What messages call the name: the field that it was given in.

    Raises:
        InvalidInput: It is empty, not a path, a folder, a device, or in no folder.
        Forbidden: It leads out of the root.
        FileMissing: Its folder does not exist.
    """
    if not named.strip() or "\0" in named:
        raise InvalidInput(f"{called} must name a file under the root folder.")
    try:
        path = (root / named).resolve()
    except (OSError, RuntimeError, ValueError):
        raise InvalidInput(f"{called} is not a path that this machine can follow.") from None
    if not path.is_relative_to(root):
        raise Forbidden(f"{called} leads out of the root folder; name a file in it.")
    try:
        if not path.parent.is_dir():
            raise FileMissing(f"There is no folder `{_shown(path.parent.relative_to(root))}`.")
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path
    except OSError as error:
        raise InvalidInput(f"{called} cannot be used: {error.strerror}.") from None
    if not stat.S_ISREG(mode):
        raise InvalidInput(f"{called} is not a plain file.")
    return path


def _mode_of_replaceable(target: Path) -> int | None:
    """The permissions of the file to be replaced; None where there is none yet."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    _refuse_special(target, status.st_mode)
    if not os.access(target, os.W_OK):
        # Replacing it would succeed, against the will of whoever made it read-only.
        raise PermissionError(errno.EACCES, "the file is read-only")
    return stat.S_IMODE(status.st_mode)


def _write_durably(path: Path, data: bytes, mode: int | None) -> None:
    # What others could not read before they cannot read for an instant either.
    first_mode = 0o666 if mode is None else 0o600
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_INHERIT
    with os.fdopen(os.open(path, flags, first_mode), "wb") as file:
        file.write(data)
        file.flush()
        if mode is not None:
            path.chmod(mode)
        os.fsync(file.fileno())


def _make_entry_durable(folder: Path) -> None:
    if not _FOLDER:  # Windows cannot open a folder, and needs no such thing
        return
    descriptor = os.open(folder, os.O_RDONLY | _FOLDER | _NO_INHERIT)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot do it; the file itself is safe by then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _refuse_special(path: str | os.PathLike[str], mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise StorageError(f"{_shown(path)} is a folder; name a file.")
    if not stat.S_ISREG(mode):
        raise StorageError(f"{_shown(path)} is a pipe or a device; name a regular file.")


def _translated(
    error: OSError | ValueError, path: str | os.PathLike[str], done: str
) -> LLMReplError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if done == "written":
            return FileMissing(f"{_shown(path)} cannot be written: its folder does not exist.")
        return FileMissing(f"There is no file {_shown(path)}.")
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return StorageError(f"{_shown(path)} could not be {done}: {reason}.")


def _shown(path: str | os.PathLike[str]) -> str:
    # A path may hold bytes that are no text; a message must be printable all the same.
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")
