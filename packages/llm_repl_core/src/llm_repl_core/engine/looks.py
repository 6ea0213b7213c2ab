"""Looks at a session's variables for people, and is never in the way of what runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from msgspec import Struct

from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.errors import Conflict, KernelDied, KernelError
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.state import KernelFork, KernelState

__all__ = ["Look", "Looks"]

T = TypeVar("T")

_RENEWAL_LIMIT_S = 0.2
"""How long a question waits for a newer state than the last that was looked at."""
_QUESTION_LIMIT_S = 3.0
_FORK_KEPT_S = 30.0
"""How long a fork is kept that nobody asks: it holds memory that the kernel has changed since."""
_FORK_FRESH_S = 2.0
"""How long an idle kernel's state is taken to be the same: threads of cells may change it."""


class Look(Struct, Generic[T], frozen=True):
    """What was seen.

    Attributes:
        answer: What was asked for.
        is_old: Whether something has run since then, or still runs.
        taken_at: When the state was as it was seen.
    """

    answer: T
    is_old: bool
    taken_at: datetime


class Looks:
    """Asks a fork of the kernel, where it can be forked, else the kernel when no run has it.

    A fork is a copy: nothing that the user's classes do there reaches the kernel, one that hangs is
    ended, and it still answers while the kernel runs something else. Used in the engine's loop.

    Args:
        kernel: The session's.
        queue: The session's runs.
    """

    def __init__(self, kernel: Kernel, queue: RunQueue) -> None:
        self._kernel = kernel
        self._queue = queue
        self._fork: KernelFork | None = None
        self._changes = -1
        self._taken_at = datetime.now(UTC)
        self._taken_s = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._letting_go: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def ask(self, question: Callable[[KernelState, bool], Awaitable[T]]) -> Look[T] | None:
        """Ask something of the state.

        Args:
            question: Is given the state, and whether code of the user's classes may be called for
                the answer: not where that has just ended a fork.

        Returns:
            What was seen; None: there is nothing to ask, or it is busy and was not looked at before.

        Raises:
            KernelError: It can't be asked, or does not answer in time.
        """
        if not self._kernel.alive:
            await self.close()
            return None
        if not self._kernel.forks_whole:
            return await self._ask_kernel(question)
        for may_call in (True, False):
            await self._renew()
            fork = self._fork
            if fork is None or not fork.alive:
                return None
            is_old = self._changes != self._kernel.changes
            try:
                return Look(await question(fork, may_call), is_old, self._taken_at)
            except KernelDied:
                self._let_go()
        raise KernelError("The kernel can't be looked into: the question took too long.")

    async def close(self) -> None:
        """Let the fork go."""
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({renewal})
        self._let_go()
        if self._closing:
            await asyncio.wait(set(self._closing))

    async def _ask_kernel(
        self, question: Callable[[KernelState, bool], Awaitable[T]]
    ) -> Look[T] | None:
        if self._queue.busy:
            return None
        try:
            async with asyncio.timeout(_QUESTION_LIMIT_S):
                answer = await self._queue.ask_if_free(lambda: question(self._kernel, True))
        except (Conflict, TimeoutError):
            return None
        return None if answer is None else Look(answer, False, datetime.now(UTC))

    async def _renew(self) -> None:
        """Have a fork of the state as it is now; where that takes too long, the last one stays."""
        loop = asyncio.get_running_loop()
        if self._letting_go is not None:
            self._letting_go.cancel()
        self._letting_go = loop.call_later(_FORK_KEPT_S, self._let_go)
        # Twice where one was on its way that is of an earlier state.
        for _ in range(2):
            fork, is_busy = self._fork, self._queue.busy
            is_fresh = is_busy or loop.time() - self._taken_s < _FORK_FRESH_S
            is_current = self._changes == self._kernel.changes
            if fork is not None and fork.alive and is_current and is_fresh:
                return
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._take_fork())
            await asyncio.wait(
                {self._renewal}, timeout=_RENEWAL_LIMIT_S if is_busy else _QUESTION_LIMIT_S
            )
            if is_busy:
                return

    async def _take_fork(self) -> None:
        # It waits its turn among what the kernel is asked, so until the end of a cell. What has run
        # by then is in the fork, and what runs right after it may be counted already.
        changes = self._kernel.changes
        with contextlib.suppress(KernelError, OSError):
            fork = await self._kernel.fork((), limit_s=_QUESTION_LIMIT_S)
            if fork is None:
                return
            older, self._fork = self._fork, fork
            self._changes = changes
            self._taken_at = datetime.now(UTC)
            self._taken_s = asyncio.get_running_loop().time()
            self._end(older)

    def _let_go(self) -> None:
        fork, self._fork = self._fork, None
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        self._end(fork)

    def _end(self, fork: KernelFork | None) -> None:
        if fork is not None:
            task = asyncio.get_running_loop().create_task(fork.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
