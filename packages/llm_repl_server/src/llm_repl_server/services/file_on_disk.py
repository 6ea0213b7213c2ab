"""A notebook's file on disk: looked at, read and written, in threads."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from llm_repl_core import Application, Notebook
from llm_repl_core.application import NOTEBOOK_LIMIT_BYTES
from llm_repl_core.errors import Conflict, FileMissing, Forbidden, InvalidNotebook, LLMReplError
from llm_repl_core.files import (
    NO_FILE,
    FileSignature,
    file_signature,
    read_file,
    shown_path,
    write_atomically,
)
from llm_repl_core.merging.bases import MergeBase
from llm_repl_server.services.identifiers import with_addressable_ids

__all__ = ["FileOnDisk", "ReadFile", "WrittenFile"]

_LOCK_LIMIT_S = 5.0


class ReadFile(Struct, frozen=True):
    """What a file held.

    Attributes:
        notebook: The notebook, with ids that can stand in an address.
        notices: What in the file is not supported, one sentence each.
        digest: Of its bytes.
        signature: How it was when it was read.
    """

    notebook: Notebook
    notices: list[str]
    digest: str
    signature: FileSignature


class WrittenFile(Struct, frozen=True):
    """What was written.

    Attributes:
        base: What the file says now.
        digest: Of its bytes.
        signature: How it is.
    """

    base: str
    digest: str
    signature: FileSignature


class FileOnDisk:
    """A file under the root folder. All of it may wait for the disk.

    Args:
        application: Knows the formats.
        path: The file, as `resolve_under` gave it.
        root: The folder that it must be in, resolved.
    """

    def __init__(self, application: Application, path: Path, root: Path) -> None:
        self.path = path
        self._application = application
        self._root = root
        self._has_windows_line_ends = False
        self._known: tuple[FileSignature, str] | None = None
        """How it was when its bytes were last seen, and their digest."""

    @property
    def shown(self) -> str:
        """What messages call it."""
        return shown_path(self.path, self._root)

    @property
    def is_under_root(self) -> bool:
        """Whether this server may use it."""
        return self.path.is_relative_to(self._root)

    def signature(self) -> FileSignature:
        """How the file is; `NO_FILE` where there is none."""
        return file_signature(self.path, follow_link=False)

    def digest(self) -> str:
        """The digest of what it holds.

        Raises:
            LLMReplError: It cannot be read.
        """
        before = self.signature()
        if self._known is not None and self._known[0] == before:
            return self._known[1]
        return self._take_note(self._read()[0], before)

    def is_as_before(self, digest: str) -> bool:
        """Whether it holds what gave a digest, however often it was written since."""
        try:
            return self.digest() == digest
        except LLMReplError:
            return False

    def read(self) -> ReadFile:
        """The notebook that it holds.

        Raises:
            FileMissing: It is gone.
            InvalidNotebook: It holds something else, or nothing.
            LLMReplError: It cannot be read.
        """
        before = self.signature()
        data, modified_at = self._read()
        if before == NO_FILE or before != self.signature():
            raise InvalidNotebook(f"{self.shown} is being written.")
        digest = self._take_note(data, before)
        loaded = self._decoded(data, modified_at)
        return ReadFile(
            notebook=loaded, notices=list(loaded.notices), digest=digest, signature=before
        )

    def write(
        self, notebook: Notebook, *, base: str, digest: str, force: bool = False
    ) -> WrittenFile | None:
        """Write a notebook, where the file is as it was.

        Args:
            notebook: A copy of it, which is nobody else's.
            base: What the file said when it was last read or written.
            digest: Of the bytes that it had then.
            force: Whether to write it whatever it is.

        Returns:
            None: another program has written it, and it is as that has left it.

        Raises:
            FileMissing: It is gone.
            LLMReplError: It cannot be written; it is as it was.
        """
        if not self.is_under_root:
            raise Forbidden(f"{self.path} is outside of the root folder of this server.")
        before = MergeBase.from_text(base)
        # What other programs call the notebook is the file's own.
        notebook.id = before.notebook_id
        data = self._application.encode(notebook, self.path.name)
        after = MergeBase.of(self._decoded(data, datetime.now(UTC)), self._application.cell_types)
        with _alone_in(self.path.parent):
            expected = None
            if not force:
                expected = self.signature()
                if expected == NO_FILE:
                    raise FileMissing(f"There is no file {self.shown} any more.")
                if self.digest() != digest:
                    return None
                if after.says_as_much_as(before):
                    # Nothing that the file has a place for: one in a form of its own keeps that.
                    return WrittenFile(base=base, digest=digest, signature=expected)
            if self._has_windows_line_ends:
                data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            try:
                signature = write_atomically(self.path, data, under=self._root, expected=expected)
            except Conflict:
                return None
        written = _digest(data)
        self._known = (signature, written)
        return WrittenFile(base=after.text(), digest=written, signature=signature)

    def _read(self) -> tuple[bytes, datetime]:
        if not self.is_under_root:
            raise Forbidden(f"{self.path} is outside of the root folder of this server.")
        file = read_file(self.path, NOTEBOOK_LIMIT_BYTES, under=self._root)
        return file.data, datetime.fromtimestamp(file.modified_at_s, UTC)

    def _take_note(self, data: bytes, before: FileSignature) -> str:
        breaks = data.count(b"\n")
        self._has_windows_line_ends = breaks > 0 and data.count(b"\r\n") * 2 > breaks
        digest = _digest(data)
        if before != NO_FILE and before == self.signature():
            self._known = (before, digest)
        return digest

    def _decoded(self, data: bytes, modified_at: datetime) -> Notebook:
        name = self.path.name.encode("utf-8", "replace").decode()
        try:
            loaded = self._application.decode(name, data, modified_at=modified_at)
        except LLMReplError as error:
            reason = str(error)
            raise InvalidNotebook(
                f"{self.shown} cannot be used: {reason[:1].lower()}{reason[1:]}"
            ) from error
        notebook = with_addressable_ids(loaded)
        notebook.notices = loaded.notices
        for cell in notebook:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # where it ran is not here
        return notebook


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other servers from writing files of a folder, where the system can.

    Between the look at a file and its replacement, another one's change would be lost.
    """
    try:
        import fcntl  # not on every platform

        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except (ImportError, OSError):
        yield
        return
    try:
        deadline = time.monotonic() + _LOCK_LIMIT_S
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise
                except OSError:
                    pass  # a file system without locks
                break
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
