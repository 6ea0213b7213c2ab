"""The file that a notebook lives in: it is written when the notebook changes, and the other way round."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec.structs import asdict, replace

from llm_repl_core import Application, LLMReplError, StorageError
from llm_repl_core.errors import FileMissing
from llm_repl_core.files import NO_FILE, FileSignature
from llm_repl_server.services.answers import notebook_header
from llm_repl_server.services.cell_editor import CellEditor
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.file_changes import FoundChange, find_change
from llm_repl_server.services.file_on_disk import FileOnDisk
from llm_repl_server.services.file_status import FileStatus, shown_path
from llm_repl_server.services.identifiers import copy_notebook
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.take_over import take_over
from llm_repl_server.services.wire_events import (
    NotebookChanged,
    NotebookFileState,
    NotebookFileTaken,
)
from llm_repl_server.storage.changes import (
    BinCell,
    Change,
    InsertCell,
    KeepFileTie,
    MarkFilePending,
    MarkStale,
    ReorderCell,
    RestoreCell,
    UpdateNotebook,
    WriteCell,
)
from llm_repl_server.storage.file_tie import FileTie

__all__ = ["TiedFile"]

_log = logging.getLogger(__name__)

_QUIET_S = 1.0
"""How long nothing is edited before the file is written."""

_LATEST_S = 10.0
"""How long the file is behind at most, where people go on editing."""

_SOON_S = 0.05
_SETTLED_AFTER_S = 0.5
"""How long a file stays as it is before it is read: others may write in pieces."""

_ATTEMPTS = 5
_TRY_AGAIN_S = 10.0

_IN_FILE = (
    BinCell,
    InsertCell,
    MarkStale,
    ReorderCell,
    RestoreCell,
    UpdateNotebook,
    WriteCell,
)
"""The changes that a file shows."""

_Problem: TypeAlias = Literal["not_written", "unreadable", "missing"]


class TiedFile:
    """Ties a notebook in memory to its file. Used in the engine's loop; the disk is used in threads.

    Args:
        opened: The notebook.
        tie: Its file, as it is stored.
        application: Knows the formats.
        publisher: Who tells the clients.
        root: The folder that files must be in, resolved.
    """

    def __init__(
        self,
        opened: OpenNotebook,
        tie: FileTie,
        *,
        application: Application,
        publisher: EventPublisher,
        root: Path,
    ) -> None:
        self._opened = opened
        self._tie = tie
        self._application = application
        self._publisher = publisher
        self._root = root
        self._disk = FileOnDisk(application, Path(tie.path), root)
        self._is_pending = tie.is_pending
        self._problem: tuple[_Problem, str] | None = None
        self._tried_at_s = 0.0
        self._seen: FileSignature | None = None
        """How the file was when it and the notebook were last compared."""
        self._doubtful: FileSignature | None = None
        """What was found at the last look and is no notebook: it may be in the middle of a change."""
        self._changes = 0
        """How many there were: what a thread has found fits as long as this is the same."""
        self._first_change_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._at_work = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_write_took_s = 0.0
        self._is_closed = False
        self._published: FileStatus | None = self.answer()
        if self._is_pending:
            self._schedule(_SOON_S)

    @property
    def path(self) -> Path:
        """The file."""
        return self._disk.path

    @property
    def idle(self) -> bool:
        """Whether nothing is being written, read, or about to be."""
        return self._timer is None and not self._at_work.locked() and not self._tasks

    def answer(self) -> FileStatus:
        """How it is."""
        state, error = self._problem or ("waiting" if self._is_pending else "saved", None)
        return FileStatus(
            path=shown_path(self.path, self._root),
            state=state,
            error=error,
            saved_at=time_on_wire(self._tie.saved_at),
        )

    # The notebook has changed -------------------------------------------------------------------

    def note(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Note that the notebook is changed; gives the changes that have to be made with those."""
        if any(isinstance(change, KeepFileTie) for change in changes) or not any(
            isinstance(change, _IN_FILE) for change in changes
        ):
            return ()
        self._changes += 1
        if self._is_closed:
            return ()
        loop = asyncio.get_running_loop()
        if self._first_change_s is None:
            self._first_change_s = loop.time()
        latest_s = self._first_change_s + _LATEST_S - loop.time()
        # A file that takes long is not written all the time.
        self._schedule(max(min(_QUIET_S, latest_s), 4 * self._last_write_took_s, 0))
        if self._is_pending:
            return ()
        self._is_pending = True
        loop.call_soon(self._publish_state)
        return (MarkFilePending(self._opened.notebook.id),)

    def write_soon(self) -> None:
        """Write what is to be written without waiting for more: a run has ended."""
        if self._is_pending and not self._is_closed:
            self._schedule(_SOON_S)

    async def write(self, *, force: bool = False) -> None:
        """Write what is to be written, and take over first what another program has written.

        Args:
            force: Whether to write whatever the file is: gone, or something else.
        """
        async with self._at_work:
            self._unschedule()
            for _ in range(_ATTEMPTS):
                if not force and not self._is_pending:
                    break
                if await self._write_once(force=force) or not await self._take():
                    break
        self._publish_state()

    async def close(self) -> None:
        """Write what is to be written, and nothing more."""
        self._unschedule()
        if self._is_pending:
            await self.write()
        self._is_closed = True
        self._unschedule()

    # The file has changed -----------------------------------------------------------------------

    async def check(self) -> None:
        """Look whether another program has changed the file, and take that over."""
        if self._at_work.locked() or self._is_closed:
            return  # who is at it looks as well
        async with self._at_work:
            found = await asyncio.to_thread(self._disk.signature)
            if found == NO_FILE or found != self._seen:
                await self._take()
            elif self._problem is not None and self._problem[0] != "not_written":
                self._problem = None
        self._publish_state()
        now_s = asyncio.get_running_loop().time()
        may_try = self._problem is None or (
            self._problem[0] == "not_written" and now_s - self._tried_at_s > _TRY_AGAIN_S
        )
        if self._is_pending and self._timer is None and may_try:
            self._schedule(_SOON_S)

    async def move(self, path: Path) -> None:
        """Go on with another file, to which the first one was moved."""
        async with self._at_work:
            self._disk = FileOnDisk(self._application, path, self._root)
            self._seen = self._doubtful = self._problem = None
            self._tie = replace(self._tie, path=str(path))
            self._opened.writer.write(KeepFileTie(self._stored()))
        await self.check()

    # In here ------------------------------------------------------------------------------------

    async def _write_once(self, *, force: bool) -> bool:
        """Write; whether there is nothing more to do. Not so, where the file has changed."""
        loop = asyncio.get_running_loop()
        changes, self._tried_at_s = self._changes, loop.time()
        self._first_change_s = None
        copy = copy_notebook(self._opened.notebook)
        for cell in copy:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # it runs here, and not where the file is read
        tie = self._tie
        try:
            written = await asyncio.to_thread(
                self._disk.write, copy, base=tie.base, digest=tie.digest, force=force
            )
        except LLMReplError as error:
            if isinstance(error, FileMissing) and not force:
                self._problem = ("missing", self._gone())
            else:
                self._problem = ("not_written", str(error))
            return True
        self._last_write_took_s = loop.time() - self._tried_at_s
        if written is None:
            return False
        self._problem = self._doubtful = None
        self._seen = written.signature
        self._is_pending = changes != self._changes
        self._keep(base=written.base, digest=written.digest)
        return True

    async def _take(self) -> bool:
        """Take over what the file has; whether that is done, or there was nothing."""
        found = await asyncio.to_thread(self._disk.signature)
        if found == NO_FILE:
            return self._doubt(found, "missing", self._gone())
        if await asyncio.to_thread(self._disk.is_as_before, self._tie.digest):
            self._problem = self._doubtful = None
            self._seen = found
            return True
        await asyncio.sleep(_SETTLED_AFTER_S)
        if await asyncio.to_thread(self._disk.signature) != found:
            self._schedule_if_pending()
            return False  # it is being written
        for _ in range(_ATTEMPTS):
            changes = self._changes
            ours = copy_notebook(self._opened.notebook)
            try:
                change = await asyncio.to_thread(
                    find_change,
                    self._application,
                    self._disk,
                    ours=ours,
                    base=self._tie.base,
                    digest=self._tie.digest,
                )
            except LLMReplError as error:
                return self._doubt(found, "unreadable", str(error))
            if self._changes == changes:
                return await self._apply(change)
        self._schedule_if_pending()
        return False

    async def _apply(self, change: FoundChange) -> bool:
        self._problem = self._doubtful = None
        if change.notebook is None:
            self._seen = change.signature
            return True
        opened, was_pending = self._opened, self._is_pending
        notebook, merged = opened.notebook, change.notebook
        editor = CellEditor(self._application, opened)
        take_over(editor, merged, change.changed)
        before = notebook.own_metadata
        has_other_header = (notebook.name, notebook.metadata) != (merged.name, merged.metadata)
        is_other = has_other_header or editor.has_edits or notebook.memory != merged.memory
        notebook.name, notebook.metadata = merged.name, merged.metadata
        notebook.memory, notebook.extra = merged.memory, merged.extra
        if has_other_header:
            editor.note_marked(opened.dependencies.note_notebook_edit(before))
            header = notebook_header(notebook)
            editor.add(
                opened.writer.header_change(),
                NotebookChanged(**asdict(header), metadata=dict(notebook.metadata)),
            )
        editor.add(
            UpdateNotebook(notebook_id=notebook.id, memory=notebook.memory, extra=notebook.extra)
        )
        self._tie = replace(
            self._tie, base=change.base, digest=change.digest, saved_at=datetime.now(UTC)
        )
        taken = NotebookFileTaken(
            notebook_id=notebook.id,
            path=self.answer().path,
            merged=was_pending,
            conflicts=change.conflicts,
        )
        editor.add(KeepFileTie(self._stored()), taken if is_other else None)
        self._changes += 1
        self._seen = change.signature
        try:
            await editor.write()
        except StorageError as error:
            self._seen = None
            self._problem = ("not_written", str(error))
            return False
        return True

    def _doubt(self, found: FileSignature, problem: _Problem, error: str) -> bool:
        """Say that the file is of no use, where it was so at the last look as well."""
        if self._doubtful == found:
            self._problem = (problem, error)
        else:
            self._doubtful = found
            self._schedule_if_pending()
        return False

    def _gone(self) -> str:
        return f"There is no file {self._disk.shown} any more."

    def _keep(self, *, base: str, digest: str) -> None:
        self._tie = replace(self._tie, base=base, digest=digest, saved_at=datetime.now(UTC))
        self._opened.writer.write(KeepFileTie(self._stored()))

    def _stored(self) -> FileTie:
        self._tie = replace(
            self._tie, notebook_id=self._opened.notebook.id, is_pending=self._is_pending
        )
        return self._tie

    def _publish_state(self) -> None:
        answer = self.answer()
        if answer != self._published and not self._opened.writer.deleted:
            self._published = answer
            event = NotebookFileState(notebook_id=self._opened.notebook.id, file=answer)
            self._publisher.publish(event, self._opened.writer.last_write)

    def _schedule_if_pending(self) -> None:
        if self._is_pending and not self._is_closed:
            self._schedule(_QUIET_S)

    def _schedule(self, after_s: float) -> None:
        self._unschedule()
        self._timer = asyncio.get_running_loop().call_later(after_s, self._start)

    def _unschedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._timer = None
        task = asyncio.ensure_future(self._write_in_background())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_in_background(self) -> None:
        try:
            await self.write()
        except Exception:  # noqa: BLE001 - nobody else would hear of it
            _log.exception("the file %s could not be written", self.path)
