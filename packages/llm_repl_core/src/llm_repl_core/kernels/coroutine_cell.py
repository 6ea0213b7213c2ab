"""Runs the coroutine of a cell that uses ``await`` at its top level."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

__all__ = ["CoroutineRunner", "is_in_callback"]

T = TypeVar("T")


class CoroutineRunner:
    """An event loop that stays from cell to cell, so that tasks and connections do, too."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self.interrupted = False
        """Whether the coroutine that ran last was cancelled because of an interrupt."""
        self._offering = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, made when it is first asked for."""
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        return self._loop

    @property
    def has_tasks(self) -> bool:
        """Whether cells have started tasks that have not ended."""
        loop = self._loop
        return loop is not None and not loop.is_closed() and bool(asyncio.all_tasks(loop))

    def offer_loop(self) -> None:
        """Have cells that do not await find the loop, as they do in Jupyter.

        So that ``asyncio.create_task`` works there, and ``asyncio.run`` as well, as no loop runs.
        In this process and thread, for good, and within `offered` only.
        """
        thread = threading.get_ident()

        def offering(find: Callable[[], asyncio.AbstractEventLoop]) -> Any:
            @functools.wraps(find)
            def find_loop() -> asyncio.AbstractEventLoop:
                is_cell = self._offering and threading.get_ident() == thread
                return self.loop if is_cell and asyncio._get_running_loop() is None else find()

            return find_loop

        for module in (asyncio, asyncio.events):
            for name in ("get_running_loop", "get_event_loop"):
                setattr(module, name, offering(getattr(module, name)))

    @contextlib.contextmanager
    def offered(self, code: str) -> Iterator[None]:
        """What runs within finds the loop; see `offer_loop`.

        Args:
            code: The source of what runs.
        """
        if self._loop is not None or "asyncio" in code:
            asyncio.set_event_loop(self.loop)  # which `asyncio.run` takes away
        self._offering = True
        try:
            yield
        finally:
            self._offering = False

    def run_tasks_until_readable(self, descriptor: int) -> None:
        """Let tasks go on until there is something to read.

        Raises:
            BaseException: What asks a program to end, in a task: ``KeyboardInterrupt``.
        """
        loop = self.loop
        loop.add_reader(descriptor, loop.stop)
        try:
            loop.run_forever()
        finally:
            loop.remove_reader(descriptor)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to the end, in this thread where it has no running loop, else in another one.

        Raises:
            KeyboardInterrupt: It was interrupted, and so cancelled.
            BaseException: What the coroutine raises.
        """
        # Not `get_running_loop`: what it raises would be the context of what the coroutine raises.
        if asyncio._get_running_loop() is None:
            return self._run_here(coroutine)
        return self._run_in_thread(coroutine)

    def take_interrupt(self, frame: FrameType | None) -> bool:
        """Cancel the coroutine, where an exception would hit the loop's own code.

        That could lose what the loop is about to do. Code of the user's, which may never come back
        to the loop, is left to the exception. From a signal handler, or any thread.

        Args:
            frame: Where the thread of the loop is.

        Returns:
            Whether it was the loop that ran or waited, and the coroutine is cancelled.
        """
        loop, task = self._loop, self._task
        if loop is None or task is None or not loop.is_running() or is_in_callback(frame):
            return False
        self.interrupted = True
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            loop.call_soon_threadsafe(task.cancel)  # which also wakes it
        return True

    def close(self) -> None:
        """End what still runs in the loop, and close it. Not in a thread with a running loop."""
        loop, self._loop = self._loop, None
        if loop is None or loop.is_running() or loop.is_closed():
            return
        try:
            loop.run_until_complete(_end_tasks())
        finally:
            loop.close()

    def _run_here(self, coroutine: Coroutine[Any, Any, T]) -> T:
        loop = self.loop
        self.interrupted = False
        task: asyncio.Task[T] = loop.create_task(coroutine)
        self._task = task
        try:
            return loop.run_until_complete(task)
        except KeyboardInterrupt:
            if not task.done():
                self.interrupted = True
                task.cancel()
                # The task gets one second for its own clean-up.
                loop.run_until_complete(asyncio.wait({task}, timeout=1))
            if not task.done():
                raise
        except asyncio.CancelledError:
            if not self.interrupted:
                raise
        finally:
            self._task = None
        try:
            return task.result()
        except asyncio.CancelledError as error:
            # The traceback says where the user's code was.
            raise KeyboardInterrupt().with_traceback(error.__traceback__) from None

    def _run_in_thread(self, coroutine: Coroutine[Any, Any, T]) -> T:
        results: list[T] = []
        errors: list[BaseException] = []
        ended = threading.Event()
        loop = self.loop

        def work() -> None:
            try:
                results.append(self._run_here(coroutine))
            except BaseException as error:  # noqa: BLE001  raised again by who waits
                errors.append(error)
            finally:
                ended.set()

        def cancel() -> None:
            # It alone: what cells have left running goes on, and so does what may come after it.
            if self._task is not None and self._task.get_coro() is coroutine:
                self._task.cancel()

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,), daemon=True)
        try:
            thread.start()  # which waits as well
            ended.wait()  # not `join`, after which an interrupted one takes the thread for ended
        except BaseException:
            with contextlib.suppress(RuntimeError):  # closed meanwhile
                loop.call_soon_threadsafe(cancel)
            ended.wait(1)  # for its own clean-up, as in `_run_here`
            raise
        if errors:
            raise errors[0]
        return results[0]


def is_in_callback(frame: FrameType | None) -> bool:
    """Whether the frame is of code that a loop has called: a step of some task, most often."""
    below = None
    while frame is not None:
        if frame.f_code is asyncio.Handle._run.__code__:
            return below is not None
        below, frame = frame, frame.f_back
    return False


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        # User code may catch the cancellation, so that there is an end to waiting.
        await asyncio.wait(tasks, timeout=1)
    await asyncio.get_running_loop().shutdown_asyncgens()
