"""What a run has that its cells use."""

from __future__ import annotations

import asyncio

from msgspec import Struct, field

from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.catch_up import CatchUp
from llm_repl_core.engine.event_stream import RunEmitter
from llm_repl_core.engine.pending_answers import PendingAnswers
from llm_repl_core.engine.run_policy import RunPolicy
from llm_repl_core.execution.cell_type import ItemChoice

__all__ = ["RunResources", "RunState"]


class RunState(Struct, kw_only=True):
    """How far a run is.

    Attributes:
        begun: The cells that it has come to.
        to_come: Those that it has not come to.
        removed: Those that were taken out of it.
        is_stopped: Whether somebody stopped it, so that it starts nothing more.
    """

    begun: set[str] = field(default_factory=set)
    to_come: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    is_stopped: bool = False

    def will_run(self, cell_id: str) -> bool:
        """Whether a cell of the run has not begun yet, and may still come."""
        return not self.is_stopped and cell_id in self.to_come


class RunResources(Struct, kw_only=True, frozen=True, eq=False):
    """The parts of a run.

    Attributes:
        emitter: Emits its events.
        policy: What it allows its calls.
        kernel_turn: Whose turn it is to use the kernel, among its cells.
        answers: The answers of its prompts, on their way into the kernel.
        catch_up: What the kernel lacked when the run was made.
        state: How far it is.
        items: Of prompts over items, which are asked for; see `RunOptions`.
        allowed_tools: The functions that models may call without asking.
        inbox: Of the thread that asked for the run and lends itself for code, if any.
    """

    emitter: RunEmitter
    policy: RunPolicy
    kernel_turn: asyncio.Lock
    answers: PendingAnswers
    catch_up: CatchUp
    state: RunState
    items: ItemChoice = None
    allowed_tools: set[str] = field(default_factory=set)
    inbox: Inbox | AsyncInbox | None = None

    @property
    def run_id(self) -> str:
        """The run's UUID."""
        return self.emitter.run_id

    def reruns(self, cell_id: str) -> bool:
        """Whether a cell only runs for what the kernel lacks, and gives the same as before."""
        return cell_id in self.catch_up.rerun

    @property
    def caller_has_left(self) -> bool:
        """Whether whoever lends their thread for code does so no more."""
        return self.inbox is not None and self.inbox.has_left

    def withdraw(self) -> None:
        """Take back what the caller's thread has not begun to run."""
        if self.inbox is not None:
            self.inbox.withdraw()
