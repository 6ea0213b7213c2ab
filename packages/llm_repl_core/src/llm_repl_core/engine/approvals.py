"""Calls of tools that wait until somebody agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from llm_repl_core.errors import NotFound

__all__ = ["Approvals"]


class Approvals:
    """Who waits for a yes or a no. Used in the engine's loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    @contextmanager
    def ask(self, call_id: str) -> Iterator[asyncio.Future[bool]]:
        """A future that `decide` resolves; leaving gives the question up."""
        decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = decision
        try:
            yield decision
        finally:
            self._waiting.pop(call_id, None)

    def decide(self, call_id: str, *, approved: bool) -> None:
        """Answer a question.

        Raises:
            NotFound: Nobody waits for this: it is answered already, or was stopped.
        """
        decision = self._waiting.pop(call_id, None)
        if decision is None or decision.done():
            raise NotFound(
                f"No call of a tool waits under the id `{call_id}`: it is answered already, or its "
                "cell was stopped."
            )
        decision.set_result(approved)
