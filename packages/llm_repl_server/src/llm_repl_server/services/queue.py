"""What is still to run of a notebook: in which place, and what it waits for."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from llm_repl_core import NotFound
from llm_repl_core.engine.waiting import WAITING_LIMIT, WaitingCell
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.wire_events import CellNeed

__all__ = ["QueueAnswer", "QueueService", "RemovedCell"]


class QueuedCell(Struct, frozen=True, kw_only=True):
    """A cell that is still to run."""

    cell_id: str
    run_id: str
    place: Annotated[int, Meta(ge=1, description="Its place among all that wait, from 1.")]
    state: Annotated[
        Literal["queued", "waiting"],
        Meta(
            description="`waiting`: cells that it needs have not ended; `queued`: it is just not its turn."
        ),
    ]
    needs: Annotated[
        list[CellNeed], Meta(description="The unfinished cells that it needs directly.")
    ]


class QueueAnswer(Struct, frozen=True, kw_only=True):
    """The cells of a notebook that are still to run, in order."""

    cells: list[QueuedCell]
    limited: Annotated[
        bool, Meta(description=f"Whether there are more: at most {WAITING_LIMIT} are listed.")
    ]


class RemovedCell(Struct, frozen=True, kw_only=True):
    """A cell that was taken out of the runs that had not come to it."""

    cell_id: str
    run_ids: Annotated[list[str], Meta(description="These runs; they go on without it.")]
    dependents: Annotated[
        list[str],
        Meta(
            description="Cells that need it and are still to run: they use the values that its "
            "variables have from before."
        ),
    ]


class QueueService:
    """What clients do with what waits.

    Args:
        open_notebooks: The notebooks in memory.
        runs: Who knows the runs.
    """

    def __init__(self, open_notebooks: OpenNotebooks, runs: RunRegistry) -> None:
        self._open_notebooks = open_notebooks
        self._runs = runs

    async def show(self, notebook_id: str) -> QueueAnswer:
        """The cells that are still to run, and what each waits for.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.existing_session
        waiting = [] if session is None else session.waiting()
        return QueueAnswer(
            cells=[_queued(cell) for cell in waiting],
            limited=len(waiting) >= WAITING_LIMIT,
        )

    async def remove(self, notebook_id: str, cell_id: str) -> RemovedCell:
        """Take a cell out of what waits; what runs goes on.

        Raises:
            NotebookNotFound: There is no such notebook.
            NotFound: The cell does not wait: it has begun, has ended, or was not asked for.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.existing_session
        run_ids: list[str] = []
        dependents: list[str] = []
        if session is not None:
            for run_id in self._runs.waiting_for(cell_id, notebook_id):
                opened.stop_queued(run_id)
                run_ids.append(run_id)
            run_ids += session.remove_cell(cell_id)
        if session is None or not run_ids:
            raise NotFound(
                f"The cell `{cell_id}` does not wait: it has begun or ended, or no run has it."
            )
        waiting = {cell.cell_id for cell in session.waiting()}
        if cell_id in opened.notebook:
            dependents = [
                each for each in opened.dependencies.downstream(cell_id) if each in waiting
            ]
        return RemovedCell(cell_id=cell_id, run_ids=run_ids, dependents=dependents)


def _queued(cell: WaitingCell) -> QueuedCell:
    return QueuedCell(
        cell_id=cell.cell_id,
        run_id=cell.run_id,
        place=cell.place,
        state="waiting" if cell.needs else "queued",
        needs=[CellNeed(cell_id=need.cell_id, variable=need.variable) for need in cell.needs],
    )
