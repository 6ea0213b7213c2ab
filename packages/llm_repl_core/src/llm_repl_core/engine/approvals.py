"""Calls of tools that wait until somebody agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from llm_repl_core.errors import NotFound
from llm_repl_core.model.ids import new_id

__all__ = ["Approvals", "ToolApprovalRequest"]


class ToolApprovalRequest(Struct, frozen=True, kw_only=True):
    """A tool call that is waiting for a decision.

    Attributes:
        call_id: The id to send with the decision. Not the model's own id, which may be the same in
            every conversation.
        cell_id: The prompt's cell.
        name: The function.
        arguments: JSON, exactly as the model wrote it.
        item: The index of the item, in a prompt over items; else None.
    """

    call_id: str
    cell_id: str
    name: str
    arguments: str
    item: int | None = None


class Approvals:
    """Who waits for a yes or a no. Used in the engine's loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[ToolApprovalRequest, asyncio.Future[bool]]] = {}

    @property
    def questions(self) -> tuple[ToolApprovalRequest, ...]:
        """What waits for an answer, in the order in which it was asked."""
        return tuple(question for question, _ in self._waiting.values())

    @contextmanager
    def ask(
        self, *, cell_id: str, name: str, arguments: str, item: int | None
    ) -> Iterator[tuple[ToolApprovalRequest, asyncio.Future[bool]]]:
        """A question, and a future that `decide` resolves; leaving gives the question up."""
        question = ToolApprovalRequest(
            call_id=new_id(), cell_id=cell_id, name=name, arguments=arguments, item=item
        )
        decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[question.call_id] = question, decision
        try:
            yield question, decision
        finally:
            self._waiting.pop(question.call_id, None)

    def decide(self, call_id: str, *, approved: bool, cell_id: str | None = None) -> None:
        """Answer a request.

        Args:
            call_id: Which.
            approved: Whether the tool may be called.
            cell_id: The cell that asks; None: any.

        Raises:
            NotFound: Nobody waits for this: it is answered already, or was stopped.
        """
        question, decision = self._waiting.get(call_id, (None, None))
        if (
            question is None
            or decision is None
            or decision.done()
            or cell_id not in (None, question.cell_id)
        ):
            raise NotFound(
                f"No tool call with the id `{call_id}` is waiting: it is already decided, its "
                "cell was stopped, or it is another cell's."
            )
        decision.set_result(approved)

    def refuse(self, cell_id: str) -> None:
        """Answer all that a cell asks with no: nobody can see it any more."""
        for question, decision in self._waiting.values():
            if question.cell_id == cell_id and not decision.done():
                decision.set_result(False)
