"""The runs of a session: one has the kernel, the others wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from llm_repl_core.engine.run import Run
from llm_repl_core.errors import Conflict
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.plugins.contexts import RunResult

__all__ = ["RunQueue"]

T = TypeVar("T")


class RunQueue:
    """Runs one after the other, in the order in which they were asked for.

    Args:
        kernel: Whose turns these are.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._turn = asyncio.Lock()
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[RunResult]] = set()
        self._questions: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> bool:
        """Whether a run has the kernel."""
        return self._turn.locked()

    def add(self, run: Run) -> asyncio.Task[RunResult]:
        """Queue a run behind those that were asked for before."""
        self._runs[run.id] = run
        task = asyncio.get_running_loop().create_task(self._take_turn(run))
        self._tasks.add(task)  # or it might be collected while it runs
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._forget(run))
        return task

    async def stop_all(self) -> None:
        """Stop what runs and what waits, questions too; returns when it has stopped."""
        questions = tuple(self._questions)
        for question in questions:
            question.cancel()
        await asyncio.gather(*(run.stop() for run in tuple(self._runs.values())))
        if questions:
            await asyncio.wait(questions)

    async def stop_run(self, run_id: str) -> bool:
        """Stop one run; returns when it has ended: whether there was one."""
        run = self._runs.get(run_id)
        if run is None:
            return False
        await run.stop()
        return True

    async def stop_cell(self, cell_id: str) -> bool:
        """Stop a cell, if it runs; returns when it has ended: whether it did."""
        stopped = [await run.stop_cell(cell_id) for run in tuple(self._runs.values())]
        return any(stopped)

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those that have not ended, in the order in which they were asked for."""
        return tuple(self._runs.values())

    def remove_cell(self, cell_id: str) -> list[str]:
        """Take a cell out of the runs that have not come to it: of which."""
        return [run.id for run in self.runs if run.remove_cell(cell_id)]

    @asynccontextmanager
    async def between_runs(self) -> AsyncIterator[None]:
        """Have the kernel while no run has it."""
        async with self._turn:
            yield

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask the kernel something while no run has it; `stop_all` ends that as well.

        Raises:
            Conflict: It was stopped.
        """
        return await self._answer(self._ask(question))

    async def ask_if_free(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Ask the kernel something where no run has it, or comes first; None where one does.

        Raises:
            Conflict: It was stopped.
        """
        return await self._answer(self._ask_if_free(question))

    async def _answer(self, asking: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(asking)
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise Conflict("The request to the kernel was interrupted; try again.") from None

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            return await question()

    async def _ask_if_free(self, question: Callable[[], Awaitable[T]]) -> T | None:
        # Asked here, where nothing comes in between any more: a run may be queued at any time.
        return None if self._runs or self.busy else await self._ask(question)

    async def _take_turn(self, run: Run) -> RunResult:
        if run.stopped or not await self._comes_up(run):
            return await run.execute()  # which says that it was stopped, and touches no kernel
        try:
            self._kernel.use_caller_thread(None if run.inbox is None else run.inbox.run_in_caller)
            try:
                return await run.execute()
            finally:
                self._kernel.use_caller_thread(None)
        finally:
            self._turn.release()

    async def _comes_up(self, run: Run) -> bool:
        """Wait for a run's turn; whether it has come, or the run was stopped before."""
        task = asyncio.current_task()
        assert task is not None
        run.waiting = task
        try:
            await self._turn.acquire()
        except asyncio.CancelledError:
            if not run.stopped:
                raise
            task.uncancel()
            return False
        finally:
            run.waiting = None
        return True

    def _forget(self, run: Run) -> None:
        del self._runs[run.id]
        run.ended()
