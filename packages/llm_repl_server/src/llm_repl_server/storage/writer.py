"""The one thread that writes: everything that waits becomes one transaction."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from msgspec import Struct

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation, apply_operations

__all__ = ["Writer"]

_BATCH_LIMIT = 500
"""How many groups one transaction takes, so that no future waits behind an endless one."""


class _Group(Struct, frozen=True, eq=False):
    operations: Sequence[Operation]
    future: Future[None]


class Writer:
    """Applies groups of operations in the order in which they come.

    A commit costs one wait for the disk, however much is in it; so whatever has come in while
    the disk was busy goes into the next transaction together.

    Args:
        open_database: Makes the connection that the thread uses, and closes.
    """

    def __init__(self, open_database: Callable[[], Database]) -> None:
        self._database = open_database()
        # A SimpleQueue wakes its reader by a lock: no polling, and no lock of Python's own.
        self._queue: SimpleQueue[_Group | None] = SimpleQueue()
        # Held while something is put into the queue, so that nothing comes behind the end.
        self._door = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="llm-repl-storage", daemon=True)
        self._thread.start()

    def submit(self, operations: Sequence[Operation]) -> Future[None]:
        """Put a group in the queue: all of it is applied, or nothing.

        Returns:
            What resolves when the group is durable, or has failed. It cannot be cancelled: who
            no longer waits does not undo a change.
        """
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        with self._door:
            if not self._closed:
                self._queue.put(_Group(operations, future))
                return future
        future.set_exception(StorageError("The storage is closed."))
        return future

    def close(self) -> None:
        """Write what waits, and end; may be called twice."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                batch, ended = self._take_what_waits(first)
                self._write(batch)
                # An idle writer keeps no outputs alive.
                del first, batch
                if ended:
                    break
        finally:
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
            self._database.begin()
        except Exception as error:  # noqa: BLE001 - the thread must live, and the futures tell
            # One after the other they would only wait as long again, each of them.
            for group in batch:
                group.future.set_exception(self._as_storage_error(error))
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
                group.future.set_exception(self._as_storage_error(error))
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
