"""The cells that a session has still to run: in which place, and what each waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from llm_repl_core.dataflow.graph import Edge
from llm_repl_core.execution.events import CellNeed

__all__ = ["WAITING_LIMIT", "RunOutlook", "WaitingCell", "waiting_cells"]

WAITING_LIMIT = 1000
"""How many cells are told of at most."""


class RunOutlook(Protocol):
    """A run, as far as what it still has to do."""

    @property
    def id(self) -> str:
        """The run's UUID."""

    @property
    def to_come(self) -> Sequence[str]:
        """The cells that it has not come to, in order."""

    @property
    def under_way(self) -> Sequence[str]:
        """The cells that it has begun, and that have not ended."""


class WaitingCell(Struct, frozen=True, kw_only=True):
    """A cell that is to run.

    Attributes:
        cell_id: Which cell.
        run_id: In which run.
        place: Its place among all that wait, from 1.
        needs: The cells of the run that have to end before it, directly.
    """

    cell_id: str
    run_id: str
    place: int
    needs: tuple[CellNeed, ...] = ()


def waiting_cells(runs: Iterable[RunOutlook], edges: Iterable[Edge]) -> list[WaitingCell]:
    """What waits, in the order in which it is to run.

    Args:
        runs: In the order in which they were asked for.
        edges: What the cells of the notebook need.
    """
    above: dict[str, list[Edge]] = {}
    for edge in edges:
        above.setdefault(edge.target, []).append(edge)
    waiting: list[WaitingCell] = []
    for run in runs:
        unfinished = {*run.to_come, *run.under_way}
        for cell_id in run.to_come:
            needs = (
                CellNeed(cell_id=edge.source, variable=edge.variable)
                for edge in above.get(cell_id, ())
                if edge.source in unfinished
            )
            waiting.append(
                WaitingCell(
                    cell_id=cell_id,
                    run_id=run.id,
                    place=len(waiting) + 1,
                    needs=tuple(dict.fromkeys(needs)),
                )
            )
            if len(waiting) >= WAITING_LIMIT:
                return waiting
    return waiting
