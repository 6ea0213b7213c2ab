"""A notebook that is open, for code outside of the engine's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

from msgspec import UNSET, UnsetType

from llm_repl_core.application import Application
from llm_repl_core.engine.answers.answer_book import AnswerChange
from llm_repl_core.engine.answers.asked import AskedAnswer, AskedModel
from llm_repl_core.engine.answers.versions import AnswerDetail, AnswerPage
from llm_repl_core.engine.budget import BudgetMeter
from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.ctrl_c import CtrlC
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.engine.forecast import RunForecast
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.engine.options import RunKeywords, run_options
from llm_repl_core.engine.prompts.draft import changed_prompt
from llm_repl_core.engine.prompts.draft_preview import DraftPreview
from llm_repl_core.engine.prompts.preview import Preview
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.selection import CellSelection, Include
from llm_repl_core.engine.state import State
from llm_repl_core.errors import CellExecutionError, Conflict
from llm_repl_core.execution.events import Event, RunFailed
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.names import by_variable
from llm_repl_core.model.notebook import Notebook

__all__ = ["Session"]

T = TypeVar("T")


class Session:
    """A notebook that lives: runs its cells. Use it as a context manager; closing it ends the kernel.

    `run` and `stream` are for plain code, `arun` and `astream` for code with an event loop of its
    own. Runs that are asked for at once are run one after the other.

    Args:
        notebook: The notebook, which the runs change.
        application: Settings, plugins, providers and kernels; one with the defaults where None.
        kernel: A kernel's name, a kernel, or None for the one that the notebook names under
            ``metadata.llm_repl.kernel``, else the settings.
        loop: Where the engine is to live; a loop of the session's own where None.
        ledger: Where calls are recorded; in memory where None.
        cwd: The folder that the code runs in; the process's own where None.
        env: Environment variables added to the code's own.
        run_meter: Counts what runs with a budget spend together with those of other sessions in
            the same loop; None: each run has a budget of its own.

    Attributes:
        live: What does the work, for code that runs in the engine's loop itself.
        loop: Where that is.

    Raises:
        KernelNotFound: There is no kernel of that name.

    Example:
        >>> notebook = Notebook(name="Greeting")
        >>> _ = notebook.add_code("who = 'world'")
        >>> _ = notebook.add_prompt("Say hello to {who}.", model="mock/echo", response_var="greeting")
        >>> with Session(notebook) as session:
        ...     session.run()
        ...     session.state["greeting"]
        'Say hello to world.'
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        application: Application | None = None,
        kernel: str | Kernel | None = "in_process",
        loop: EngineLoop | None = None,
        ledger: Ledger | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        run_meter: BudgetMeter | None = None,
    ) -> None:
        application = application or Application()
        if not isinstance(kernel, Kernel):
            kernel = application.make_kernel(notebook, kernel, cwd=cwd, env=env)
        ledger = MemoryLedger() if ledger is None else ledger
        self._closing = threading.Lock()
        self._own_providers: Providers | None = None
        if loop is None:
            loop = EngineLoop()
            self._own_providers = application.providers.for_another_loop()
        self.loop = loop
        self.live = application.open_live(
            notebook,
            kernel=kernel,
            ledger=ledger,
            providers=self._own_providers,
            run_meter=run_meter,
        )

    @property
    def notebook(self) -> Notebook:
        """The notebook, which the runs change."""
        return self.live.notebook

    @property
    def kernel(self) -> Kernel:
        """The notebook's kernel."""
        return self.live.kernel

    @property
    def dependencies(self) -> Dependencies:
        """What depends on what, and what is stale."""
        return self.live.dependencies

    # For plain code ----------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The user's variables. Not from within the engine's loop."""
        return State(self.kernel, self._ask)

    def run(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        with_needed: bool = False,
        **options: Unpack[RunKeywords],
    ) -> None:
        """Run cells, all by default; the result is that of document order.

        Ctrl-C stops what runs, and then raises ``KeyboardInterrupt``.

        Args:
            cell_ids: Which cells.
            with_needed: Whether cells above run before that set variables which the kernel lacks.
                A prompt there whose answer the notebook has is not asked again.
            options: The fields of `RunOptions`: ``stop_on_error``, ``mode``, ``concurrency``,
                ``budget``, ``allow_unpriced``, ``parallel``.

        Raises:
            CellExecutionError: A cell failed, or was stopped.
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        failure: CellExecutionError | None = None
        for event in self.stream(cell_ids, with_needed=with_needed, **options):
            failure = _failure(event)
        if failure is not None:
            raise failure

    def run_stale(self, **options: Unpack[RunKeywords]) -> None:
        """Run the cells that would give something else now, and what they need of those above.

        Args:
            options: As for `run`.

        Raises:
            CellExecutionError: A cell failed, or was stopped.
            Conflict: The session is closed.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        self.run(self.dependencies.stale(), with_needed=True, **options)

    def stream(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        with_needed: bool = False,
        **options: Unpack[RunKeywords],
    ) -> Iterator[Event]:
        """Run cells and yield what happens, as it happens. Leaving early stops the run.

        Ctrl-C is raised when all events have been yielded.

        Args:
            cell_ids: Which cells; all by default.
            with_needed: As for `run`.
            options: As for `run`.

        Raises:
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        inbox = Inbox()
        run = self.live.make_run(
            cell_ids, run_options(options), with_needed=with_needed, inbox=inbox
        )
        self.loop.call(self.live.check_prices(run))
        ctrl_c = CtrlC(lambda: self.loop.submit(run.stop()))
        future = self.loop.submit(self.live.run_for(inbox, run))
        try:
            while not inbox.ended:
                with ctrl_c:
                    events = inbox.next()
                yield from events
        finally:
            inbox.leave()
            if not inbox.ended:
                with suppress(Conflict):  # closed meanwhile, and so stopped
                    self.loop.submit(run.stop())
                inbox.drain()
        future.result()
        # In a cell that ran in this thread, Ctrl-C was the cell's.
        stopped = run.stopped or run.cell_stopped
        in_cell = run.interrupted and not stopped and inbox.ran_in_main_thread
        if ctrl_c.noted or in_cell:
            raise KeyboardInterrupt

    def check_prices(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        with_needed: bool = False,
        **options: Unpack[RunKeywords],
    ) -> None:
        """Refuse what `run` would refuse because a budget limits money; nothing is run.

        Args:
            cell_ids: Which cells; all by default.
            with_needed: As for `run`.
            options: As for `run`.

        Raises:
            CellNotFound: One of the ids does not exist.
            Conflict: The session is closed.
            PriceUnknown: A prompt has no known price.
        """
        run = self.live.make_run(cell_ids, run_options(options), with_needed=with_needed)
        self.loop.call(self.live.check_prices(run))

    def interrupt(self) -> None:
        """Stop what runs and what waits, from any thread but the engine's; returns when it has."""
        self.loop.call(self.live.interrupt())

    def approve(self, call_id: str, *, approved: bool = True, whole_run: bool = False) -> None:
        """Say whether a tool may be called, for which a `ToolApprovalNeeded` asks.

        Args:
            call_id: Which call.
            approved: Whether it may.
            whole_run: Whether approving counts for all calls of this function in the run.

        Raises:
            NotFound: Nobody waits for this answer.
        """
        self.loop.call(self.live.approve(call_id, approved=approved, whole_run=whole_run))

    def preview(self, cell_id: str) -> Preview:
        """What running a prompt would send now, which nothing is changed or paid for.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or cannot be filled.
        """
        return self.loop.call(self.live.preview(cell_id))

    def preview_draft(self, cell_id: str, **changes: Any) -> DraftPreview:
        """What a prompt would send with some fields changed, which changes nothing.

        Unlike `preview` it never waits for what runs, and starts no kernel.

        Args:
            cell_id: The prompt.
            changes: Fields of the cell, as ``Cell.change`` takes them.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The session is closed.
            InvalidInput: It is no prompt, or a change cannot be made.
        """
        draft = changed_prompt(self.notebook, cell_id, changes)
        return self.loop.call(self.live.preview_draft(draft, may_call=True))

    def plan(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        with_needed: bool = False,
        **options: Unpack[RunKeywords],
    ) -> RunForecast:
        """What `run` would do and cost; nothing is sent, run or changed.

        Args:
            cell_ids: Which cells; all by default.
            with_needed: As for `run`.
            options: As for `run`.

        Raises:
            CellNotFound: One of the ids does not exist.
            Conflict: The session is closed.
        """
        run = self.live.make_run(cell_ids, run_options(options), with_needed=with_needed)
        return self.loop.call(self.live.forecast(run))

    def select(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        first: str | None = None,
        last: str | None = None,
        include: Include | None = None,
    ) -> tuple[str, ...] | None:
        """Cells for `run`, `stream` and `plan`, in document order; None: all.

        Args:
            cell_ids: These cells; all where None.
            first: From this cell on.
            last: Up to this cell, and with it.
            include: ``upstream``: also the cells that these need; ``downstream``: also those that
                need them.

        Raises:
            CellNotFound: One of the ids does not exist.
            InvalidInput: The first cell is below the last one.
        """
        listed = None if cell_ids is None else tuple(cell_ids)
        selection = CellSelection(cell_ids=listed, first=first, last=last, include=include)
        return selection.of(self.notebook, self.dependencies)

    def plan_stale(self, **options: Unpack[RunKeywords]) -> RunForecast:
        """What `run_stale` would do and cost; nothing is sent, run or changed.

        Args:
            options: As for `run`.

        Raises:
            Conflict: The session is closed.
        """
        return self.plan(self.dependencies.stale(), with_needed=True, **options)

    def answers(
        self, cell_id: str, *, item: int | None = None, limit: int = 20, before: int | None = None
    ) -> AnswerPage:
        """The versions of a prompt's answer, the newest first: on record, and written by hand.

        Args:
            cell_id: Which prompt.
            item: Of which item, from 0; None: it is not over items.
            limit: How many at most.
            before: Only those of a smaller number: `AnswerPage.next` of the page before.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or ``item`` does not fit it.
            StorageError: The records cannot be read.
        """
        return self.loop.call(
            self.live.answers.page(cell_id, item=item, limit=limit, before=before)
        )

    def answer(self, cell_id: str, answer_id: str, *, item: int | None = None) -> AnswerDetail:
        """A version in full, and how it differs from the one in use.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or ``item`` does not fit it.
            NotFound: It has no such answer.
            StorageError: The records cannot be read.
        """
        return self.loop.call(self.live.answers.detail(cell_id, answer_id, item=item))

    def use_answer(self, cell_id: str, answer_id: str, *, item: int | None = None) -> AnswerChange:
        """Take a version into use: the variable follows, and what depends on it turns stale.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The cell runs.
            InvalidInput: It is no prompt, or the answer does not have the form that it asks for.
            NotFound: It has no such answer.
            StorageError: The records cannot be read.
        """
        return self.loop.call(self.live.answers.use(cell_id, answer_id, item=item))

    def ask(
        self,
        cell_id: str,
        models: Iterable[AskedModel | str] = (),
        *,
        times: int = 1,
        item: int | None = None,
    ) -> list[AskedAnswer]:
        """Ask several models for an answer side by side, or one several times.

        Nothing of the notebook changes: `use_answer` takes one of them, by its ``call_id``.

        Args:
            cell_id: Which prompt.
            models: Who is asked: names, or more; the prompt's own where there are none.
            times: How many times each is asked.
            item: Of which item, from 0; None: it is not over items.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The notebook asks nobody, as it is in ``replay`` mode.
            InvalidInput: It is no prompt, cannot be filled, has tools, or too many are asked.
        """
        named = [AskedModel(model=each) if isinstance(each, str) else each for each in models]
        asked = (named or [AskedModel()]) * times
        return self.loop.call(self._asked(cell_id, asked, item))

    async def _asked(
        self, cell_id: str, models: list[AskedModel], item: int | None
    ) -> list[AskedAnswer]:
        asking = await self.live.answers.ask(cell_id, models, item=item)
        await asking.wait()
        return asking.answers

    def edit_answer(
        self,
        cell_id: str,
        content: str | None = None,
        *,
        value: JSONValue | UnsetType = UNSET,
        item: int | None = None,
    ) -> AnswerChange:
        """Write an answer by hand; the model's is kept, and `use_answer` has it back.

        Args:
            cell_id: Which prompt.
            content: The text; of a structured answer JSON.
            value: In its place, of a structured answer: the value.
            item: Of which item, from 0; None: it is not over items.

        Raises:
            CellNotFound: There is no such cell.
            Conflict: The cell runs.
            InvalidInput: It is no prompt, has no answer yet, or what was written does not have the
                form that it asks for.
        """
        return self.loop.call(self.live.answers.edit(cell_id, content, value=value, item=item))

    def restart(self) -> None:
        """Interrupt everything and start a new kernel, which has only the memory.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: None can be started.
        """
        self.loop.call(self.live.restart())

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables, as ``llm-repl run -p`` does.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: There is no kernel yet, and none can be started.
        """
        values = by_variable(values)
        live = self.kernel.live_namespace()
        self.live.plain_names.update(values)
        if live is not None:
            live.update(values)  # nothing to wait for, not even for a run in this very thread
        else:
            self.loop.call(self.live.assign(values))

    def close(self) -> None:
        """Stop what runs and end the kernel. May be called twice."""
        with self._closing:
            if self.live.closed:
                return
            try:
                self.loop.call(self.live.close())
            finally:
                self._close_own_loop()

    def _close_own_loop(self) -> None:
        providers = self._own_providers
        if providers is not None:
            try:
                self.loop.call(providers.close())
            finally:
                self.loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # For code with an event loop ---------------------------------------------------------------

    async def arun(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        with_needed: bool = False,
        **options: Unpack[RunKeywords],
    ) -> None:
        """`run`, awaited. Cancelling it stops the run.

        Raises:
            CellExecutionError: A cell failed, or was stopped.
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        failure: CellExecutionError | None = None
        async for event in self.astream(cell_ids, with_needed=with_needed, **options):
            failure = _failure(event)
        if failure is not None:
            raise failure

    async def astream(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        with_needed: bool = False,
        **options: Unpack[RunKeywords],
    ) -> AsyncGenerator[Event, None]:
        """`stream`, as an async generator. Closing it stops the run.

        Raises:
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        inbox = AsyncInbox()
        run = self.live.make_run(
            cell_ids, run_options(options), with_needed=with_needed, inbox=inbox
        )
        await asyncio.wrap_future(self.loop.submit(self.live.check_prices(run)))
        future = self.loop.submit(self.live.run_for(inbox, run))
        try:
            while (event := await inbox.next()) is not None:
                yield event
        finally:
            inbox.leave()
            if not future.done():
                with suppress(Conflict):  # closed meanwhile, and so stopped
                    self.loop.submit(run.stop())
            await asyncio.wrap_future(future)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        return self.loop.call(self.live.ask(question))


def _failure(event: Event) -> CellExecutionError | None:
    if isinstance(event, RunFailed):
        return CellExecutionError(event.error, cell_id=event.cell_id or "")
    return None
