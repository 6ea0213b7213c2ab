"""A notebook that lives: a notebook, a kernel, and the runs that wait for their turn."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import suppress
from typing import Any, Self, TypeVar

from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.calls import Caller
from llm_repl_core.engine.cell_type import CellType
from llm_repl_core.engine.ctrl_c import CtrlC
from llm_repl_core.engine.events import Event, RunEndedBadly
from llm_repl_core.engine.kept_kernel import KeptKernel
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.engine.run import Run
from llm_repl_core.engine.state import State
from llm_repl_core.errors import CellFailed, Conflict
from llm_repl_core.kernels.base import Kernel, Value
from llm_repl_core.model.cell import Cell, ForeignCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_core.plugins.manager import PluginManager

__all__ = ["Session"]

T = TypeVar("T")
Listener = Callable[[Event], None]

_log = logging.getLogger(__name__)


class Session:
    """Runs the cells of a notebook. Use it as a context manager; closing it ends the kernel.

    `run` and `stream` are for plain code, `arun` and `astream` for code with an event loop of its
    own. `start`, `interrupt_here` and the other methods whose docstring says so belong to the
    engine's loop. Runs that are asked for at once are run one after the other.

    Args:
        notebook: The notebook, which the runs change.
        kernel: Its kernel, which is started when it is first needed.
        cell_types: How each class of cell is run.
        call: Sends requests to models.
        plugins: Whose hooks watch.
        loop: Where the engine lives.
        cell_timeout_s: How long a cell may run; 0: no limit.
        on_close: What to free when the session closes.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        kernel: Kernel,
        cell_types: Mapping[type[Cell], CellType],
        call: Caller,
        plugins: PluginManager,
        loop: EngineLoop,
        cell_timeout_s: float = 0.0,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.notebook = notebook
        self.kernel = kernel
        self.call = call
        self.plugins = plugins
        self.cell_timeout_s = cell_timeout_s
        self._cell_types = cell_types
        self._loop = loop
        self._on_close = on_close
        self._listeners: list[Listener] = []
        self._turn = asyncio.Lock()
        self._runs: list[Run] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._execution_count = 0
        self._sequence = 0
        self._kept = KeptKernel(kernel, notebook)
        self._closing = threading.Lock()
        self._closed = False

    # For plain code ----------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The user's variables. Not from within the engine's loop."""
        return State(self.kernel, self._ask)

    def run(self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True) -> None:
        """Run cells, all by default, in document order.

        Ctrl-C stops the cell that runs, and then raises ``KeyboardInterrupt``.

        Args:
            cell_ids: Which cells.
            stop_on_error: Whether a cell that fails ends the run; one that was stopped always
                does.

        Raises:
            CellFailed: A cell failed, or was stopped.
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
        """
        failure: CellFailed | None = None
        for event in self.stream(cell_ids, stop_on_error=stop_on_error):
            failure = _failure(event)
        if failure is not None:
            raise failure

    def stream(
        self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True
    ) -> Iterator[Event]:
        """Run cells and yield what happens, as it happens. Leaving early stops the run.

        Ctrl-C is raised when all events have been yielded.

        Args:
            cell_ids: Which cells; all by default.
            stop_on_error: As for `run`.

        Raises:
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
        """
        inbox = Inbox()
        run = self._make_run(cell_ids, stop_on_error=stop_on_error, inbox=inbox)
        ctrl_c = CtrlC(lambda: self._loop.submit(run.stop()))
        future = self._loop.submit(self._run_for(inbox, run))
        try:
            while True:
                with ctrl_c:
                    event = inbox.next()
                if event is None:
                    break
                yield event
        finally:
            inbox.leave()
            if not inbox.ended:
                with suppress(Conflict):  # closed meanwhile, and so stopped
                    self._loop.submit(run.stop())
                inbox.drain()
        future.result()
        # In a cell that ran in this thread, Ctrl-C was the cell's.
        in_cell = run.interrupted and not run.stopped and inbox.ran_in_main_thread
        if ctrl_c.noted or in_cell:
            raise KeyboardInterrupt

    def interrupt(self) -> None:
        """Stop what runs and what waits, from any thread but the engine's; returns when it has."""
        self._loop.call(self.interrupt_here())

    def restart(self) -> None:
        """Stop what runs and begin again with an empty kernel, which has the memory only.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: None can be started.
        """
        self._loop.call(self.restart_here())

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables, as ``llm-repl run -p`` does.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: There is no kernel yet, and none can be started.
        """
        live = self.kernel.live_namespace()
        if live is not None:
            live.update(values)  # nothing to wait for, not even for a run in this very thread
        else:
            self._loop.call(self._assign(values))

    def close(self) -> None:
        """Stop what runs and end the kernel. May be called twice."""
        with self._closing:
            on_close, self._on_close = self._on_close, None
            if self._closed:
                return
            try:
                self._loop.call(self.close_here())
            finally:
                if on_close is not None:
                    on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # For code with an event loop ---------------------------------------------------------------

    async def arun(
        self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True
    ) -> None:
        """`run`, awaited. Cancelling it stops the run.

        Raises:
            CellFailed: A cell failed, or was stopped.
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
        """
        failure: CellFailed | None = None
        async for event in self.astream(cell_ids, stop_on_error=stop_on_error):
            failure = _failure(event)
        if failure is not None:
            raise failure

    async def astream(
        self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True
    ) -> AsyncGenerator[Event, None]:
        """`stream`, as an async generator. Closing it stops the run.

        Raises:
            CellNotFound: One of the ids does not exist; nothing was run.
            Conflict: The session is closed.
        """
        inbox = AsyncInbox()
        run = self._make_run(cell_ids, stop_on_error=stop_on_error, inbox=inbox)
        future = self._loop.submit(self._run_for(inbox, run))
        try:
            while (event := await inbox.next()) is not None:
                yield event
        finally:
            inbox.leave()
            if not future.done():
                with suppress(Conflict):  # closed meanwhile, and so stopped
                    self._loop.submit(run.stop())
            await asyncio.wrap_future(future)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    # In the engine's loop ------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Have every event of every run passed to ``listener``, in order, in the engine's loop."""
        self._listeners.append(listener)

    @property
    def busy(self) -> bool:
        """Whether a run has the kernel."""
        return self._turn.locked()

    def start(
        self,
        cell_ids: Iterable[str] | None = None,
        *,
        stop_on_error: bool = True,
        listener: Listener | None = None,
    ) -> asyncio.Task[RunResult]:
        """Queue a run behind those that were asked for before; in the engine's loop.

        Args:
            cell_ids: Which cells; None: the whole notebook.
            stop_on_error: As for `run`.
            listener: Called with the events of this run only.

        Raises:
            CellNotFound: One of the ids does not exist; nothing is queued.
            Conflict: The session is closed.
        """
        return self._queue(self._make_run(cell_ids, stop_on_error=stop_on_error, listener=listener))

    async def interrupt_here(self) -> None:
        """Stop what runs and what waits; returns when it has stopped."""
        await asyncio.gather(*(run.stop() for run in tuple(self._runs)))

    async def restart_here(self) -> None:
        """Stop what runs and begin again with an empty kernel, which has the memory only.

        Raises:
            Conflict: The session is closed.
            KernelStartFailed: None can be started.
        """
        self._refuse_closed()
        await self.interrupt_here()
        async with self._turn:
            self._execution_count = 0
            await self._kept.restart()

    async def close_here(self) -> None:
        """Stop what runs and end the kernel."""
        self._closed = True
        await self.interrupt_here()
        async with self._turn:
            await self.kernel.shutdown()

    async def names(self) -> list[str] | None:
        """The names of the variables; None while a run has the kernel."""
        if self.busy:
            return None
        async with self._turn:
            return await self.kernel.names() if self.kernel.alive else []

    async def snapshot(self) -> dict[str, Value] | None:
        """The variables and their values; None while a run has the kernel."""
        if self.busy:
            return None
        async with self._turn:
            return await self.kernel.snapshot() if self.kernel.alive else {}

    # For runs ------------------------------------------------------------------------------------

    async def ensure_kernel(self) -> Output | None:
        """Have a kernel that is alive; the answer is a notice for the user where state was lost.

        Raises:
            KernelStartFailed: None can be started.
        """
        await self._kept.ensure()
        return self._kept.take_notice()

    def cell_type(self, cell: Cell) -> CellType | None:
        """How a cell is run, or None."""
        return self._cell_types.get(type(cell))

    def why_not_run(self, cell: Cell) -> str:
        """Why a cell has no type that can be run, in a sentence."""
        word = cell.foreign_type if isinstance(cell, ForeignCell) else type(cell).__name__
        return f"No installed plugin runs cells of the type `{word}`; the cell is kept as it is."

    def next_execution_count(self) -> int:
        """Count one more cell."""
        self._execution_count += 1
        return self._execution_count

    def next_sequence(self) -> int:
        """The number of the next event, from 1."""
        self._sequence += 1
        return self._sequence

    def emit(self, event: Event, listener: Listener | None) -> None:
        """Pass an event to all listeners and to one more; what they raise stays with them."""
        for one in self._listeners:
            _tell(one, event)
        if listener is not None:
            _tell(listener, event)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that the session holds on to until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Inside ------------------------------------------------------------------------------------

    def _make_run(
        self,
        cell_ids: Iterable[str] | None,
        *,
        stop_on_error: bool,
        listener: Listener | None = None,
        inbox: Inbox | AsyncInbox | None = None,
    ) -> Run:
        self._refuse_closed()
        return Run(
            self,
            self._choose(cell_ids),
            whole_notebook=cell_ids is None,
            stop_on_error=stop_on_error,
            listener=listener if inbox is None else inbox.put,
            inbox=inbox,
        )

    def _queue(self, run: Run) -> asyncio.Task[RunResult]:
        self._refuse_closed()
        self._runs.append(run)
        task = self.spawn(self._take_turn(run))
        task.add_done_callback(lambda _: self._forget(run))
        return task

    async def _take_turn(self, run: Run) -> RunResult:
        async with self._turn:
            self.kernel.use_caller_thread(None if run.inbox is None else run.inbox.run_in_caller)
            try:
                return await run.execute()
            finally:
                self.kernel.use_caller_thread(None)

    def _forget(self, run: Run) -> None:
        self._runs.remove(run)
        run.ended()

    async def _run_for(self, inbox: Inbox | AsyncInbox, run: Run) -> None:
        try:
            await self._queue(run)
        finally:
            inbox.end()

    async def _assign(self, values: Mapping[str, Any]) -> None:
        async with self._turn:
            self._refuse_closed()
            await self._kept.ensure()
            await self.kernel.assign(values)

    def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        async def in_turn() -> T:
            async with self._turn:
                return await question()

        return self._loop.call(in_turn())

    def _choose(self, cell_ids: Iterable[str] | None) -> tuple[str, ...]:
        if cell_ids is None:
            return tuple(cell.id for cell in self.notebook.cells)
        chosen = {self.notebook[cell_id].id for cell_id in cell_ids}
        if len(chosen) < 2:
            return tuple(chosen)  # what one cell costs does not grow with the notebook
        return tuple(cell.id for cell in self.notebook.cells if cell.id in chosen)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Conflict("The session is closed: open the notebook again.")


def _tell(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except Exception:  # noqa: BLE001  # a listener may be anybody's code
        # The cell goes on, and has its ending, whoever cannot hear it.
        _log.exception("a listener failed at %s", type(event).__name__)


def _failure(event: Event) -> CellFailed | None:
    if isinstance(event, RunEndedBadly):
        return CellFailed(event.error, cell_id=event.cell_id or "")
    return None
