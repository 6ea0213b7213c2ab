"""In which order the cells of a run have the kernel: that of the document.

Code, memory and markdown cells run one at a time. A prompt reads the state at its place and the
order goes on without waiting for its answer, so what is sent is what running from top to bottom
sends. A cell that uses an answer, or may use any, waits for it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from llm_repl_core.dataflow.effects import LAST_ANSWER
from llm_repl_core.engine.plan import Plan, PlannedCell

__all__ = ["Schedule", "Start", "TurnOutcome"]

_PENDING_LIMIT = 256
"""How many prompts may wait for their answers at once."""


class TurnOutcome(Struct, frozen=True):
    """How the turn of a cell went.

    Attributes:
        ok: Whether its answer can be used: it ran, and well.
        halts: Whether nothing further down is to be started.
    """

    ok: bool
    halts: bool


Start: TypeAlias = Callable[
    [PlannedCell, Callable[[], None], Sequence[PlannedCell]], Awaitable[TurnOutcome]
]
"""Runs a cell: given what to call when it has read the state, and the prompts that it depends on
and that failed. It decides itself whether the cell still is to be run."""


class Ahead(Protocol):
    """Who sends prompts ahead while the order waits; see `llm_repl_core.engine.look_ahead`."""

    async def look(self, index: int) -> None:
        """The order waits before a cell, or that cell is about to run."""

    def reached(self, planned: PlannedCell) -> None:
        """The order has come to a cell."""

    def ended(self, planned: PlannedCell, *, ok: bool) -> None:
        """A cell has ended."""

    def halt(self) -> None:
        """The order ends here."""


class _Turn:
    """The turn of one cell, and how far it is."""

    def __init__(self, planned: PlannedCell, depends_on: Sequence[_Turn]) -> None:
        self.planned = planned
        self.depends_on = depends_on
        self.placed = asyncio.Event()
        self.ended = asyncio.Event()
        self.ok = False


class Schedule:
    """Runs the cells of one run.

    Args:
        plan: The cells.
        start: Runs a cell.
        ahead: Sends prompts ahead.
        settled: Waits until the kernel has what is on its way to it.
        parallel: Whether the order goes on while prompts wait for their answers; else each cell
            ends before the next begins.
        note_waiting: Called where the order waits before a cell, with the prompts that it waits for.
        note_deleted: Called with the id of a cell that is not there any more when its turn comes.
    """

    def __init__(
        self,
        plan: Plan,
        start: Start,
        ahead: Ahead,
        settled: Callable[[], Awaitable[None]],
        *,
        parallel: bool = True,
        note_waiting: Callable[[PlannedCell, Sequence[PlannedCell]], None] = lambda _cell, _for: (
            None
        ),
        note_deleted: Callable[[str], None] = lambda _cell_id: None,
    ) -> None:
        self._note_waiting = note_waiting
        self._note_deleted = note_deleted
        self._plan = plan
        self._start = start
        self._ahead = ahead
        self._settled = settled
        self._parallel = parallel
        self._halted_at = sys.maxsize
        """From which index on nothing more is started."""
        self._turns: dict[str, _Turn] = {}
        self._pending: dict[str, _Turn] = {}
        """The prompts that have not ended, in document order."""
        self._answers: dict[str, _Turn] = {}
        """By variable: the prompt whose answer it has for the cells further down."""
        self._last_prompt: _Turn | None = None

    def halt(self) -> None:
        """Start nothing more."""
        self._halted_at = 0
        self._ahead.halt()

    async def run(self) -> None:
        """Run the cells; returns when all that were started have ended."""
        try:
            async with asyncio.TaskGroup() as group:
                for index in range(len(self._plan)):
                    if index >= self._halted_at:
                        break
                    await self._come_to(index, group)
        except BaseExceptionGroup as failures:
            # Only a defect of the engine, or a plugin's `sys.exit()`, gets here.
            raise failures.exceptions[0] from None

    async def _come_to(self, index: int, group: asyncio.TaskGroup) -> None:
        """Have a cell run, or of a prompt read the state, when what it needs is there."""
        planned = self._plan.at(index)
        while planned is not None and (waits_for := self._waits_for(planned)):
            await self._ahead.look(index)
            self._note_waiting(planned, [turn.planned for turn in waits_for])
            for turn in waits_for:
                await turn.ended.wait()
            if index >= self._halted_at:
                return
            planned = self._plan.at(index)  # it may have been edited meanwhile
        if planned is None:
            self._note_deleted(self._plan.cell_ids[index])
            return
        await self._settled()
        turn = self._note(planned)
        self._ahead.reached(planned)
        if not planned.is_prompt:
            await self._ahead.look(index)
            await self._take(turn)
            return
        self._pending[planned.cell_id] = turn
        group.create_task(self._take(turn))
        await turn.placed.wait()
        if not self._parallel or planned.holds_order:
            await self._ahead.look(index + 1)
            await turn.ended.wait()

    def _waits_for(self, planned: PlannedCell) -> list[_Turn]:
        """The prompts that must have ended before a cell can begin."""
        pending = list(self._pending.values())
        if not pending:
            return []
        names = planned.names
        if (
            planned.effects.sees_all is not None
            or planned.needs_all
            or planned.is_unset
            or LAST_ANSWER in names
        ):
            return pending
        found = [
            turn
            for turn in pending
            if turn.planned.variable in names or turn.planned.cell_id in planned.needs
        ]
        return found or (pending[:1] if len(pending) >= _PENDING_LIMIT else [])

    def _note(self, planned: PlannedCell) -> _Turn:
        turn = _Turn(planned, self._dependencies(planned))
        self._turns[planned.cell_id] = turn
        for name in planned.effects.writes:
            self._answers.pop(name, None)
        if planned.is_prompt:
            self._last_prompt = turn
            if planned.variable is not None:
                self._answers[planned.variable] = turn
        return turn

    def _dependencies(self, planned: PlannedCell) -> list[_Turn]:
        """The prompts whose answers a cell uses, and the cells that it is sent with."""
        reads = planned.effects.reads
        found = [self._answers.get(name) for name in reads]
        if LAST_ANSWER in reads:
            found.append(self._last_prompt)
        found += [self._turns.get(cell_id) for cell_id in planned.needs]
        if planned.needs_all:
            found += [turn for turn in self._turns.values() if turn.planned.is_prompt]
        return [turn for turn in dict.fromkeys(found) if turn is not None]

    async def _take(self, turn: _Turn) -> None:
        planned = turn.planned
        try:
            failed = [other.planned for other in turn.depends_on if not other.ok]
            outcome = await self._start(planned, turn.placed.set, failed)
            turn.ok = outcome.ok
            if outcome.halts:
                self._halted_at = min(self._halted_at, planned.index + 1)
                self._ahead.halt()
        finally:
            turn.placed.set()
            self._pending.pop(planned.cell_id, None)
            self._ahead.ended(planned, ok=turn.ok)
            turn.ended.set()
