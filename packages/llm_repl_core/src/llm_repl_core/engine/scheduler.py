"""Which cell of a run may start when: prompts are futures, and everything else is in order.

Code, memory and markdown cells run one at a time, in document order. A prompt starts as soon as
nothing above it that has not run could change what its template shows, and what is below it waits
only for what it really needs. So every interleaving leaves what running from top to bottom leaves.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

from llm_repl_core.dataflow.effects import LAST_ANSWER
from llm_repl_core.dataflow.hazards import Closed, must_follow

__all__ = ["Outcome", "Planned", "Schedule", "Start"]

_LOOKAHEAD = 256
"""How many cells may wait to start; what is further down is not looked at yet."""


class Outcome(Struct, frozen=True):
    """How the turn of a cell went.

    Attributes:
        ok: Whether its answer can be used: it ran, and well.
        halts: Whether nothing further down is to be started. What stands above still is, as in
            document order it would have run before.
    """

    ok: bool
    halts: bool


class Planned(Struct, frozen=True, kw_only=True):
    """A cell of a run, and what is known of it.

    Attributes:
        cell_id: Which cell.
        content: Its content when it was planned.
        place: Where it stands among the cells of the run, from 0.
        is_prompt: Whether it is a future: it shares the kernel, and its answer comes later.
        effects: What it does to the names of the notebook.
        variable: The variable of its answer, where it is a prompt.
        needs: Cells whose outputs it is sent with, so that they must have ended.
        needs_all: Whether that is all cells above it.
        later: What it still does to the names when its answer is there: a class of the state
            checks it then; None: nothing.
    """

    cell_id: str
    content: str
    place: int
    is_prompt: bool
    effects: Closed
    variable: str | None = None
    needs: frozenset[str] = frozenset()
    needs_all: bool = False
    later: Closed | None = None


Start: TypeAlias = Callable[[Planned, Callable[[], None], Sequence[Planned]], Awaitable[Outcome]]
"""Runs a cell: given what to call when it has read the state, and the prompts that it depends on
and that failed. It decides itself whether the cell still is to be run."""


class _Turn:
    """The turn of one cell: what it waits for, and how far it is."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.placed = asyncio.Event()
        self.ended = asyncio.Event()
        self.ok = False
        self.waits_for: list[asyncio.Event] = []
        self.depends_on: list[_Turn] = []


