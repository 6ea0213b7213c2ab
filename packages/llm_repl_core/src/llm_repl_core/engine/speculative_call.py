"""A call that was sent before the order of the document had come to its prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from llm_repl_core.engine.model_calls import CallListener, ModelReply
from llm_repl_core.errors import ProviderError

__all__ = ["BufferedListener", "SpeculativeCall"]


class BufferedListener:
    """What a call tells, kept until somebody takes it over. Used in the engine's loop."""

    def __init__(self) -> None:
        self._told: list[tuple[str, tuple[Any, ...]]] = []
        self._listener: CallListener | None = None
        self.listener = CallListener(
            on_begin=lambda call_id: self._tell("on_begin", call_id),
            on_text=lambda text: self._tell("on_text", text),
            on_reasoning=lambda text: self._tell("on_reasoning", text),
            on_retry=lambda attempt, error, wait_s: self._tell("on_retry", attempt, error, wait_s),
        )

    def pass_on(self, listener: CallListener) -> None:
        """Tell all that was kept, and from now on what comes as it comes."""
        told, self._told = self._told, []
        self._listener = listener
        for method, values in told:
            getattr(listener, method)(*values)

    def _tell(self, method: str, *values: str | float | ProviderError) -> None:
        if self._listener is None:
            self._told.append((method, values))
        else:
            getattr(self._listener, method)(*values)


class SpeculativeCall:
    """Adopted where the prompt, at its place, asks the same; else superseded: it never counts.

    Args:
        identity: What makes a call the same as what was asked.
        sending: The call under way.
        held_back: What it tells.
        on_superseded: Called with why, when it was cancelled, or had ended before.
    """

    def __init__(
        self,
        identity: str,
        sending: asyncio.Task[ModelReply],
        held_back: BufferedListener,
        on_superseded: Callable[[str], None],
    ) -> None:
        self.identity = identity
        self._sending = sending
        self._held_back = held_back
        self._on_superseded = on_superseded
        # Looked at, or asyncio logs the error of a call that nobody adopts.
        sending.add_done_callback(lambda done: done.cancelled() or done.exception())

    def when_done(self, callback: Callable[[ModelReply | None], None]) -> None:
        """Have somebody told of the answer; None: there is none."""

        def tell(done: asyncio.Task[ModelReply]) -> None:
            is_answered = not done.cancelled() and done.exception() is None
            callback(done.result() if is_answered else None)

        self._sending.add_done_callback(tell)

    async def adopt(self, listener: CallListener) -> ModelReply:
        """Be the call of the prompt at its place: its answer, or its failure. Cancelling ends it."""
        self._held_back.pass_on(listener)
        return await self._sending

    def supersede(self, reason: str) -> None:
        """Close it at once.

        Args:
            reason: Why, for the record; a sentence.
        """
        self._on_superseded(reason)
        self._sending.cancel()
