"""The log of calls as a run uses it: opened when it is needed, and done without where it fails."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from llm_repl_core import CallRecord, Ledger, LLMReplError, MemoryLedger, load_settings
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.errors import NotYetWritten

if TYPE_CHECKING:
    from llm_repl_core.ledger.base import UnpricedCalls
    from llm_repl_server.storage.call_log import CallLog

__all__ = ["LogLedger", "open_log"]

T = TypeVar("T")


def open_log() -> CallLog:
    """Open the log of calls that the settings name.

    Raises:
        InvalidSetting: A setting of the server cannot be used.
        StorageError: The database cannot be used.
    """
    # Takes a third of a second, which a notebook without prompts is not to wait for.
    from llm_repl_server.settings import ServerSettings
    from llm_repl_server.storage.call_log import CallLog

    log = CallLog(load_settings(ServerSettings).storage_url())
    log.open()
    return log


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """What is pressed meanwhile takes effect at the end. Threads that begin in it hear none."""
    if sys.platform == "win32":
        yield  # which cannot hold them
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class LogLedger(Ledger):
    """Keeps calls in the log, or in memory where that cannot be written: a run goes on then.

    Also a context manager, which closes the log.

    Args:
        warn: Called by the engine's thread with a sentence where it cannot be written; printed where
            None.
    """

    def __init__(self, warn: Callable[[str], object] | None = None) -> None:
        self._warn = warn or _print_warning
        self._opened: Future[CallLog] | None = None
        self._ledger: Ledger | None = None
        self._starting = threading.Lock()

    def prepare(self) -> None:
        """Begin to open the log, in a thread; it is opened once, whoever asks."""
        # Ctrl-C in the midst of it would leave a thread that never begins, and who waits for it.
        with _interrupts_held(), self._starting:
            if self._opened is None:
                self._opened = Future()
                threading.Thread(target=_resolve, args=(self._opened,), name="open-log").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None and self._opened.exception() is None:
            self._opened.result().close()

    async def begin(self, record: CallRecord) -> None:
        """See `Ledger.begin`."""
        # Shielded, as the end of a call that is stopped while the log opens follows all the same.
        await asyncio.shield(self._use(lambda ledger: ledger.begin(record)))

    async def end(self, record: CallRecord) -> None:
        """See `Ledger.end`; one that cannot be written yet is when the log closes, if it can be."""
        with suppress(NotYetWritten):
            await self._use(lambda ledger: ledger.end(record))

    @property
    def is_kept(self) -> bool:
        """Whether what is written is there in another run, too."""
        return not isinstance(self._ledger, MemoryLedger)

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        """See `Ledger.answers`."""
        return await self._read(lambda ledger: ledger.answers(notebook_id, identity))

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        """See `Ledger.answered`."""
        return await self._read(lambda ledger: ledger.answered(notebook_id))

    async def outline(self, notebook_id: str) -> Sequence[CallRecord]:
        """See `Ledger.outline`."""
        return await self._read(lambda ledger: ledger.outline(notebook_id))

    async def latest(self, notebook_id: str, limit: int) -> Sequence[CallRecord]:
        """See `Ledger.latest`."""
        return await self._read(lambda ledger: ledger.latest(notebook_id, limit))

    async def find(self, notebook_id: str, call_ids: Sequence[str]) -> Sequence[CallRecord]:
        """See `Ledger.find`."""
        return await self._read(lambda ledger: ledger.find(notebook_id, call_ids))

    async def unpriced(self, notebook_id: str) -> Sequence[UnpricedCalls]:
        """See `Ledger.unpriced`."""
        return await self._read(lambda ledger: ledger.unpriced(notebook_id))

    async def spent(self, notebook_id: str) -> tuple[int, int, float]:
        """See `Ledger.spent`."""
        return await self._read(lambda ledger: ledger.spent(notebook_id))

    async def _read(self, operation: Callable[[Ledger], Awaitable[T]]) -> T:
        """Look something up: where no log was ever made, there is nothing, and none is made for it."""
        if self._opened is None and not _log_exists():
            return await operation(MemoryLedger())
        return await self._use(operation)

    async def _use(self, operation: Callable[[Ledger], Awaitable[T]]) -> T:
        ledger = await self._opened_ledger()
        try:
            return await operation(ledger)
        except NotYetWritten:
            raise  # the log has it all the same
        except LLMReplError as error:
            return await operation(self._do_without(ledger, error))

    async def _opened_ledger(self) -> Ledger:
        if self._ledger is None:
            self.prepare()
            assert self._opened is not None
            try:
                # Shielded, as a cell that is stopped does not end the opening for the others.
                log = await asyncio.shield(asyncio.wrap_future(self._opened))
            except LLMReplError as error:
                return self._do_without(None, error)
            if self._ledger is None:  # another call may have waited as well
                self._ledger = log.ledger
        return self._ledger

    def _do_without(self, failed: Ledger | None, error: LLMReplError) -> Ledger:
        """Go on in memory; said once."""
        if self._ledger is None or self._ledger is failed:
            self._ledger = MemoryLedger()
            self._warn(f"Warning: the calls of this run are not written to the call log: {error}")
        return self._ledger


def _print_warning(sentence: str) -> None:
    echo(sentence, fg="yellow", err=True)


def _log_exists() -> bool:
    from llm_repl_server.settings import ServerSettings

    try:
        url = load_settings(ServerSettings).storage_url()
    except LLMReplError:
        return True  # which is said where it is opened
    path = url.removeprefix("sqlite:///")
    return path == url or Path(path).exists()


def _resolve(opened: Future[CallLog]) -> None:
    try:
        opened.set_result(open_log())
    except BaseException as error:  # noqa: BLE001  # it is raised where the log is used
        opened.set_exception(error)
