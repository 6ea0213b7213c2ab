"""What the engine says of a notebook's runs: written down, and told to the clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from llm_repl_core import (
    Cell,
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellReasoning,
    CellRetried,
    CellsStale,
    CellStarted,
    CellSuperseded,
    CellText,
    Event,
    MemoryCell,
    Notebook,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunStarted,
    ToolApprovalNeeded,
)
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.services.events import Announcement, EventPublisher, not_kept
from llm_repl_server.services.latest_relay import LatestRelay
from llm_repl_server.services.output_relay import OutputEvent, OutputRelay
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.wire import cell_on_wire, outputs_on_wire, status_of
from llm_repl_server.storage.changes import Change, MarkStale, UpdateNotebook, WriteCell, WriteRun
from llm_repl_server.storage.run_record import RunRecord, RunState

if TYPE_CHECKING:
    from llm_repl_server.services.open_notebooks import OpenNotebook

__all__ = ["RunEvents"]

_NOTED_AFTER_S = 0.05
"""How long a cell runs before the disk knows; a shorter one would pay for two writes."""

_UPDATED_AFTER_S = 0.5
"""How long a cell that others update is not written anew."""

_STOPPED = "The run was stopped."


class RunEvents:
    """Listens to the session of one notebook, in the engine's loop.

    What it tells is numbered: `sequence` rises by one from event to event of the notebook.

    Args:
        opened: The notebook.
        publisher: Who tells the clients.
        runs: Who knows the runs.
    """

    def __init__(self, opened: OpenNotebook, publisher: EventPublisher, runs: RunRegistry) -> None:
        self._opened = opened
        self._publisher = publisher
        self._runs = runs
        self._sequence = 0
        self._stopping: set[asyncio.Future[bool]] = set()
        self._runs_whole: set[str] = set()
        self._progress: dict[str, LatestRelay[RunProgress]] = {}
        self._stale_before: dict[str, set[str]] = {}
        """By run of several cells: which of them were stale when it began."""
        self._running: dict[str, asyncio.TimerHandle] = {}
        self._relays: dict[str, OutputRelay] = {}
        self._updated: set[str] = set()
        """Cells that do not run, of which a running one has updated outputs."""
        self._keep_updated_soon: asyncio.TimerHandle | None = None
        self._unwritten: dict[str, Cell] = {}
        """Cells as they were when what they had done could not be written."""
        self._last_kept: dict[str, Future[None]] = {}
        """By run: the write of the cell that ended last."""
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            RunStarted: self._run_started,
            RunProgress: self._run_progress,
            RunCompleted: self._run_ended,
            RunFailed: self._run_ended,
            CellStarted: self._cell_started,
            CellOutput: self._outputs_changed,
            CellOutputUpdated: self._outputs_changed,
            CellOutputsCleared: self._outputs_changed,
            CellText: self._cell_text,
            CellReasoning: self._cell_reasoning,
            CellRetried: self._cell_retried,
            CellSuperseded: self._call_superseded,
            ToolApprovalNeeded: self._approval_needed,
            CellCompleted: self._cell_ended,
            CellFailed: self._cell_ended,
            CellsStale: self._cells_stale,
        }

    def on_event(self, event: Event) -> None:
        """Take an event of the engine; one of a kind that is not known is passed over."""
        handle = self._handlers.get(type(event))
        if handle is not None:
            handle(event)

    def is_unwritten(self, cell_id: str) -> bool:
        """Whether what a cell did could not be written, and is kept in memory."""
        return cell_id in self._unwritten

    def add_unwritten(self, notebook: Notebook) -> None:
        """Put what could not be written into a notebook as the disk has it."""
        for cell_id, held in self._unwritten.items():
            if cell_id in notebook:
                cell = notebook[cell_id]
                cell.outputs, cell.status = list(held.outputs), held.status
                cell.execution_count = held.execution_count
                if isinstance(cell, MemoryCell):
                    notebook.memory |= self._opened.notebook.memory

    def tell_stale(self, cell_ids: Iterable[str]) -> None:
        """Tell that cells are stale since another was edited, which is on disk already."""
        stale = list(cell_ids)
        if stale:
            self._tell("cells_stale", None, lambda: {"cell_ids": stale})

    # Runs ------------------------------------------------------------------------------------

    def stop_waiting(self, run_id: str) -> None:
        """Stop a run that waits for its turn; what runs now goes on.

        It has ended for all who look it up. Its events come when it gets its turn, since the
        engine keeps the order of runs.
        """
        session = self._opened.existing_session
        if session is not None:
            # Held on to, or it might be collected while it waits.
            stopping = asyncio.ensure_future(session.interrupt(run_id=run_id))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
        is_kept = self._runs.is_kept(run_id)
        record = self._runs.end(run_id, "interrupted", _STOPPED)
        if record is not None and is_kept:
            self._keep_run(record)

    def _run_started(self, event: RunStarted) -> None:
        record = self._runs.start(event.run_id)
        if record is not None and self._runs.is_kept(event.run_id):
            self._keep_run(record)
        cell_ids = event.cell_ids
        if len(cell_ids) > 1:
            self._stale_before[event.run_id] = self._stale_among(cell_ids)
        self._tell(
            "run_started", event, lambda: {"cell_ids": list(cell_ids), "total": len(cell_ids)}
        )
        if event.whole_notebook:
            self._runs_whole.add(event.run_id)
            self._tell("notebook_execution_started", event)

    def _run_progress(self, event: RunProgress) -> None:
        self._runs.progress(event.run_id, event.ended)
        relay = self._progress.get(event.run_id)
        if relay is None:
            relay = self._progress[event.run_id] = LatestRelay(self._tell_progress)
        relay.add(event)

    def _tell_progress(self, event: RunProgress) -> None:
        self._tell("run_progress", event, lambda: {"ended": event.ended, "total": event.total})

    def _run_ended(self, event: RunCompleted | RunFailed) -> None:
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
        after = self._last_kept.pop(event.run_id, None)
        if record is not None:
            state, error, cell_id = record.state, record.error, record.cell_id
            after = self._keep_run(record) if is_kept else after
        # What the run was to come to, and did not, the engine has not told to be stale.
        stale = self._stale_among(not_run) - self._stale_before.pop(event.run_id, set())
        if stale:
            self._keep_stale(event, [cell_id for cell_id in not_run if cell_id in stale])
        ending = {"error": error, "cell_id": cell_id}
        if event.run_id in self._runs_whole:
            self._runs_whole.remove(event.run_id)
            if error is None:
                self._tell("notebook_execution_completed", event, after=after)
            else:
                self._tell("notebook_execution_failed", event, lambda: ending, after)
        more = {"state": state, "not_run": list(not_run)}
        self._tell("run_ended", event, lambda: {**more, **ending}, after)

    def _keep_run(self, record: RunRecord) -> Future[None] | None:
        return None if self._opened.deleted else self._opened.write(WriteRun(record), keep=True)

    # Cells -----------------------------------------------------------------------------------

    def _cell_started(self, event: CellStarted) -> None:
        self._tell("cell_execution_started", event, lambda: {"cell_id": event.cell_id})
        self._running[event.cell_id] = asyncio.get_running_loop().call_later(
            _NOTED_AFTER_S, self._note_running, event.cell_id
        )

    def _outputs_changed(self, event: OutputEvent) -> None:
        if event.cell_id not in self._running:
            self._note_updated(event.cell_id)
        if not self._publisher.has_listeners():
            return
        relay = self._relays.get(event.cell_id)
        if relay is None:
            relay = self._relays[event.cell_id] = OutputRelay(self._tell_outputs)
        relay.add(event)

    def _tell_outputs(self, event: OutputEvent) -> None:
        cell_id = event.cell_id
        if isinstance(event, CellOutputsCleared):
            self._tell("cell_outputs_cleared", event, lambda: {"cell_id": cell_id})
            return
        output = event.output
        payload = {
            "cell_id": cell_id,
            "index": event.index,
            "display_id": output.display_id,
            "output": output.to_wire(),
        }
        if isinstance(event, CellOutput):
            self._tell("cell_execution_output", event, lambda: payload)
        else:
            payload["lines"] = event.lines
            self._tell("cell_output_updated", event, lambda: payload)

    def _note_updated(self, cell_id: str) -> None:
        """Write a cell soon that another one has updated: it has no ending that would do it."""
        self._updated.add(cell_id)
        if self._keep_updated_soon is None:
            loop = asyncio.get_running_loop()
            self._keep_updated_soon = loop.call_later(_UPDATED_AFTER_S, self._keep_updated)

    def _keep_updated(self) -> None:
        if self._keep_updated_soon is not None:
            self._keep_updated_soon.cancel()
            self._keep_updated_soon = None
        updated, self._updated = self._updated, set()
        for cell_id in updated:
            relay = self._relays.pop(cell_id, None)
            if relay is not None:
                relay.flush()
            notebook = self._opened.notebook
            if self._opened.deleted or cell_id not in notebook:
                continue
            cell = notebook[cell_id]
            told = None
            if self._publisher.has_listeners():
                payload = {
                    "notebook_id": notebook.id,
                    "cell_id": cell_id,
                    "cell": cell_on_wire(cell),
                }
                told = Announcement("cell_changed", notebook.id, payload)
            self._opened.write(WriteCell(notebook.id, cell), tell=told, keep=True)

    def _cell_text(self, event: CellText) -> None:
        self._tell(
            "cell_execution_text",
            event,
            lambda: {"cell_id": event.cell_id, "text": event.text, "item": event.item},
        )

    def _cell_reasoning(self, event: CellReasoning) -> None:
        self._tell(
            "cell_execution_reasoning",
            event,
            lambda: {"cell_id": event.cell_id, "text": event.text, "item": event.item},
        )

    def _cell_retried(self, event: CellRetried) -> None:
        self._tell(
            "cell_execution_retried",
            event,
            lambda: {
                "cell_id": event.cell_id,
                "attempt": event.attempt,
                "error": event.error,
                "wait_s": event.wait_s,
                "item": event.item,
            },
        )

    def _call_superseded(self, event: CellSuperseded) -> None:
        self._tell(
            "cell_call_superseded",
            event,
            lambda: {
                "cell_id": event.cell_id,
                "item": event.item,
                "above_ids": list(event.above_ids),
            },
        )

    def _approval_needed(self, event: ToolApprovalNeeded) -> None:
        self._tell(
            "tool_approval_needed",
            event,
            lambda: {
                "cell_id": event.cell_id,
                "call_id": event.call_id,
                "name": event.name,
                "arguments": event.arguments,
                "item": event.item,
            },
        )

    def _cell_ended(self, event: CellCompleted | CellFailed) -> None:
        relay = self._relays.pop(event.cell_id, None)
        if relay is not None:
            relay.flush()
        self._keep_updated()
        after = self._keep_cell(event)
        if after is not None:
            self._last_kept[event.run_id] = after

        def payload() -> dict[str, Any]:
            ending = {
                "cell_id": event.cell_id,
                "outputs": outputs_on_wire(event.outputs),
                "execution_count": event.execution_count,
                "status": status_of(event),
            }
            if isinstance(event, CellFailed):
                ending["error"] = event.error
            return ending

        ended_well = isinstance(event, CellCompleted)
        name = "cell_execution_completed" if ended_well else "cell_execution_failed"
        self._tell(name, event, payload, after)

    def _cells_stale(self, event: CellsStale) -> None:
        self._keep_stale(event, event.cell_ids)

    def _keep_stale(self, event: Event, cell_ids: Sequence[str]) -> None:
        after = None
        if not self._opened.deleted:
            after = self._opened.write(MarkStale(event.notebook_id, tuple(cell_ids)), keep=True)
        self._tell("cells_stale", event, lambda: {"cell_ids": list(cell_ids)}, after)

    def _stale_among(self, cell_ids: Iterable[str]) -> set[str]:
        notebook = self._opened.notebook
        return {cell_id for cell_id in cell_ids if cell_id in notebook and notebook[cell_id].stale}

    def _keep_cell(self, event: CellCompleted | CellFailed) -> Future[None] | None:
        """Write a cell that has run, and the memory with it where it may have changed."""
        cell_id = event.cell_id
        self._running.pop(cell_id).cancel()
        self._unwritten.pop(cell_id, None)
        notebook = self._opened.notebook
        if self._opened.deleted or cell_id not in notebook:
            return None
        cell = notebook[cell_id]
        changes: list[Change] = [WriteCell(notebook.id, cell)]
        if isinstance(cell, MemoryCell):
            changes.append(UpdateNotebook(notebook_id=notebook.id, memory=notebook.memory))
        written = self._opened.write(*changes, keep=True)
        loop = asyncio.get_running_loop()

        def look(done: Future[None]) -> None:  # in the storage's thread
            error = done.exception()
            if isinstance(error, NotYetWritten) and not loop.is_closed():
                loop.call_soon_threadsafe(self._note_unwritten, event, error)

        written.add_done_callback(look)
        return written

    def _note_unwritten(self, event: CellCompleted | CellFailed, error: NotYetWritten) -> None:
        """Have a cell fail whose outputs could not be written; they stay in memory."""
        notebook, cell_id = self._opened.notebook, event.cell_id
        if self._opened.deleted or cell_id not in notebook or cell_id in self._running:
            return
        failure = not_kept(error)
        cell = notebook[cell_id]
        cell.outputs = [*cell.outputs, failure]
        cell.status = "error"
        held = self._unwritten[cell_id] = cell.copy(id=cell_id)
        record = self._runs.fail(event.run_id, failure.content, cell_id)
        if record is not None and self._runs.is_kept(event.run_id):
            self._opened.write(WriteRun(record), keep=True)
        again = self._opened.write(WriteCell(notebook.id, cell), keep=True)
        loop = asyncio.get_running_loop()

        def forget() -> None:
            if self._unwritten.get(cell_id) is held:
                del self._unwritten[cell_id]

        def forget_soon(_: Future[None]) -> None:  # in the storage's thread
            if not loop.is_closed():
                loop.call_soon_threadsafe(forget)

        def look(done: Future[None]) -> None:  # as above
            later = done.exception()
            if isinstance(later, NotYetWritten):
                later.written.add_done_callback(forget_soon)
            else:
                forget_soon(done)

        again.add_done_callback(look)

    def _note_running(self, cell_id: str) -> None:
        notebook = self._opened.notebook
        if not self._opened.deleted and cell_id in notebook:
            self._opened.write(WriteCell(notebook.id, notebook[cell_id]), keep=True)

    # Telling ---------------------------------------------------------------------------------

    def _tell(
        self,
        name: str,
        event: Event | None,
        make_payload: Callable[[], Mapping[str, Any]] = dict,
        after: Future[None] | None = None,
    ) -> None:
        """Number what happened, and tell it where anybody hears it."""
        self._sequence += 1
        if not self._publisher.has_listeners():
            return
        notebook_id = self._opened.notebook.id
        payload = {
            "notebook_id": notebook_id,
            "run_id": None if event is None else event.run_id,
            "sequence": self._sequence,
            **make_payload(),
        }
        self._publisher.announce(Announcement(name, notebook_id, payload), after)
