"""How many calls a provider gets at once, and for how long it is left in peace."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager

from llm_repl_core.errors import InvalidSetting

__all__ = ["ProviderLimits"]


class ProviderLimits:
    """How many calls each provider gets at once, and until when it is left in peace.

    There is one an engine; it is used in the engine's loop.

    Args:
        concurrency: How many calls one provider gets at once, from 1.

    Raises:
        InvalidSetting: With fewer than one place no call could ever be made.
    """

    def __init__(self, concurrency: int) -> None:
        if concurrency < 1:
            raise InvalidSetting(
                f"A provider's limit of calls at once must be 1 or more, not {concurrency}."
            )
        self.concurrency = concurrency
        """How many calls one provider gets at once."""
        self._doors: dict[str, _Gate] = {}

    def slot(self, provider: str) -> AbstractAsyncContextManager[None]:
        """Hold one of a provider's places; entering waits for one, and for the end of a pause.

        Who comes first is served first. Who is cancelled while it waits takes no place with it.
        """
        return _Slot(self._gate(provider))

    def pause(self, provider: str, duration_s: float) -> None:
        """Let nobody start a call there for a while; of several pauses, the one that ends last wins.

        Calls that are under way go on. After the pause all places are free at once: it is for the
        retries' jitter to spread the calls.
        """
        self._gate(provider).pause(duration_s)

    def waiting_s(self, provider: str) -> float:
        """How long, from now, nobody may start a call there; 0: not paused."""
        return self._gate(provider).waiting_s()

    def place(self, provider: str) -> int | None:
        """The place in its queue, from 1, of a call that would be made now; None: it need not wait."""
        return self._gate(provider).place()

    def _gate(self, provider: str) -> _Gate:
        if provider not in self._doors:
            self._doors[provider] = _Gate(self.concurrency)
        return self._doors[provider]


class _Slot(AbstractAsyncContextManager[None]):
    """Not an async generator, which would keep its place where a task is closed unfinished."""

    __slots__ = ("_gate",)

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate

    async def __aenter__(self) -> None:
        await self._gate.enter()

    async def __aexit__(self, *_: object) -> None:
        self._gate.leave()


class _Gate:
    """The way in to one provider.

    A place is handed over to the first in the queue by whoever leaves, so that no newcomer can take
    it in between. `asyncio.Semaphore` does the same, but it looks through its whole queue for each
    one that is cancelled, and knows no pause.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._paused_until = 0.0
        # The waiters in order. Adding, taking the first and removing any one: each is O(1).
        self._queue: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def pause(self, duration_s: float) -> None:
        self._paused_until = max(self._paused_until, time.monotonic() + duration_s)

    def waiting_s(self) -> float:
        return max(0.0, self._paused_until - time.monotonic())

    def place(self) -> int | None:
        if self._free and not self._queue and not self.waiting_s():
            return None
        return len(self._queue) + 1

    async def enter(self) -> None:
        if self.place() is None:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        if not self._queue and self._free:
            self._set_timer()
        self._queue[turn] = None
        try:
            await turn
            # A pause may have begun between the handing over and now.
            while wait_s := self.waiting_s():  # noqa: ASYNC110  # no event: its end is a time
                await asyncio.sleep(wait_s)
        except BaseException:  # cancelled most of all
            if turn.done() and not turn.cancelled():
                self.leave()
            else:
                self._queue.pop(turn, None)
                self._clear_timer()
            raise

    def leave(self) -> None:
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        """Hand free places to the first in the queue, now or when the pause ends."""
        while self._queue and self._free:
            if self.waiting_s():
                self._set_timer()
                return
            turn, _ = self._queue.popitem(last=False)
            # One whose task was cancelled a moment ago is done before that task has noticed.
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    def _set_timer(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.waiting_s(), self._end_of_pause)

    def _end_of_pause(self) -> None:
        self._timer = None
        self._admit()

    def _clear_timer(self) -> None:
        """Take the timer back where nobody waits any more."""
        if not self._queue and self._timer is not None:
            self._timer.cancel()
            self._timer = None
