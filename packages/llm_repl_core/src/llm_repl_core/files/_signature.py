"""What tells one state of a file from another, without reading it."""

from __future__ import annotations

import os
from typing import Self

from msgspec import Struct

__all__ = ["NO_FILE", "FileSignature", "file_signature"]


class FileSignature(Struct, frozen=True):
    """A state of a file. Two that are equal are the same state; `NO_FILE` is that of a missing one."""

    modified_at_ns: int
    changed_at_ns: int
    size_bytes: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """That of a file whose status is known."""
        return cls(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)

    def has_content_of(self, other: FileSignature) -> bool:
        """Whether nothing was written between the two; a file that is renamed or linked is."""
        return (self.modified_at_ns, self.size_bytes, self.inode) == (
            other.modified_at_ns,
            other.size_bytes,
            other.inode,
        )


NO_FILE = FileSignature(0, 0, 0, 0)


def file_signature(path: str | os.PathLike[str], *, follow_link: bool = True) -> FileSignature:
    """How a file is now; `NO_FILE` where there is none, or none that can be looked at.

    Take it before the file is read: what is written between the two is then seen as a change.

    Args:
        path: The file.
        follow_link: Whether that of the file that a symbolic link leads to is wanted, not its own.
    """
    try:
        return FileSignature.of(os.stat(path, follow_symlinks=follow_link))  # noqa: PTH116  # no Path needed
    except (OSError, ValueError):
        return NO_FILE