class Schedule:
    """Starts the cells of one run.

    Args:
        start: Runs a cell.
        is_current: Whether a cell still is what it was when it was planned; one that was edited
            since waits for all that is above it.
        parallel: Whether cells run at the same time; else each ends before the next begins.
    """

    def __init__(
        self, start: Start, is_current: Callable[[Planned], bool], *, parallel: bool = True
    ) -> None:
        self._start = start
        self._is_current = is_current
        self._parallel = parallel
        self._halted_at = sys.maxsize
        """From which place on nothing more is started."""
        self._waiting = asyncio.Semaphore(_LOOKAHEAD)
        self._turns: dict[str, _Turn] = {}
        self._open: dict[str, _Turn] = {}
        """The cells that have not ended, in document order, as are the next."""
        self._holding: dict[str, _Turn] = {}
        """Those that others may have to stay behind: they may still read or change the state."""
        self._last_in_order: _Turn | None = None
        """The last cell that is no prompt."""
        self._last_prompt: _Turn | None = None
        self._last: _Turn | None = None
        self._answering: dict[str, dict[str, _Turn]] = {}
        """By variable: the prompts that have not ended and may still set it, by cell."""
        self._answers: dict[str, _Turn] = {}
        """By variable: the prompt whose answer it has for the cells further down."""

    def halt(self) -> None:
        """Start nothing more."""
        self._halted_at = 0

    async def run(self, cells: Iterable[Planned]) -> None:
        """Run the cells; returns when all that were started have ended.

        Args:
            cells: In document order.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for planned in cells:
                    await self._waiting.acquire()
                    if planned.place >= self._halted_at:
                        break
                    turn = self._plan(planned)
                    group.create_task(self._take(turn))
                    if not turn.waits_for:
                        await asyncio.sleep(0)  # it starts before the next is looked at
        except BaseExceptionGroup as failures:
            # Only a defect of the engine, or a plugin's `sys.exit()`, gets here.
            raise failures.exceptions[0] from None

    def _plan(self, planned: Planned) -> _Turn:
        turn = _Turn(planned)
        turn.depends_on = self._dependencies(planned)
        stages = [other.ended for other in turn.depends_on]
        if not self._parallel:
            stages += [] if self._last is None else [self._last.ended]
        elif planned.effects.barrier is not None or planned.needs_all:
            stages += [other.ended for other in self._open.values()]
        else:
            stages += self._overwritten(planned)
            stages += self._hazards(planned)
        turn.waits_for = [stage for stage in dict.fromkeys(stages) if not stage.is_set()]
        self._turns[planned.cell_id] = turn
        self._open[planned.cell_id] = turn
        self._holding[planned.cell_id] = turn
        self._last = turn
        if planned.is_prompt:
            self._last_prompt = turn
            if planned.variable is not None:
                self._answers[planned.variable] = turn
                self._answering.setdefault(planned.variable, {})[planned.cell_id] = turn
        else:
            self._last_in_order = turn
            for name in planned.effects.writes:
                self._answers.pop(name, None)
        return turn

    def _dependencies(self, planned: Planned) -> list[_Turn]:
        """The prompts whose answers a cell uses, and the cells that it is sent with."""
        reads = planned.effects.reads
        if planned.later is not None:
            reads |= planned.later.reads
        found = [self._answers.get(name) for name in reads]
        if LAST_ANSWER in reads:
            found.append(self._last_prompt)
        found += [self._turns.get(cell_id) for cell_id in planned.needs]
        if planned.needs_all:
            found += [turn for turn in self._turns.values() if turn.planned.is_prompt]
        return [turn for turn in dict.fromkeys(found) if turn is not None]

    def _overwritten(self, planned: Planned) -> list[asyncio.Event]:
        """The prompts whose variable a cell sets when it runs: theirs must come first.

        All of them, as the lowest may fail. Of two prompts with one variable the lower wins,
        whichever is answered first, but what a template itself sets is set at its place.
        """
        writes = planned.effects.writes
        if planned.is_prompt:
            writes -= {planned.variable, LAST_ANSWER}
        if LAST_ANSWER in writes:
            return [turn.ended for turn in self._open.values() if turn.planned.is_prompt]
        return [turn.ended for name in writes for turn in self._answering.get(name, {}).values()]

    def _hazards(self, planned: Planned) -> list[asyncio.Event]:
        """What must have happened above, so that the cell sees, and leaves, the right state."""
        stages: list[asyncio.Event] = []
        if not planned.is_prompt and self._last_in_order is not None:
            stages.append(self._last_in_order.ended)
        in_order = False
        for other in reversed(self._holding.values()):
            above = other.planned
            if above.effects.barrier is not None:
                stages.append(other.ended)
                break  # it waited for all that is above it
            if above.is_prompt:
                if _conflicts_later(planned, above):
                    stages.append(other.ended)
                elif not other.placed.is_set() and _conflict(planned, above):
                    stages.append(other.placed)
            elif planned.is_prompt and not in_order and _conflict(planned, above):
                stages.append(other.ended)
                in_order = True  # those further up end before it
        return stages

    async def _take(self, turn: _Turn) -> None:
        planned = turn.planned
        try:
            try:
                for stage in turn.waits_for:
                    await stage.wait()
            finally:
                self._waiting.release()
            if not self._is_current(planned):
                for above in [
                    one for one in self._open.values() if one.planned.place < planned.place
                ]:
                    await above.ended.wait()
            if planned.place >= self._halted_at:
                return
            failed = [other.planned for other in turn.depends_on if not other.ok]
            outcome = await self._start(planned, lambda: self._place(turn), failed)
            turn.ok = outcome.ok
            if outcome.halts:
                self._halted_at = min(self._halted_at, planned.place + 1)
        finally:
            turn.placed.set()
            turn.ended.set()
            self._open.pop(planned.cell_id, None)
            self._holding.pop(planned.cell_id, None)
            if planned.variable is not None:
                self._answering[planned.variable].pop(planned.cell_id, None)

    def _place(self, turn: _Turn) -> None:
        turn.placed.set()
        planned = turn.planned
        if planned.is_prompt and planned.effects.barrier is None and planned.later is None:
            self._holding.pop(planned.cell_id, None)


def _conflict(later: Planned, earlier: Planned) -> bool:
    if must_follow(later.effects, earlier.effects):
        return True
    if later.later is not None and must_follow(later.later, earlier.effects):
        return True
    # Else the answer would be set as `_` before the cell above has looked at it, or set it.
    last = LAST_ANSWER
    return (
        later.is_prompt
        and last in later.effects.writes
        and (
            last in earlier.effects.reads
            or (last in earlier.effects.writes and not earlier.is_prompt)
        )
    )


def _conflicts_later(later: Planned, earlier: Planned) -> bool:
    """Whether a cell must wait until a prompt above it has its answer checked, and set."""
    if earlier.later is None:
        return False
    return must_follow(later.effects, earlier.later) or (
        later.later is not None and must_follow(later.later, earlier.later)
    )
