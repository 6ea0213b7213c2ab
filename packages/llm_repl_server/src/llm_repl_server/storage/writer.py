"""The one thread that writes: everything that waits becomes one transaction."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from msgspec import Struct

from llm_repl_core.errors import StorageError
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation, apply_operations

__all__ = ["Writer"]

_BATCH_LIMIT = 500
"""How many groups one transaction takes, so that no future waits behind an endless one."""


_RETRY_S = 1.0
"""How long the thread waits before it tries again to write what it has kept."""

_log = logging.getLogger(__name__)


class _Group(Struct, frozen=True, eq=False):
    operations: Sequence[Operation]
    future: Future[None]
    keep: bool = False

    @property
    def key(self) -> Hashable:
        """The rows that it overwrites; None where it does not, or not only, overwrite rows."""
        keys = [operation.key for operation in self.operations]
        return None if None in keys else tuple(keys)


class _Kept(Struct, frozen=True, eq=False):
    """A group that could not be written, and who is told when it is."""

    group: _Group
    errors: Sequence[NotYetWritten]


class Writer:
    """Applies groups of operations in the order in which they come.

    A commit costs one wait for the disk, however much is in it; so whatever has come in while
    the disk was busy goes into the next transaction together. What has happened, and cannot be
    written because the disk is full or the database fails, is kept: before anything else is written,
    and once a second, it is tried again, so that the order stays.

    Args:
        open_database: Makes the connection that the thread uses, and closes.
    """

    def __init__(self, open_database: Callable[[], Database]) -> None:
        self._database = open_database()
        # A SimpleQueue wakes its reader by a lock: no polling, and no lock of Python's own.
        self._queue: SimpleQueue[_Group | None] = SimpleQueue()
        # Held while something is put into the queue, so that nothing comes behind the end.
        self._lock = threading.Lock()
        self._closed = False
        self._kept: list[_Kept] = []
        """Of the thread alone."""
        self._thread = threading.Thread(target=self._work, name="llm-repl-storage", daemon=True)
        self._thread.start()

    @property
    def kept(self) -> int:
        """How many groups wait until the database can be written."""
        return len(self._kept)

    def submit(self, operations: Sequence[Operation], *, keep: bool = False) -> Future[None]:
        """Put a group in the queue: all of it is applied, or nothing.

        Args:
            operations: The group.
            keep: Whether it has happened anyhow, and is kept where the database fails.

        Returns:
            What resolves when the group is durable, or has failed; with `NotYetWritten` where it
            is kept. It cannot be cancelled: who no longer waits does not undo a change.
        """
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if not self._closed:
                self._queue.put(_Group(operations, future, keep))
                return future
        future.set_exception(StorageError("The storage is closed."))
        return future

    def close(self) -> None:
        """Write what waits, and end; may be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while True:
                try:
                    first = self._queue.get(timeout=_RETRY_S if self._kept else None)
                except Empty:
                    self._write_kept()
                    continue
                if first is None:
                    break
                batch, ended = self._take_what_waits(first)
                self._write(batch)
                # An idle writer keeps no outputs alive.
                del first, batch
                if ended:
                    break
            self._write_kept()
        finally:
            if self._kept:
                reason = self._kept[-1].errors[-1]
                _log.error("what has run and could not be written is lost (changes: %d): %s",
                           len(self._kept), reason)  # fmt: skip
            self._database.close()

    def _take_what_waits(self, first: _Group) -> tuple[list[_Group], bool]:
        batch = [first]
        while len(batch) < _BATCH_LIMIT:
            try:
                group = self._queue.get_nowait()
            except Empty:
                break
            if group is None:
                return batch, True
            batch.append(group)
        return batch, False

    def _write(self, batch: Sequence[_Group]) -> None:
        try:
            if error := self._write_kept():
                raise error
            self._database.begin()
        except Exception as error:  # noqa: BLE001 - the thread must live, and the futures tell
            # One after the other they would only wait as long again, each of them.
            for group in batch:
                self._fail(group, error)
            with contextlib.suppress(Exception):
                self._database.rollback()
            return
        try:
            apply_operations(
                self._database, [operation for group in batch for operation in group.operations]
            )
            self._database.commit()
        except Exception:  # noqa: BLE001 - which group it was, and why, the next lines find out
            self._write_one_by_one(batch)
            return
        for group in batch:
            group.future.set_result(None)

    def _write_kept(self) -> Exception | None:
        """Write what was kept, in order; the error where that is still not possible."""
        while self._kept:
            kept = self._kept[0]
            problem: Exception | None = None
            try:
                self._database.rollback()
                self._database.begin()
                for operation in kept.group.operations:
                    operation.apply(self._database)
                self._database.commit()
            except Exception as error:  # noqa: BLE001 - the thread must live
                with contextlib.suppress(Exception):
                    self._database.rollback()
                if self._may_pass(error):
                    return error
                problem = error  # such as a notebook that was deleted meanwhile
            del self._kept[0]
            for told in kept.errors:
                if problem is None:
                    told.written.set_result(None)
                else:
                    told.written.set_exception(self._as_storage_error(problem))
        return None

    def _fail(self, group: _Group, error: Exception) -> None:
        if not (group.keep and self._may_pass(error)):
            group.future.set_exception(self._as_storage_error(error))
            return
        told = NotYetWritten(
            f"{self._as_storage_error(error)} What has run is kept in memory until it can be written."
        )
        told.__cause__ = error
        errors = [told]
        for kept in list(self._kept):
            # What overwrites it makes it needless, and it would take memory.
            if group.key is not None and kept.group.key == group.key:
                self._kept.remove(kept)
                errors += kept.errors
        self._kept.append(_Kept(group, errors))
        group.future.set_exception(told)

    def _may_pass(self, error: Exception) -> bool:
        """Whether the same may succeed later: not what is wrong with the change itself."""
        backend = self._database.backend
        return backend.is_database_error(error) and not backend.is_integrity_error(error)

    def _write_one_by_one(self, batch: Sequence[_Group]) -> None:
        """Give each group a transaction of its own, so that only the wrong ones fail."""
        for group in batch:
            try:
                self._database.rollback()
                self._database.begin()
                for operation in group.operations:
                    operation.apply(self._database)
                self._database.commit()
            except Exception as error:  # noqa: BLE001 - the thread must live, and the future tell
                self._fail(group, error)
            else:
                group.future.set_result(None)
        # Where even this fails, the next group meets the same error and tells it.
        with contextlib.suppress(Exception):
            self._database.rollback()

    def _as_storage_error(self, error: Exception) -> StorageError:
        if isinstance(error, StorageError):
            return error
        wrapped = StorageError(self._database.backend.explain(error))
        wrapped.__cause__ = error
        return wrapped
