"""A notebook that lives: a notebook, a kernel, and the runs that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any

from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.calls import Caller
from llm_repl_core.engine.cell_type import CellType
from llm_repl_core.engine.events import Event, RunEndedBadly
from llm_repl_core.engine.executors.memory import restore_memory
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.engine.run import Run
from llm_repl_core.engine.state import State
from llm_repl_core.errors import CellFailed
from llm_repl_core.kernels.base import Kernel, Value
from llm_repl_core.model.cell import Cell, ForeignCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_core.plugins.manager import PluginManager

__all__ = ["Session"]

Listener = Callable[[Event], None]


class Session:
    """Runs the cells of a notebook. Use it as a context manager; closing it ends the kernel.

    `run` and `stream` are for plain code, `arun` and `astream` for code with an event loop of its
    own. `start`, `interrupt_here` and the other methods whose docstring says so belong to the
    engine's loop.

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
        self._kernel_has_state = False
        self._closed = False

    # For plain code ----------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The user's variables. Not from within the engine's loop."""
        return State(self.kernel, self._loop)

    def run(self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True) -> None:
        """Run cells, all by default, in document order.

        Ctrl-C stops the cell that runs, and then raises ``KeyboardInterrupt``.

        Args:
            cell_ids: Which cells.
            stop_on_error: Whether a cell that fails ends the run.

        Raises:
            CellFailed: A cell failed, or was stopped.
            CellNotFound: One of the ids does not exist; nothing was run.
        """
        for event in self.stream(cell_ids, stop_on_error=stop_on_error):
            _raise_failure(event)

    def stream(
        self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True
    ) -> Iterator[Event]:
        """Run cells and yield what happens, as it happens. Leaving early stops the run."""
        chosen = self._choose(cell_ids)
        inbox = Inbox()
        future = self._loop.submit(
            self._run_for(inbox, chosen, cell_ids is None, stop_on_error=stop_on_error)
        )
        interrupted = False
        events = inbox.events()
        try:
            while True:
                try:
                    event = next(events, None)
                except KeyboardInterrupt:
                    # The generator ended with the exception: a new one goes on where it was.
                    if interrupted:
                        raise
                    interrupted = True
                    events = inbox.events()
                    self._loop.submit(self.interrupt_here())
                    continue
                if event is None:
                    break
                yield event
        finally:
            if not future.done():
                self._loop.submit(self.interrupt_here())
                for _ in inbox.events():
                    pass
        future.result()
        if interrupted:
            raise KeyboardInterrupt

    def interrupt(self) -> None:
        """Stop what runs and what waits, from any thread but the engine's; returns when it has."""
        self._loop.call(self.interrupt_here())

    def restart(self) -> None:
        """Stop what runs and begin again with an empty kernel."""
        self._loop.call(self.restart_here())

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables, as ``llm-repl run -p`` does."""
        self._loop.call(self._assign(values))

    def close(self) -> None:
        """Stop what runs and end the kernel. May be called twice."""
        if self._closed:
            return
        self._loop.call(self.close_here())
        if self._on_close is not None:
            self._on_close()

    def __enter__(self) -> Session:
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
        """
        async for event in self.astream(cell_ids, stop_on_error=stop_on_error):
            _raise_failure(event)

    async def astream(
        self, cell_ids: Iterable[str] | None = None, *, stop_on_error: bool = True
    ) -> AsyncIterator[Event]:
        """`stream`, as an async generator. Closing it stops the run."""
        chosen = self._choose(cell_ids)
        inbox = AsyncInbox()
        future = self._loop.submit(
            self._run_for(inbox, chosen, cell_ids is None, stop_on_error=stop_on_error)
        )
        try:
            async for event in inbox.events():
                yield event
        finally:
            if not future.done():
                await asyncio.wrap_future(self._loop.submit(self.interrupt_here()))
            await asyncio.wrap_future(future)

    async def __aenter__(self) -> Session:
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
            stop_on_error: Whether a cell that fails ends the run.
            listener: Called with the events of this run only.

        Raises:
            CellNotFound: One of the ids does not exist; nothing is queued.
        """
        run = Run(
            self,
            self._choose(cell_ids),
            whole_notebook=cell_ids is None,
            stop_on_error=stop_on_error,
            listener=listener,
        )
        self._runs.append(run)
        return self.spawn(self._take_turn(run))

    async def interrupt_here(self) -> None:
        """Stop what runs and what waits; returns when it has stopped."""
        await asyncio.gather(*(run.stop() for run in tuple(self._runs)))

    async def restart_here(self) -> None:
        """Stop what runs and begin again with an empty kernel, which has the memory only."""
        await self.interrupt_here()
        async with self._turn:
            await self.kernel.shutdown()
            self._kernel_has_state = False
            self._execution_count = 0
            await self._start_kernel()

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

    async def ensure_kernel(self) -> Output | None:
        """Have a kernel that is alive; the answer is a notice for the user where state was lost.

        Raises:
            KernelStartFailed: None can be started.
        """
        if self.kernel.alive:
            return None
        lost, self._kernel_has_state = self._kernel_has_state, False
        if lost:
            await self.kernel.shutdown()
        await self._start_kernel()
        if not lost:
            return None
        return Output.warning(
            "The kernel was started anew: the variables of cells that ran before are gone."
        )

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

    def emit(self, event: Event) -> None:
        """Pass an event to all listeners."""
        for listener in self._listeners:
            listener(event)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that the session holds on to until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _take_turn(self, run: Run) -> RunResult:
        try:
            async with self._turn:
                return await run.execute()
        finally:
            self._runs.remove(run)

    async def _run_for(
        self,
        inbox: Inbox | AsyncInbox,
        cell_ids: tuple[str, ...],
        whole_notebook: bool,
        *,
        stop_on_error: bool,
    ) -> None:
        if self.kernel.needs_caller_thread:
            self.kernel.use_caller_thread(inbox.run_in_caller)
        try:
            await self.start(
                None if whole_notebook else cell_ids,
                stop_on_error=stop_on_error,
                listener=inbox.put,
            )
        finally:
            if self.kernel.needs_caller_thread:
                self.kernel.use_caller_thread(None)
            inbox.end()

    async def _assign(self, values: Mapping[str, Any]) -> None:
        async with self._turn:
            await self.ensure_kernel()
            await self.kernel.assign(values)

    async def _start_kernel(self) -> None:
        await self.kernel.start()
        await restore_memory(self.notebook.memory, self.kernel)
        self._kernel_has_state = True

    def _choose(self, cell_ids: Iterable[str] | None) -> tuple[str, ...]:
        if cell_ids is None:
            return tuple(cell.id for cell in self.notebook.cells)
        return tuple(self.notebook[cell_id].id for cell_id in cell_ids)


def _raise_failure(event: Event) -> None:
    if isinstance(event, RunEndedBadly):
        raise CellFailed(event.error, cell_id=event.cell_id or "")
