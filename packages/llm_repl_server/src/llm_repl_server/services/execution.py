"""Running cells and notebooks, and looking at the state that they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

from msgspec import UNSET

from llm_repl_core import (
    CellCompleted,
    CellFailed,
    Event,
    Notebook,
    RunOptions,
    Value,
)
from llm_repl_core.ledger.record import Mode
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_server.services.events import Announcement, EventPublisher
from llm_repl_server.services.open_notebooks import OpenNotebook, OpenNotebooks
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.wire import outputs_on_wire, run_on_wire, status_of
from llm_repl_server.storage.changes import WriteRun
from llm_repl_server.storage.run_record import RunRecord

__all__ = ["Background", "ExecutionService", "Include"]

Include: TypeAlias = Literal["upstream", "downstream"]
"""Which cells run along with one: those that it needs, or those that need it."""

_STOPPED = "The run was stopped."


class Background:
    """A run that goes on by itself.

    Attributes:
        run: What was begun, as the wire shows it.
    """

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run


class ExecutionService:
    """What clients do with a notebook's kernel.

    Args:
        open_notebooks: The notebooks in memory.
        publisher: Who tells the clients.
        runs: Who knows the runs.
    """

    def __init__(
        self, open_notebooks: OpenNotebooks, publisher: EventPublisher, runs: RunRegistry
    ) -> None:
        self._open_notebooks = open_notebooks
        self._publisher = publisher
        self._runs = runs

    async def execute(
        self,
        notebook_id: str,
        cell_id: str,
        options: RunOptions,
        *,
        include: Include | None = None,
        in_background: bool = False,
    ) -> dict[str, Any] | Background:
        """Run a cell, after what was asked for before; returns when its outputs are on disk.

        Args:
            notebook_id: Which notebook.
            cell_id: Which cell.
            options: How the run is to go.
            include: Which other cells run, too.
            in_background: Whether to return when the run is on record.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cell_ids = _with(opened, cell_id, include)
        await opened.session.check_prices(opened.session.make_run(cell_ids, options))
        # The cell itself may be in its next run, or changed, by the time that this one is kept.
        endings: list[CellCompleted | CellFailed] = []

        def note(event: Event) -> None:
            if isinstance(event, CellCompleted | CellFailed) and event.cell_id == cell_id:
                endings.append(event)

        record, task = self._begin(
            opened, cell_ids, options, include or "cell", listener=note, kept=in_background
        )
        if in_background:
            return await _noted(opened, record)
        result = await task
        await opened.run_written()
        if endings and not opened.events.is_unwritten(cell_id):
            answer = _ran(cell_id, endings[0])
        else:
            answer = _as_it_is(opened.notebook, cell_id)
        if include is not None:
            answer["cell_ids"] = list(record.cell_ids)
            if result.error is not None and result.cell_id != cell_id:
                answer |= {"error": result.error, "failed_cell_id": result.cell_id}
        return answer

    async def execute_all(
        self, notebook_id: str, options: RunOptions, *, in_background: bool = False
    ) -> dict[str, Any] | Background:
        """Run all cells in order; returns when their outputs are on disk.

        Raises:
            NotebookNotFound: There is no such notebook.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        opened = await self._open_notebooks.get(notebook_id)
        await opened.session.check_prices(opened.session.make_run(None, options))
        record, task = self._begin(opened, None, options, "notebook", kept=in_background)
        if in_background:
            return await _noted(opened, record)
        result = await task
        await opened.run_written()
        return self._whole(record.id, result)

    async def execute_stale(
        self, notebook_id: str, options: RunOptions, *, in_background: bool = False
    ) -> dict[str, Any] | Background:
        """Run the cells that would give something else now, and what they need above.

        Returns when that is on disk.

        Raises:
            NotebookNotFound: There is no such notebook.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        opened = await self._open_notebooks.get(notebook_id)
        await opened.session.check_prices(opened.session.make_stale_run(options))
        run, task = opened.session.start_stale(options)
        record = self._note(
            opened, run.id, run.cell_ids, options, "stale", task, kept=in_background
        )
        if in_background:
            return await _noted(opened, record)
        result = await task
        await opened.run_written()
        return self._whole(run.id, result) | {"cell_ids": list(run.cell_ids)}

    async def interrupt(self, notebook_id: str, cell_id: str | None = None) -> None:
        """Stop what runs and what waits; returns when it has stopped.

        Args:
            notebook_id: Which notebook.
            cell_id: Stop this cell only: where it runs, also when it was deleted meanwhile, and
                where a run of it alone waits.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.existing_session
        stopped = False
        if session is not None and cell_id is None:
            await session.interrupt()
        elif session is not None and cell_id is not None:
            for run_id in self._runs.waiting_for(cell_id, notebook_id):
                opened.events.stop_waiting(run_id)
            stopped = await session.interrupt(cell_id=cell_id)
        if cell_id is not None and not stopped:
            _ = opened.notebook[cell_id]  # one that was deleted while it ran can be stopped as well
        await opened.run_written()

    async def restart(self, notebook_id: str) -> None:
        """Stop what runs and begin again with an empty kernel.

        Raises:
            NotebookNotFound: There is no such notebook.
            KernelStartFailed: None can be started.
        """
        opened = await self._open_notebooks.get(notebook_id)
        await opened.session.restart()
        opened.last_snapshot = {}
        self._publisher.announce(
            Announcement("kernel_restarted", notebook_id, {"notebook_id": notebook_id})
        )

    async def state(self, notebook_id: str) -> dict[str, Any]:
        """The variables. While something runs: as they were when they were last looked at.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.existing_session
        if session is None or not (session.kernel.alive or session.busy):
            return {"state": dict(opened.notebook.memory), "busy": False}
        snapshot = await session.snapshot()
        if snapshot is not None:
            opened.last_snapshot = snapshot
        return {
            "state": {name: _json_or_text(value) for name, value in opened.last_snapshot.items()},
            "busy": snapshot is None,
        }

    def _begin(
        self,
        opened: OpenNotebook,
        cell_ids: Sequence[str] | None,
        options: RunOptions,
        kind: str,
        *,
        kept: bool,
        listener: Any = None,
    ) -> tuple[RunRecord, asyncio.Task[RunResult]]:
        """Queue a run, and take it into the list of runs."""
        run_id, task = opened.session.start(cell_ids, options, listener=listener)
        chosen = opened.session.choose_cells(cell_ids)
        return self._note(opened, run_id, chosen, options, kind, task, kept=kept), task

    def _note(
        self,
        opened: OpenNotebook,
        run_id: str,
        cell_ids: tuple[str, ...],
        options: RunOptions,
        kind: str,
        task: asyncio.Task[RunResult],
        *,
        kept: bool,
    ) -> RunRecord:
        """Take a run that was queued into the list of runs.

        One that runs a single cell while its client waits is not kept in the database: it would
        cost two more writes, and all that it leaves is the cell.
        """
        notebook = opened.notebook
        record = RunRecord(
            id=run_id,
            notebook_id=notebook.id,
            kind=kind,
            cell_ids=cell_ids,
            mode=_mode(notebook, options),
            total=len(cell_ids),
            created_at=datetime.now(UTC),
        )
        record = self._runs.begin(record, kept=kept or len(cell_ids) > 1)
        # Every run has its ending; where the engine itself is closed, this is it.
        task.add_done_callback(lambda _: self._runs.end(run_id, "interrupted", _STOPPED))
        return record

    def _whole(self, run_id: str, result: RunResult) -> dict[str, Any]:
        error, cell_id = result.error, result.cell_id
        record = self._runs.find(run_id)
        if error is None and record is not None:
            error, cell_id = record.error, record.cell_id  # what it did could not be written
        if error is None:
            return {"success": True}
        return {"success": False, "error": error, "cell_id": cell_id}


