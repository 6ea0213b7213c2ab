"""What the engine says of a notebook's runs: written down, and told to the clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

from llm_repl_core import (
    CallQueued,
    CallSent,
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellReasoning,
    CellRemoved,
    CellRetried,
    CellsStale,
    CellStarted,
    CellSuperseded,
    CellText,
    CellWaiting,
    Event,
    ItemsProgress,
    ItemsStarted,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunStarted,
    StaleReason,
    StaleReasonsChanged,
    ToolApprovalNeeded,
)
from llm_repl_core.engine.dependencies import MarkedCells
from llm_repl_core.execution.events import (
    REASONS_TOLD,
    CandidateEnded,
    CandidateRetried,
    CandidateText,
)
from llm_repl_server.services import wire_events as wire
from llm_repl_server.services.answers import cell_answer
from llm_repl_server.services.cell_writer import CellWriter
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.services.engine_events import PublishedEvent, to_wire
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.items_under_way import ItemsUnderWay
from llm_repl_server.services.notebook_writer import NotebookWriter
from llm_repl_server.services.partial_answers import PartialAnswers
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.throttles import LatestThrottle, OutputEvent, OutputThrottle
from llm_repl_server.services.under_way import RunningCell
from llm_repl_server.storage.changes import MarkStale, WriteRun
from llm_repl_server.storage.run_record import RunRecord, RunState

__all__ = ["RunEvents"]

_UPDATED_AFTER_S = 0.5
"""How long a cell that others update is not written anew."""


class RunEvents:
    """Listens to the session of one notebook, in the engine's loop.

    Args:
        writer: The notebook's way to the disk.
        publisher: Who tells the clients.
        runs: Who knows the runs.

    Attributes:
        partial_answers: What has come of answers that are under way.
        items_under_way: How far prompts over items are.
    """

    def __init__(
        self, writer: NotebookWriter, publisher: EventPublisher, runs: RunRegistry
    ) -> None:
        self._writer = writer
        self._cells = CellWriter(writer, runs)
        self._publisher = publisher
        self._runs = runs
        self.partial_answers = PartialAnswers()
        self.items_under_way = ItemsUnderWay()
        self._whole_runs: set[str] = set()
        self._progress: dict[str, LatestThrottle[RunProgress]] = {}
        self._stale_before: dict[str, set[str]] = {}
        """By run of several cells: which of them were stale when it began."""
        self._running_cells: dict[str, RunningCell] = {}
        self.ran_cell_ids: set[str] = set()
        """Of the cells, those that have begun to run since the notebook was read."""
        self._waiting_cells: dict[str, dict[str, None]] = {}
        """By run: its cells that have not begun, in order."""
        self._outputs: dict[str, OutputThrottle] = {}
        self._updated: set[str] = set()
        """Cells that do not run, of which a running one has updated outputs."""
        self._updated_timer: asyncio.TimerHandle | None = None
        self._last_writes: dict[str, Future[None]] = {}
        """By run: the write of the cell that ended last."""

    def on_event(self, event: Event) -> None:
        """Take an event of the engine; one of a kind that is not known is passed over."""
        match event:
            case RunStarted():
                self._run_started(event)
            case RunProgress():
                self._run_progress(event)
            case RunCompleted() | RunFailed():
                self._run_ended(event)
            case CellStarted():
                self.partial_answers.note(event)
                self.items_under_way.note(event)
                self._cell_started(event)
            case CellOutput() | CellOutputUpdated() | CellOutputsCleared():
                self._outputs_changed(event)
            case CellText() | CellReasoning() | CellRetried():
                self.partial_answers.note(event)
                self._publish(event)
            case ItemsStarted() | ItemsProgress():
                self.items_under_way.note(event)
                self._publish(event)
            case (
                CallQueued()
                | CallSent()
                | CandidateEnded()
                | CandidateRetried()
                | CandidateText()
                | CellRemoved()
                | CellSuperseded()
                | CellWaiting()
                | ToolApprovalNeeded()
            ):
                self._publish(event)
            case CellCompleted() | CellFailed():
                self.partial_answers.note(event)
                self.items_under_way.note(event)
                self._cell_ended(event)
            case CellsStale():
                self._write_stale(event, MarkedCells(stale=event.cell_ids))
            case StaleReasonsChanged():
                self._write_stale(event, MarkedCells(known=event.cell_ids))

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be told or written."""
        return not (self._outputs or self._progress or self._updated or self._last_writes)

    def running_cells(self) -> list[RunningCell]:
        """The cells that run."""
        return list(self._running_cells.values())

    def waiting_cells(self) -> Mapping[str, Iterable[str]]:
        """By run that has got its turn: its cells that have not begun, in order."""
        return self._waiting_cells

    def flush(self) -> None:
        """Tell what waits to be told together with more: then nothing is known that was not told."""
        for throttle in self._outputs.values():
            throttle.flush()

    def publish_stale(self, marked: MarkedCells) -> None:
        """Tell that cells are stale since something was edited, when that is on disk."""
        self._publish_stale(None, marked, self._writer.last_write)

    def publish_queued(self, record: RunRecord) -> None:
        """Tell that a run waits for its turn."""
        self._publisher.publish(
            wire.RunQueued(
                notebook_id=record.notebook_id,
                run_id=record.id,
                cell_ids=list(record.cell_ids),
                total=record.total,
                mode=record.mode,
            )
        )

    # Runs ------------------------------------------------------------------------------------

    def _run_started(self, event: RunStarted) -> None:
        record = self._runs.start(event.run_id)
        if record is not None and self._runs.is_kept(event.run_id):
            self._write_run(record)
        cell_ids = event.cell_ids
        self._waiting_cells[event.run_id] = dict.fromkeys(cell_ids)
        if len(cell_ids) > 1:
            self._stale_before[event.run_id] = self._stale_among(cell_ids)
        self._publisher.publish(
            wire.RunStarted(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_ids=list(cell_ids),
                total=len(cell_ids),
                mode=None if record is None else record.mode,
            )
        )
        if event.whole_notebook:
            self._whole_runs.add(event.run_id)
            self._publisher.publish(
                wire.NotebookExecutionStarted(
                    notebook_id=event.notebook_id,
                    run_id=event.run_id,
                )
            )

    def _run_progress(self, event: RunProgress) -> None:
        self._runs.progress(event.run_id, event.ended)
        throttle = self._progress.get(event.run_id)
        if throttle is None:
            throttle = self._progress[event.run_id] = LatestThrottle(self._publish)
        throttle.add(event)

    def _run_ended(self, event: RunCompleted | RunFailed) -> None:
        self._waiting_cells.pop(event.run_id, None)
        progress = self._progress.pop(event.run_id, None)
        if progress is not None:
            progress.flush()
        error: str | None = None
        cell_id: str | None = None
        not_run: tuple[str, ...] = ()
        state: RunState = "completed"
        if isinstance(event, RunFailed):
            error, cell_id, not_run = event.error, event.cell_id, event.not_run
            state = "interrupted" if event.interrupted else "failed"
        is_kept = self._runs.is_kept(event.run_id)
        record = self._runs.end(event.run_id, state, error, cell_id)
        after = self._last_writes.pop(event.run_id, None)
        if record is not None:
            error, cell_id = record.error, record.cell_id
            state = record.state
            after = self._write_run(record) if is_kept else after
        # What the run was to come to, and did not, the engine has not told to be stale.
        stale = self._stale_among(not_run) - self._stale_before.pop(event.run_id, set())
        if stale:
            told = tuple(cell_id for cell_id in not_run if cell_id in stale)
            self._write_stale(event, MarkedCells(stale=told))
        if event.run_id in self._whole_runs:
            self._whole_runs.remove(event.run_id)
            self._publish_notebook_ended(event, error, cell_id, after)
        assert state in ("completed", "failed", "interrupted")
        self._publisher.publish(
            wire.RunEnded(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                state=state,
                error=error,
                cell_id=cell_id,
                not_run=list(not_run),
            ),
            after,
        )
        if self._writer.file is not None:
            self._writer.file.write_soon()

    def _publish_notebook_ended(
        self, event: Event, error: str | None, cell_id: str | None, after: Future[None] | None
    ) -> None:
        ended: wire.WireEvent
        if error is None:
            ended = wire.NotebookExecutionCompleted(
                notebook_id=event.notebook_id, run_id=event.run_id
            )
        else:
            ended = wire.NotebookExecutionFailed(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                error=error,
                cell_id=cell_id,
            )
        self._publisher.publish(ended, after)

    def _write_run(self, record: RunRecord) -> Future[None] | None:
        return None if self._writer.deleted else self._writer.write(WriteRun(record), keep=True)

    # Cells -----------------------------------------------------------------------------------

    def _cell_started(self, event: CellStarted) -> None:
        self._waiting_cells.get(event.run_id, {}).pop(event.cell_id, None)
        self._running_cells[event.cell_id] = RunningCell(
            cell_id=event.cell_id,
            run_id=event.run_id,
            started_at=time_on_wire(datetime.now(UTC)),
        )
        self.ran_cell_ids.add(event.cell_id)
        self._publish(event)
        self._cells.begin(event.cell_id)

    def _outputs_changed(self, event: OutputEvent) -> None:
        if not self._cells.is_running(event.cell_id):
            self._note_updated(event.cell_id)
        if not self._publisher.has_clients():
            self._publisher.skip(event.notebook_id)
            return
        throttle = self._outputs.get(event.cell_id)
        if throttle is None:
            throttle = self._outputs[event.cell_id] = OutputThrottle(self._publish)
        throttle.add(event)

    def _note_updated(self, cell_id: str) -> None:
        """Write a cell soon that another one has updated: it has no ending that would do it."""
        self._updated.add(cell_id)
        if self._updated_timer is None:
            loop = asyncio.get_running_loop()
            self._updated_timer = loop.call_later(_UPDATED_AFTER_S, self._write_updated)

    def _write_updated(self) -> None:
        if self._updated_timer is not None:
            self._updated_timer.cancel()
            self._updated_timer = None
        updated, self._updated = self._updated, set()
        for cell_id in updated:
            throttle = self._outputs.pop(cell_id, None)
            if throttle is not None:
                throttle.flush()
            self._cells.write(cell_id, self._cell_changed(cell_id))

    def _cell_changed(self, cell_id: str) -> wire.CellChanged | None:
        notebook = self._writer.notebook
        if cell_id not in notebook:
            return None
        if not self._publisher.has_clients():
            self._publisher.skip(notebook.id)
            return None
        return wire.CellChanged(
            notebook_id=notebook.id, cell_id=cell_id, cell=cell_answer(notebook[cell_id])
        )

    def _cell_ended(self, event: CellCompleted | CellFailed) -> None:
        self._running_cells.pop(event.cell_id, None)
        throttle = self._outputs.pop(event.cell_id, None)
        if throttle is not None:
            throttle.flush()
        self._write_updated()
        after = self._cells.end(event)
        if after is not None:
            self._last_writes[event.run_id] = after
        self._publish(event, after)

    def _write_stale(self, event: Event, marked: MarkedCells) -> None:
        after = None
        if not self._writer.deleted:
            notebook = self._writer.notebook
            mark = MarkStale.of(notebook, (*marked.stale, *marked.known))
            after = self._writer.write(mark, keep=True)
        self._publish_stale(event.run_id, marked, after)

    def _publish_stale(
        self, run_id: str | None, marked: MarkedCells, after: Future[None] | None
    ) -> None:
        for event_class, cell_ids in (
            (wire.CellsStale, marked.stale),
            (wire.StaleReasonsChanged, marked.known),
        ):
            if cell_ids:
                self._publisher.publish(
                    event_class(
                        notebook_id=self._writer.notebook.id,
                        run_id=run_id,
                        cell_ids=list(cell_ids),
                        reasons=self._reasons(cell_ids),
                    ),
                    after,
                )

    def _reasons(self, cell_ids: Sequence[str]) -> dict[str, list[StaleReason]]:
        notebook = self._writer.notebook
        return {
            cell_id: list(notebook[cell_id].staleness.reasons)
            for cell_id in cell_ids[:REASONS_TOLD]
            if cell_id in notebook
        }

    def _stale_among(self, cell_ids: Iterable[str]) -> set[str]:
        notebook = self._writer.notebook
        return {cell_id for cell_id in cell_ids if cell_id in notebook and notebook[cell_id].stale}

    def _publish(self, event: PublishedEvent, after: Future[None] | None = None) -> None:
        self._publisher.publish(to_wire(event), after)
