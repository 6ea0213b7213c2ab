"""How a cell that runs is stopped: as by Ctrl-C, else by ending its kernel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from llm_repl_core.engine.run_resources import RunResources
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.output import Output

__all__ = ["CellStopper"]

_log = logging.getLogger(__name__)

INTERRUPT_GRACE_S = 3.0
"""How long code has to end after an interrupt before its kernel is ended."""

SHUTDOWN_GRACE_S = 0.5
"""How long a cell has to notice that its kernel was ended."""


class _Stop(Struct, frozen=True):
    """Why a cell is stopped.

    Attributes:
        reason: Added as the cell's last output; None: whatever the stopping itself puts out.
    """

    reason: Output | None = None


class CellStopper:
    """Stops one cell, at any phase of it. Used in the engine's loop.

    Args:
        cell_id: The cell.
        kernel: What its code runs in.
        run: Whose cell it is.
    """

    def __init__(self, cell_id: str, kernel: Kernel, run: RunResources) -> None:
        self._cell_id = cell_id
        self._kernel = kernel
        self._run = run
        self._task: asyncio.Task[object] | None = None
        self._cancellations = 0
        """How often the task had been cancelled when the cell began."""
        self._stop: _Stop | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._timeout_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._has_answer = False
        self._ended = asyncio.Event()
        self._without_kernel = asyncio.Event()
        """Set while the kernel is not asked anything for the cell."""
        self._without_kernel.set()

    # What the cell says -------------------------------------------------------------------------

    def begin(self, timeout_s: float) -> None:
        """The cell begins, in the current task.

        Args:
            timeout_s: After which it is stopped; 0: never.
        """
        self._task = task = asyncio.current_task()
        assert task is not None
        self._cancellations = task.cancelling()
        self._timeout_s = timeout_s
        self._start_clock()

    @contextmanager
    def clock_stopped(self) -> Iterator[None]:
        """Within it, nothing counts as the cell's own time, which begins anew behind it."""
        self.finish()
        try:
            yield
        finally:
            self._start_clock()

    def _start_clock(self) -> None:
        if self._timeout_s:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._timeout_s, self._time_out, self._timeout_s)

    def finish(self) -> None:
        """The cell has produced its outputs: it takes no longer than it may."""
        if self._timer is not None:
            self._timer.cancel()

    def end(self) -> None:
        """The cell has ended, and its event is out."""
        self._ended.set()
        self._without_kernel.set()

    def take_kernel(self) -> None:
        """The kernel works for the cell from now on: stopping interrupts it."""
        self._without_kernel.clear()

    def leave_kernel(self) -> None:
        """The kernel does not work for the cell any more: stopping cancels the task."""
        self._without_kernel.set()

    def note_answer(self) -> None:
        """A prompt has its whole answer, and only waits for the kernel to take it."""
        self._has_answer = True

    # What became of it --------------------------------------------------------------------------

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped the cell, or its time was up."""
        return self._stop is not None

    @property
    def reason(self) -> Output | None:
        """What the cell's last output says of the stop; None: nothing of its own."""
        return None if self._stop is None else self._stop.reason

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody ends the cell without `stop`: Ctrl-C, leaving, closing the engine."""
        is_closing = self._task is not None and self._task.cancelling() > 0
        return is_closing or self._kernel.took_ctrl_c or self._run.caller_has_left

    @property
    def is_cancelled_from_outside(self) -> bool:
        """Whether the task was cancelled, and not by `stop`: the engine itself is closing."""
        return self._stop is None and self._is_cancelled_again()

    def uncancel(self) -> None:
        """Take back the cancellations by which `stop` has ended the cell."""
        while self._task is not None and self._stop is not None and self._is_cancelled_again():
            self._task.uncancel()

    def refuse_stopped(self) -> None:
        """End the cell where it was stopped, and what the kernel did for it ended well all the same."""
        if self._stop is not None:
            raise asyncio.CancelledError

    def _is_cancelled_again(self) -> bool:
        return self._task is not None and self._task.cancelling() > self._cancellations

    # Stopping -----------------------------------------------------------------------------------

    async def stop(self) -> None:
        """End the cell; returns when it has ended.

        Code is interrupted as by Ctrl-C; where that does not end it, its kernel is ended.
        """
        await self._stop_for(_Stop())

    async def stop_with_run(self) -> None:
        """As `stop`, where all other cells are stopped, too.

        A prompt that has its whole answer, and only waits for the kernel to take it, ends well:
        what is stopped leaves the kernel to it.
        """
        if self._has_answer and await _set_within(self._ended, INTERRUPT_GRACE_S):
            return
        await self.stop()

    def _time_out(self, timeout_s: float) -> None:
        reason = Output.error(
            "CellTimeout", f"The cell ran longer than {timeout_s:g} s and was stopped."
        )
        # Held on to, or it might be collected while it runs.
        self._stopping = asyncio.ensure_future(self._stop_for(_Stop(reason)))

    async def _stop_for(self, stop: _Stop) -> None:
        if self._ended.is_set():
            return
        if self._stop is None:
            self._stop = stop
        if not self._without_kernel.is_set():
            self._run.withdraw()
            await self._free_kernel()
        while not self._ended.is_set() and self._task is not None:
            # Again and again: somebody's code may swallow it.
            self._task.cancel()
            has_ended = await _set_within(self._ended, INTERRUPT_GRACE_S)
            if not has_ended and not self._without_kernel.is_set():
                await self._try(self._kernel.shutdown)

    async def _free_kernel(self) -> None:
        """Interrupt what the kernel does for the cell, so that the user's code sees it; else end it."""
        # Twice, as an interrupt is lost that comes when code is just about to begin, or where
        # Python drops exceptions; and a kernel that is ended takes the state with it.
        for _ in range(2):
            if self._kernel.alive:
                await self._try(self._kernel.interrupt)
            if await _set_within(self._without_kernel, INTERRUPT_GRACE_S / 2):
                return
        await self._try(self._kernel.shutdown)
        await _set_within(self._without_kernel, SHUTDOWN_GRACE_S)

    async def _try(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except Exception:  # noqa: BLE001  # a plugin's kernel may raise anything
            _log.exception("the kernel of cell %s could not be stopped", self._cell_id)


async def _set_within(event: asyncio.Event, timeout_s: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
    return event.is_set()
