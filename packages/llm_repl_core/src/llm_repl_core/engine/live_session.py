"""A notebook that lives, within the engine's loop: its kernel, and the runs that wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from llm_repl_core.engine.answers.answer_book import AnswerBook
from llm_repl_core.engine.approvals import Approvals
from llm_repl_core.engine.call_policies import CallPolicies
from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.calls import ModelCaller
from llm_repl_core.engine.catch_up import CatchUp, plan_catch_up
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.engine.displays import Displays
from llm_repl_core.engine.event_stream import EventStream, Listener
from llm_repl_core.engine.forecast import RunForecast
from llm_repl_core.engine.forecaster import forecast, read_outline
from llm_repl_core.engine.kernel_manager import KernelManager
from llm_repl_core.engine.looks import Looks
from llm_repl_core.engine.mispredictions import Mispredictions
from llm_repl_core.engine.notebook_preferences import noted_mode
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.prompts.draft import PreparedDraft, look_at_names, prepare_draft
from llm_repl_core.engine.prompts.draft_preview import DraftPreview, preview_draft
from llm_repl_core.engine.prompts.looked_at import KnownValues
from llm_repl_core.engine.prompts.preview import Preview, make_preview
from llm_repl_core.engine.run import Run
from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.engine.run_refusals import refuse_merge_conflicts, refuse_other_language
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.engine.waiting import WaitingCell, waiting_cells
from llm_repl_core.errors import Conflict
from llm_repl_core.execution.cell_type import CellType
from llm_repl_core.kernels.base import Kernel, Value
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import Cell, ForeignCell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_core.plugins.manager import PluginManager

__all__ = ["LiveSession"]

T = TypeVar("T")


class LiveSession:
    """Runs the cells of a notebook, one run after the other. Used in the engine's loop only.

    Code outside of it uses a `Session`, which makes runs and names plain variables from its own
    thread.

    Args:
        notebook: The notebook, which the runs change.
        kernel: Its kernel, which is started when it is first needed.
        cell_types: How each class of cell is run.
        model_caller: Sends requests to models.
        policies: What runs allow their calls.
        plugins: Whose hooks watch.
        cell_timeout_s: How long a cell may run; 0: no limit.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        kernel: Kernel,
        cell_types: Mapping[type[Cell], CellType],
        model_caller: ModelCaller,
        policies: CallPolicies,
        plugins: PluginManager,
        cell_timeout_s: float = 0.0,
    ) -> None:
        self.notebook = notebook
        self.kernel = kernel
        self.closed = False
        """Whether it was closed, so that nothing more is run."""
        mispredictions = Mispredictions(notebook)
        self._parts = SessionResources(
            notebook=notebook,
            kernels=KernelManager(kernel, notebook),
            cell_types=cell_types,
            model_caller=model_caller,
            policies=policies,
            plugins=plugins,
            events=EventStream(notebook),
            approvals=Approvals(),
            mispredictions=mispredictions,
            dependencies=Dependencies(notebook, mispredictions.pairs),
            displays=Displays(notebook),
            cell_timeout_s=cell_timeout_s,
        )
        self._queue = RunQueue(kernel)
        self._seen = 0, KnownValues()
        self.answers = AnswerBook(self._parts, self._queue)
        """The versions of prompts' answers, and which is in use."""
        self.looks = Looks(kernel, self._queue)
        """Shows people the variables."""

    @property
    def approvals(self) -> Approvals:
        """Calls of tools that wait until somebody agrees."""
        return self._parts.approvals

    @property
    def ledger(self) -> Ledger:
        """Where calls are recorded."""
        return self._parts.model_caller.ledger

    @property
    def dependencies(self) -> Dependencies:
        """What depends on what, and what is stale."""
        return self._parts.dependencies

    @property
    def mispredictions(self) -> Mispredictions:
        """Which cells were seen to change what a prompt asks that had been sent ahead of them."""
        return self._parts.mispredictions

    @property
    def plugins(self) -> PluginManager:
        """Whose hooks watch."""
        return self._parts.plugins

    @property
    def plain_names(self) -> set[str]:
        """Variables that were set from outside, to plain data."""
        return self._parts.plain_names

    @property
    def execution_count(self) -> int:
        """How many cells the kernel has run."""
        return self._parts.execution_count

    # For those who drive it ----------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Have every event of every run passed to ``listener``, in order."""
        self._parts.events.listen(listener)

    @property
    def busy(self) -> bool:
        """Whether a run has the kernel."""
        return self._queue.busy

    def start(
        self,
        cell_ids: Iterable[str] | None = None,
        options: RunOptions | None = None,
        *,
        listener: Listener | None = None,
    ) -> tuple[str, asyncio.Task[RunResult]]:
        """Queue a run behind those that were asked for before.

        Args:
            cell_ids: Which cells; None: the whole notebook.
            options: How it is to go.
            listener: Called with the events of this run only.

        Returns:
            The run's id, and what resolves when it has ended.

        Raises:
            CellNotFound: One of the ids does not exist; nothing is queued.
            Conflict: The session is closed.
        """
        run = self.make_run(cell_ids, options or RunOptions(), listener=listener)
        return run.id, self._queue.add(run)

    def queue(self, run: Run) -> asyncio.Task[RunResult]:
        """Queue a run that was made here behind those that were asked for before.

        Returns:
            What resolves when it has ended.
        """
        return self._queue.add(run)

    async def run_for(self, inbox: Inbox | AsyncInbox, run: Run) -> None:
        """Run what was made for somebody outside of the loop, who listens at the inbox.

        Raises:
            Conflict: The session is closed.
        """
        try:
            self._refuse_closed()
            await self._queue.add(run)
        finally:
            inbox.end()

    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables, when no run has the kernel.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: There is no kernel yet, and none can be started.
        """
        await self._queue.ask(lambda: self._assign(values))

    async def _assign(self, values: Mapping[str, Any]) -> None:
        self._refuse_closed()
        await self._parts.kernels.ensure()
        await self.kernel.assign(values)

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask the kernel something when no run has it.

        Raises:
            Conflict: It was stopped.
        """
        return await self._queue.ask(question)

    async def interrupt(self, *, run_id: str | None = None, cell_id: str | None = None) -> bool:
        """Stop what runs and what waits; returns when it has stopped: whether anything had to.

        Args:
            run_id: Stop this run only.
            cell_id: Stop this cell only; its run then starts nothing more.
        """
        if run_id is not None:
            return await self._queue.stop_run(run_id)
        if cell_id is not None:
            return await self._queue.stop_cell(cell_id)
        was_busy = self.busy or self.answers.is_asking
        await self.answers.stop_asking()
        await self._queue.stop_all()
        return was_busy

    def waiting(self) -> list[WaitingCell]:
        """The cells that are still to run, in order, and what each waits for."""
        runs = self._queue.runs
        return waiting_cells(runs, self.dependencies.graph().edges if runs else ())

    def remove_cell(self, cell_id: str) -> list[str]:
        """Take a cell out of the runs that have not come to it; they go on without it.

        Cells of the runs that need it use what there is of it from before.

        Args:
            cell_id: Which cell.

        Returns:
            The ids of these runs.
        """
        return self._queue.remove_cell(cell_id)

    async def approve(
        self,
        call_id: str,
        *,
        approved: bool,
        cell_id: str | None = None,
        whole_run: bool = False,
    ) -> None:
        """Say whether a tool may be called.

        Args:
            call_id: Which call.
            approved: Whether it may.
            cell_id: The cell that asks; None: any.
            whole_run: Whether approving counts for all calls of this function in the run.

        Raises:
            NotFound: Nobody waits for this answer.
        """
        self.approvals.decide(call_id, approved=approved, cell_id=cell_id, whole_run=whole_run)

    async def preview(self, cell_id: str) -> Preview:
        """What running a prompt would send now; waits while a run has the kernel.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or cannot be filled.
            KernelStartFailed: It needs a kernel, and none can be started.
        """
        self._refuse_closed()
        return await self._queue.ask(
            lambda: make_preview(cell_id, self._parts.kernels, self._parts.model_caller)
        )

    async def preview_draft(
        self,
        cell: PromptCell,
        *,
        mode: Mode | None = None,
        may_call: bool = False,
        models: Sequence[str] = (),
    ) -> DraftPreview:
        """What a prompt would send as it is being written; nobody waits, and nothing is started.

        Args:
            cell: The prompt, which may differ from the notebook's cell of its id. Where there is
                none, it counts as a new one at the end.
            mode: Where a run would take answers from; None: as the notebook says.
            may_call: Whether fields that call something are filled as well.
            models: Which other models are to say what they would take.

        Raises:
            Conflict: The session is closed.
        """
        self._refuse_closed()
        parts, notebook = self._parts, self.notebook
        if cell.id in notebook:
            kept = notebook[cell.id]
            # What has run as it is here is no surprise.
            may_call = may_call or (
                cell.id in parts.kernels.held
                and kept.status == "completed"
                and (kept.content, kept.options()) == (cell.content, cell.options())
            )
        else:
            notebook = notebook.with_cell(cell)

        async def prepare(is_free: bool) -> PreparedDraft:
            known = self._known_values()
            index, is_free = await look_at_names(notebook, self.kernel, known, is_free=is_free)
            return await prepare_draft(
                cell, index, self.kernel, known, is_free=is_free, may_call=may_call
            )

        draft = await self._look(prepare)
        return await preview_draft(
            draft,
            notebook,
            parts.model_caller,
            await read_outline(parts),
            mode=noted_mode(notebook.own_metadata, mode),
            models=models,
        )

    async def forecast(self, run: Run) -> RunForecast:
        """What a run would do and cost; nothing is sent, run or changed, and nobody waits.

        Args:
            run: The run, which is never started.

        Raises:
            Conflict: The session is closed.
        """
        self._refuse_closed()
        return await self._look(
            lambda is_free: forecast(run, self._parts, self._known_values(), is_free=is_free)
        )

    async def _look(self, look: Callable[[bool], Awaitable[T]]) -> T:
        """Look at the state where it is there and nothing uses it; else without it."""
        if self.busy or not self.kernel.alive:
            return await look(False)
        seen = await self._queue.ask_if_free(lambda: look(self.kernel.alive))
        return await look(False) if seen is None else seen

    def _known_values(self) -> KnownValues:
        """What was seen of the state of the kernel that there is."""
        generation = self._parts.kernels.generation
        if self._seen[0] != generation:
            self._seen = generation, KnownValues()
        return self._seen[1]

    async def restart(self) -> None:
        """Interrupt everything and start a new kernel, which has only the memory.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: None can be started.
        """
        self._refuse_closed()
        await self._queue.stop_all()
        async with self._queue.between_runs():
            self._parts.execution_count = 0
            self._parts.plain_names.clear()
            await self._parts.kernels.restart()

    async def close(self) -> None:
        """Stop what runs and end the kernel."""
        self.closed = True
        await self.answers.stop_asking()
        await self._queue.stop_all()
        await self.looks.close()
        async with self._queue.between_runs():
            await self.kernel.shutdown()

    async def end_kernel(self) -> None:
        """End the kernel, when no run has it; the next run starts another, and says so."""
        await self.looks.close()
        async with self._queue.between_runs():
            await self.kernel.shutdown()

    @property
    def had_kernel(self) -> bool:
        """Whether a kernel was started, whether or not it is still there."""
        return self._parts.kernels.generation > 0

    def note_lost_state(self) -> None:
        """Have the first cell that runs say that the variables of before are gone."""
        self._parts.kernels.note_lost_state()

    async def names(self) -> list[str] | None:
        """The names of the variables; None while a run has the kernel, or where it was stopped."""
        if self.busy or not self.kernel.alive:
            return None if self.busy else []
        with suppress(Conflict):
            return await self._queue.ask_if_free(self.kernel.names)
        return None

    async def snapshot(self) -> dict[str, Value] | None:
        """The variables and their values; None as for `names`."""
        if self.busy or not self.kernel.alive:
            return None if self.busy else {}
        with suppress(Conflict):
            return await self._queue.ask_if_free(self.kernel.snapshot)
        return None

    def make_stale_run(
        self,
        options: RunOptions,
        *,
        listener: Listener | None = None,
        inbox: Inbox | AsyncInbox | None = None,
    ) -> Run:
        """A run of the cells that would give something else now, and of what they need.

        Where the kernel lacks the variables of a cell above, that runs before; a prompt there
        whose answer the notebook has is not asked again, but for one that makes an instance of a
        class: it takes its answer from the record, where that has it.

        Args:
            options: How it is to go.
            listener: Called with the events of this run only.
            inbox: Where somebody outside of the loop listens.

        Raises:
            Conflict: The session is closed, or a cell has both texts of a merge.
            KernelUnsupported: There is code among them in a language that the kernel does not run.
        """
        return self.make_run(
            self.dependencies.stale(),
            options,
            with_needed=True,
            listener=listener,
            inbox=inbox,
        )

    def make_run(
        self,
        cell_ids: Iterable[str] | None,
        options: RunOptions,
        *,
        with_needed: bool = False,
        listener: Listener | None = None,
        inbox: Inbox | AsyncInbox | None = None,
    ) -> Run:
        """A run, which does not run yet; from any thread.

        Args:
            cell_ids: Which cells; None: the whole notebook.
            options: How it is to go.
            with_needed: Whether cells above run before that set variables which the kernel lacks;
                see `make_stale_run`.
            listener: Called with the events of this run only.
            inbox: Where somebody outside of the loop listens.

        Raises:
            CellNotFound: One of the ids does not exist.
            Conflict: The session is closed, or a cell has both texts of a merge.
            KernelUnsupported: There is code among them in a language that the kernel does not run.
        """
        self._refuse_closed()
        chosen = self.choose_cells(cell_ids)
        catch_up: CatchUp | None = None
        if with_needed:
            catch_up = plan_catch_up(
                self.notebook, self.dependencies.graph(), chosen, self._parts.kernels.held
            )
            chosen = catch_up.cell_ids
        refuse_other_language(self.notebook, chosen, self.kernel)
        refuse_merge_conflicts(self.notebook, chosen)
        return Run(
            self._parts,
            chosen,
            whole_notebook=cell_ids is None,
            options=options,
            listener=listener if inbox is None else inbox.put,
            inbox=inbox,
            catch_up=catch_up,
        )

    async def check_prices(self, run: Run) -> None:
        """Refuse a run of which it is known that its budget has no price for a prompt, or had none.

        Raises:
            PriceUnknown: There is such a prompt, or was; nothing was run.
        """
        if run.asked_cell_ids:
            await self._parts.policies.check_spent(self.notebook, run.options)
        await self._parts.model_caller.check_prices(self.notebook, run.asked_cell_ids, run.options)

    # Inside ------------------------------------------------------------------------------------

    def choose_cells(self, cell_ids: Iterable[str] | None) -> tuple[str, ...]:
        """The cells of a run, in document order: not the raw ones, which are left as they are.

        Args:
            cell_ids: Those that were asked for; None: the whole notebook.

        Raises:
            CellNotFound: One of the ids does not exist.
        """
        if cell_ids is None:
            return tuple(cell.id for cell in self.notebook.cells if not _is_raw(cell))
        named = [self.notebook[cell_id] for cell_id in cell_ids]
        chosen = {cell.id for cell in named if not _is_raw(cell)}
        if len(chosen) < 2:
            return tuple(chosen)  # what one cell costs does not grow with the notebook
        return tuple(cell.id for cell in self.notebook.cells if cell.id in chosen)

    def _refuse_closed(self) -> None:
        if self.closed:
            raise Conflict("The session is closed: open the notebook again.")


def _is_raw(cell: Cell) -> bool:
    """Whether a cell is left as it is, byte for byte, in every run."""
    return isinstance(cell, ForeignCell) and cell.is_raw