def _with(opened: OpenNotebook, cell_id: str, include: Include | None) -> list[str]:
    """The cells of a run, in document order."""
    if include == "upstream":
        return [*opened.dependencies.upstream(cell_id), cell_id]
    if include == "downstream":
        return [cell_id, *opened.dependencies.downstream(cell_id)]
    return [cell_id]


async def _noted(opened: OpenNotebook, record: RunRecord) -> Background:
    """A run in the background, once its record is on disk."""
    opened.write(WriteRun(record))
    await opened.written()
    return Background(run_on_wire(record))


def _mode(notebook: Notebook, options: RunOptions) -> Mode:
    noted = options.mode or notebook.preference("mode")
    return next((mode for mode in get_args(Mode) if mode == noted), "live")


def _ran(cell_id: str, ending: CellCompleted | CellFailed) -> dict[str, Any]:
    return {
        "id": cell_id,
        "cell_id": cell_id,
        "outputs": outputs_on_wire(ending.outputs),
        "status": status_of(ending),
        "execution_count": ending.execution_count,
    }


def _as_it_is(notebook: Notebook, cell_id: str) -> dict[str, Any]:
    """What is answered for a run that was stopped before its turn, or could not be written."""
    cell = notebook[cell_id]
    return {
        "id": cell_id,
        "cell_id": cell_id,
        "outputs": outputs_on_wire(cell.outputs),
        "status": cell.status,
        "execution_count": cell.execution_count,
    }


def _json_or_text(value: Value) -> Any:
    return value.text if value.json is UNSET else value.json
