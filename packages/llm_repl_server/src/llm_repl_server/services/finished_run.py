"""A run that has ended, and what it did on its way to the disk."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Generic, TypeVar

from msgspec.structs import replace

from llm_repl_core.engine.run import Run
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_server.services.cell_choices import CellChoice
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.run_registry import RunRegistry

__all__ = ["FinishedRun"]

Answer = TypeVar("Answer")


class FinishedRun(Generic[Answer]):
    """What is to be answered when it is true.

    Whoever asked waits for the disk in a thread of their own: to wake the engine's loop for it, and
    the thread from there, would cost more than the rest of the answer.

    Args:
        opened: The notebook.
        choice: Which cells were run.
        run: The run.
        result: How it ended.
        runs: Who knows the runs.
    """

    def __init__(
        self,
        opened: OpenNotebook,
        choice: CellChoice[Answer],
        run: Run,
        result: RunResult,
        runs: RunRegistry,
    ) -> None:
        self._opened = opened
        self._choice = choice
        self._run = run
        self._result = result
        self._runs = runs
        self._last_write = opened.writer.last_write

    def wait(self) -> bool:
        """Wait for the disk, in any thread but the loop's: whether all was written."""
        write = self._last_write
        if write is None:
            return True
        # Called after those that were there before, by which a failure is noted in the loop.
        done = threading.Lock()
        done.acquire()

        def release(_: Future[None]) -> None:
            done.release()

        write.add_done_callback(release)
        done.acquire()
        return write.exception() is None

    def answer(self) -> Answer:
        """What became of the cells; what they did and could not be written counts."""
        result = self._result
        record = self._runs.find(self._run.id)
        if result.error is None and record is not None and record.error is not None:
            result = replace(result, error=record.error, cell_id=record.cell_id)
        return self._choice.answer(self._opened, self._run, result)

    async def settle(self) -> Answer:
        """What is answered where something could not be written; in the loop.

        Raises:
            StorageError: It is not kept, either.
        """
        await self._opened.writer.run_written()
        return self.answer()
