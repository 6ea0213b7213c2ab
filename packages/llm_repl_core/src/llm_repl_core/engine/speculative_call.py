"""A call that was sent before the order of the document had come to its prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llm_repl_core.errors import ProviderError
from llm_repl_core.execution.model_calls import CallLimit, CallListener, ModelReply

__all__ = ["BufferedListener", "SpeculativeCall"]


class BufferedListener:
    """Keeps what happens to a call until somebody adopts it. Used in the engine's loop."""

    def __init__(self) -> None:
        self._missed: list[Callable[[CallListener], None]] = []
        self._listener: CallListener | None = None

    def pass_on(self, listener: CallListener) -> None:
        """Pass on all that was kept, and from now on what comes as it comes."""
        missed, self._missed = self._missed, []
        self._listener = listener
        for notification in missed:
            notification(listener)

    def on_queued(
        self,
        limit: CallLimit,
        provider: str,
        place: int,
        at_once: int | None,
        pause_s: float | None = None,
    ) -> None:
        """See `CallListener`, as for the next four."""
        self._notify(lambda listener: listener.on_queued(limit, provider, place, at_once, pause_s))

    def on_begin(self, call_id: str) -> None:
        """The call is about to be sent."""
        self._notify(lambda listener: listener.on_begin(call_id))

    def on_text(self, text: str) -> None:
        """A piece of the answer has come."""
        self._notify(lambda listener: listener.on_text(text))

    def on_reasoning(self, text: str) -> None:
        """A piece of what the model thought has come."""
        self._notify(lambda listener: listener.on_reasoning(text))

    def on_retry(self, attempt: int, error: ProviderError, wait_s: float) -> None:
        """What had come of the answer is void."""
        self._notify(lambda listener: listener.on_retry(attempt, error, wait_s))

    def _notify(self, notification: Callable[[CallListener], None]) -> None:
        if self._listener is None:
            self._missed.append(notification)
        else:
            notification(self._listener)


class SpeculativeCall:
    """Adopted where the prompt, at its place, asks the same; else superseded: it never counts.

    Args:
        identity: What makes a call the same as what was asked.
        sending: The call under way.
        listener: Keeps what happens to it.
        on_superseded: Called with why, when it was cancelled, or had ended before.
    """

    def __init__(
        self,
        identity: str,
        sending: asyncio.Task[ModelReply],
        listener: BufferedListener,
        on_superseded: Callable[[str], None],
    ) -> None:
        self.identity = identity
        self._sending = sending
        self._listener = listener
        self._on_superseded = on_superseded
        # Looked at, or asyncio logs the error of a call that nobody adopts.
        sending.add_done_callback(lambda done: done.cancelled() or done.exception())

    def when_done(self, callback: Callable[[ModelReply | None], None]) -> None:
        """Call back with the answer; None: there is none."""

        def report(done: asyncio.Task[ModelReply]) -> None:
            is_answered = not done.cancelled() and done.exception() is None
            callback(done.result() if is_answered else None)

        self._sending.add_done_callback(report)

    async def adopt(self, listener: CallListener) -> ModelReply:
        """Be the call of the prompt at its place: its answer, or its failure. Cancelling ends it."""
        self._listener.pass_on(listener)
        return await self._sending

    def supersede(self, reason: str) -> None:
        """Close it at once.

        Args:
            reason: Why, for the record; a sentence.
        """
        self._on_superseded(reason)
        self._sending.cancel()
