"""Running cells and notebooks, and looking at the state that they leave."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import UNSET

from llm_repl_core import RunOptions, Value
from llm_repl_core.engine.forecast import RunForecast
from llm_repl_core.engine.notebook_preferences import noted_mode
from llm_repl_core.engine.run import Run
from llm_repl_core.execution.events import RUN_STOPPED
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_server.services.cell_choices import CellChoice
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.finished_run import FinishedRun
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.run_answers import RunAnswer, StateAnswer, run_answer
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.wire_events import KernelRestarted
from llm_repl_server.storage.changes import WriteRun
from llm_repl_server.storage.run_record import RunRecord

__all__ = ["ExecutionService"]

Answer = TypeVar("Answer")


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
        choice: CellChoice[Answer],
        options: RunOptions,
        *,
        in_background: bool = False,
    ) -> FinishedRun[Answer] | RunAnswer:
        """Run cells, after what was asked for before; returns when they have run.

        Args:
            notebook_id: Which notebook.
            choice: Which cells.
            options: How the run is to go.
            in_background: Whether to return when the run is on record.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.session
        run = choice.make_run(opened, options)
        if run.asked_cell_ids:
            await session.check_prices(run)
            run = choice.make_run(opened, options)  # cells may have changed meanwhile
        has_to_wait = session.busy
        task = session.queue(run)
        record = self._register(opened, run, choice.kind, task, in_background=in_background)
        if has_to_wait:
            opened.events.publish_queued(record)
        if in_background:
            opened.writer.write(WriteRun(record))
            await opened.writer.written()
            return run_answer(record)
        return FinishedRun(opened, choice, run, await task, self._runs)

    async def plan(
        self, notebook_id: str, choice: CellChoice[Any], options: RunOptions
    ) -> RunForecast:
        """What running cells would do and cost; nothing is sent, run or changed.

        Args:
            notebook_id: Which notebook.
            choice: Which cells.
            options: How the run would go.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        opened = await self._open_notebooks.get(notebook_id)
        return await opened.session.forecast(choice.make_run(opened, options))

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
                opened.stop_queued(run_id)
            stopped = await session.interrupt(cell_id=cell_id)
        if cell_id is not None and not stopped:
            _ = opened.notebook[cell_id]  # one that was deleted while it ran can be stopped as well
        await opened.writer.run_written()

    async def restart(self, notebook_id: str) -> None:
        """Stop what runs and begin again with an empty kernel.

        Raises:
            NotebookNotFound: There is no such notebook.
            KernelStartFailed: None can be started.
        """
        opened = await self._open_notebooks.get(notebook_id)
        await opened.session.restart()
        opened.forget_state()
        self._publisher.publish(KernelRestarted(notebook_id=notebook_id))

    async def state(self, notebook_id: str) -> StateAnswer:
        """The variables. While something runs: as they were when they were last looked at.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.existing_session
        if session is None or not (session.kernel.alive or session.busy):
            return StateAnswer(state=dict(opened.notebook.memory), busy=False)
        snapshot = await session.snapshot()
        if snapshot is not None:
            opened.last_snapshot = snapshot
        return StateAnswer(
            state={name: _json_or_text(value) for name, value in opened.last_snapshot.items()},
            busy=snapshot is None,
        )

    def _register(
        self,
        opened: OpenNotebook,
        run: Run,
        kind: str,
        task: asyncio.Task[RunResult],
        *,
        in_background: bool,
    ) -> RunRecord:
        """Take a run that was queued into the list of runs.

        One that runs a single cell while its client waits is not kept in the database: it would
        cost two more writes, and all that it leaves is the cell.
        """
        record = RunRecord(
            id=run.id,
            notebook_id=opened.notebook.id,
            kind=kind,
            cell_ids=run.cell_ids,
            mode=noted_mode(opened.notebook.own_metadata, run.options.mode),
            total=len(run.cell_ids),
            created_at=datetime.now(UTC),
        )
        record = self._runs.begin(record, kept=in_background or len(run.cell_ids) > 1)
        # Every run has its ending; where the engine itself is closed, this is it.
        task.add_done_callback(lambda _: self._runs.end(run.id, "interrupted", RUN_STOPPED))
        return record


def _json_or_text(value: Value) -> Any:
    return value.text if value.json is UNSET else value.json
