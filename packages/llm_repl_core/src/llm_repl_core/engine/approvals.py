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
        self._waiting: dict[str, _PendingApproval] = {}

    @property
    def questions(self) -> tuple[ToolApprovalRequest, ...]:
        """What waits for an answer, in the order in which it was asked."""
        return tuple(waiting.question for waiting in self._waiting.values())

    @contextmanager
    def ask(
        self, *, cell_id: str, name: str, arguments: str, item: int | None, allowed: set[str]
    ) -> Iterator[tuple[ToolApprovalRequest, asyncio.Future[bool]]]:
        """A question, and a future that `decide` resolves; leaving gives the question up.

        Args:
            cell_id: The cell that asks.
            name: The function.
            arguments: As the model wrote them.
            item: The index of the item; None: the prompt is not over items.
            allowed: The functions that the run may call without asking; `decide` may add this one.
        """
        question = ToolApprovalRequest(
            call_id=new_id(), cell_id=cell_id, name=name, arguments=arguments, item=item
        )
        decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[question.call_id] = _PendingApproval(question, decision, allowed)
        try:
            yield question, decision
        finally:
            self._waiting.pop(question.call_id, None)

    def decide(
        self,
        call_id: str,
        *,
        approved: bool,
        cell_id: str | None = None,
        whole_run: bool = False,
    ) -> None:
        """Answer a request.

        Args:
            call_id: Which.
            approved: Whether the tool may be called.
            cell_id: The cell that asks; None: any.
            whole_run: Whether approving counts for all calls of this function in the run.

        Raises:
            NotFound: Nobody waits for this: it is answered already, or was stopped.
        """
        waiting = self._waiting.get(call_id)
        if (
            waiting is None
            or waiting.decision.done()
            or cell_id not in (None, waiting.question.cell_id)
        ):
            raise NotFound(
                f"No tool call with the id `{call_id}` is waiting: it is already decided, its "
                "cell was stopped, or it is another cell's."
            )
        waiting.decision.set_result(approved)
        if not (approved and whole_run):
            return
        waiting.allowed.add(waiting.question.name)
        for other in self._waiting.values():
            is_alike = other.question.name == waiting.question.name
            if other.allowed is waiting.allowed and is_alike and not other.decision.done():
                other.decision.set_result(True)

    def refuse(self, cell_id: str) -> None:
        """Answer all that a cell asks with no: nobody can see it any more."""
        for waiting in self._waiting.values():
            if waiting.question.cell_id == cell_id and not waiting.decision.done():
                waiting.decision.set_result(False)


class _PendingApproval(Struct, frozen=True, eq=False):
    question: ToolApprovalRequest
    decision: asyncio.Future[bool]
    allowed: set[str]
