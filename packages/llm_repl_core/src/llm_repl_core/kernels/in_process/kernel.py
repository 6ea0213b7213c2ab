"""Runs code in the caller's own process: real objects, no start-up, no protection."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import contextvars
import copy
import os
import re
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from llm_repl_core.errors import KernelDied, KernelStartFailed
from llm_repl_core.kernels.base import CallerThread, Evaluated, Expression, Kernel, Value
from llm_repl_core.kernels.coroutine_cell import CoroutineRunner
from llm_repl_core.kernels.evaluation import evaluate_all, snapshot_of, user_names
from llm_repl_core.kernels.explanations import explain_results, explained
from llm_repl_core.kernels.figures import new_figures, open_figures
from llm_repl_core.kernels.in_process.cell import compile_cell
from llm_repl_core.kernels.in_process.displaying import Displayer
from llm_repl_core.kernels.in_process.interrupts import InterruptGate
from llm_repl_core.kernels.in_process.libraries import for_notebook, import_for_notebook
from llm_repl_core.kernels.in_process.routing import Sink, cell_routed, close, routed
from llm_repl_core.kernels.in_process.signal_wakeup import end_watching
from llm_repl_core.kernels.in_process.threads import CodeThread
from llm_repl_core.kernels.in_process.tracebacks import (
    CellFiles,
    remember_source,
    traceback_lines,
)
from llm_repl_core.kernels.output_buffer import OutputBuffer
from llm_repl_core.kernels.pending import PendingVariables
from llm_repl_core.kernels.stopping import end_request
from llm_repl_core.kernels.text_stream import CapturedStream
from llm_repl_core.kernels.values import exception_text
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.names import by_variable
from llm_repl_core.model.output_changes import OutputChange

__all__ = ["InProcessKernel"]

T = TypeVar("T")

_GATHER_S = 0.01
"""How long output waits for more."""
_NO_CELL = "<call>"
"""What the file of code that is no cell is called; above a cell's own frames it is not shown."""
_collected: contextvars.ContextVar[OutputBuffer | None] = contextvars.ContextVar(
    "llm_repl_collected", default=None
)
"""Where what an evaluation shows goes; threads that cells have started do not inherit it."""
_STOP_TIMEOUT_S = 1.0
"""How long an interrupted cell may take before its thread is left behind."""


class InProcessKernel(Kernel):
    """A namespace in this process, for scripts and tests.

    The code can do all that the caller can, and take it down with it. ``memory_limit_bytes``,
    ``preload`` and ``kernelspec`` have no meaning here; ``cwd`` is in force while code runs, for
    the whole process.
    """

    name: ClassVar[str] = "in_process"

    _alive = False
    _thread: CodeThread | None = None
    _caller: CallerThread[Any] | None = None
    _wake: Callable[[], None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it has been started and not shut down."""
        return self._alive

    async def start(self) -> None:
        """Start with an empty state.

        Raises:
            KernelStartFailed: The folder to run in does not exist.
        """
        if self._alive:
            return
        if self.options.cwd is not None and not os.path.isdir(self.options.cwd):  # noqa: ASYNC240, PTH112  one quick look
            raise KernelStartFailed(
                f"The kernel's folder {self.options.cwd!r} does not exist; "
                "make it, or set another one."
            )
        self._cwd = self.options.cwd
        self._coroutines = CoroutineRunner()
        self._gate = InterruptGate(self._coroutines.take_interrupt)
        self._buffer = OutputBuffer(self.options.output_limit_bytes)
        self._displayer = Displayer(
            self._find_buffer, self.options.output_limit_bytes, self._wake_reader
        )
        self._sink = Sink(
            CapturedStream("<stdout>", lambda text: self._write("stdout", text)),
            CapturedStream("<stderr>", lambda text: self._write("stderr", text)),
            self._displayer,
        )
        # One context for all cells, so that what one sets in a context variable is still set
        # in the next.
        self._context = contextvars.copy_context()
        self._flags = 0
        self._count = 0
        self._files = CellFiles()
        self._replaced_env = {name: os.environ.get(name) for name in self.options.env}
        os.environ.update(self.options.env)
        self._namespace: dict[str, Any] = {
            "__name__": "__main__",
            "__builtins__": {
                **vars(builtins),
                "__import__": import_for_notebook,
                "breakpoint": _refuse_breakpoint,
                "display": self._displayer.display,
                "exit": _refuse_exit,
                "input": _refuse_input,
                "quit": _refuse_exit,
            },
        }
        self._pending = PendingVariables(self._namespace, ["_"])
        self._alive = True

    async def execute(self, code: str) -> AsyncGenerator[OutputChange, None]:
        """Run code and yield its outputs as they come; see `Kernel.execute`."""
        self._require_alive()
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        signalled = False

        def wake() -> None:
            nonlocal signalled
            if not signalled:
                signalled = True
                # The loop is closed where the caller has gone.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(woken.set)

        self._buffer.begin()
        self._wake = wake
        count = self._take_number()
        if count != 0:
            self._count = count or self._count + 1
        if count == 0:
            filename = _NO_CELL
            remember_source(filename, code)
        else:
            filename = self._files.remember(self._count, code)
        task = asyncio.ensure_future(self._run(lambda: self._run_cell(code, filename)))
        task.add_done_callback(lambda _: woken.set())
        try:
            ended = False
            while not ended:
                await woken.wait()
                # More will come at once, most often; that goes with it.
                await asyncio.wait({task}, timeout=_GATHER_S)
                woken.clear()
                signalled = False
                ended = task.done()
                if ended:
                    self._buffer.end()
                elif self._buffer.tick():
                    wake()  # lines that wait for another thread's are looked at again soon
                for output in self._buffer.take():
                    yield output
            await task
        finally:
            self._wake = None
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
                # What was left of it is nobody's; threads of a cell that was read to its end go on.
                self._buffer.take()
            if task.done() and not task.cancelled():
                task.exception()  # looked at, or asyncio logs that nobody did

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """Evaluate expressions over the state; see `Kernel.evaluate`."""
        self._require_alive()
        plain = msgspec.to_builtins(list(expressions))
        put = self._put_output
        collected = None if put is None else OutputBuffer(self.options.output_limit_bytes)

        def evaluate() -> list[dict[str, Any]]:
            token = _collected.set(collected)
            try:
                results = evaluate_all(
                    plain,
                    self._namespace,
                    restricted=restricted,
                    extra=extra or {},
                    limit_bytes=self.options.value_limit_bytes,
                )
            finally:
                _collected.reset(token)
            explain_results(results, environment=os.environ, pending=self._pending)
            return results

        results = await self._run(evaluate)
        if put is not None and collected is not None:
            collected.end()
            for output in collected.take():
                put(output)
        return msgspec.convert(results, list[Evaluated])

    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables; see `Kernel.assign`."""
        self._require_alive()
        await self._run(lambda: self._pending.assign(by_variable(values)))

    async def set_pending(self, names: Sequence[str], token: str, why: str) -> None:
        """Say that variables get their values later; see `Kernel.set_pending`."""
        self._require_alive()
        await self._run(lambda: self._pending.set_pending(names, token, why))

    async def resolve_pending(self, resolved: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Give variables the values that were to come; see `Kernel.resolve_pending`."""
        self._require_alive()
        # What the user's code makes of one value changes no other.
        own = {
            token: None
            if values is None
            else {name: copy.deepcopy(value) for name, value in values.items()}
            for token, values in resolved.items()
        }
        await self._run(lambda: self._pending.resolve(own))

    async def names(self) -> list[str]:
        """The user's variables, sorted; see `Kernel.names`."""
        self._require_alive()
        return await self._run(lambda: user_names(self._namespace))

    async def snapshot(self, names: Collection[str] | None = None) -> dict[str, Value]:
        """Variables with their values; see `Kernel.snapshot`."""
        self._require_alive()
        values = await self._run(
            lambda: snapshot_of(
                self._namespace,
                None,
                limit_bytes=self.options.value_limit_bytes,
                timeout_s=self.options.value_timeout_s,
                names=names,
            )
        )
        return msgspec.convert(values, dict[str, Value])

    async def interrupt(self) -> None:
        """End what is running; see `Kernel.interrupt`."""
        if self._alive:
            self._interrupt()

    @property
    def took_ctrl_c(self) -> bool:
        """Whether Ctrl-C came to the code that ran last; see `Kernel.took_ctrl_c`."""
        return self._gate.took_sigint

    async def shutdown(self) -> None:
        """End the kernel and forget its state."""
        if not self._alive:
            return
        self._alive = False
        self._interrupt()
        close(self._sink)
        for name, value in self._replaced_env.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.stop, _STOP_TIMEOUT_S)
        await asyncio.to_thread(self._coroutines.close)
        await asyncio.to_thread(end_watching)
        self._namespace = {}

    def use_caller_thread(self, run: CallerThread[Any] | None) -> None:
        """Say how code gets to run in the caller's thread; None: in one of the kernel's own."""
        self._caller = run

    def live_namespace(self) -> dict[str, Any] | None:
        """The namespace itself."""
        return self._namespace if self._alive else None

    # Running -----------------------------------------------------------------------------------

    def _require_alive(self) -> None:
        if not self._alive:
            raise KernelDied("The in-process kernel is not running; start it first.")

    async def _run(self, function: Callable[[], T]) -> T:
        def guarded() -> T:
            with self._in_folder(), for_notebook(), routed(self._sink):
                return self._gate.run(function)

        def in_context() -> T:
            return self._context.run(guarded)

        if self._caller is not None:
            task: asyncio.Future[T] = asyncio.ensure_future(self._caller(in_context))
        else:
            if self._thread is None:
                self._thread = CodeThread()
            task = asyncio.ensure_future(self._thread.run(in_context))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                await self._end_request(task)
            raise

    async def _end_request(self, task: asyncio.Future[Any]) -> None:
        """Interrupt what nobody waits for any more, and wait for its end for a while."""

        async def interrupt() -> None:
            self._interrupt()

        async def leave_behind() -> None:
            # It sits in a call that can't be interrupted: leave the thread, and the
            # exception that waits there, behind.
            task.cancel()
            self._thread = None
            self._gate = InterruptGate(self._coroutines.take_interrupt)
            self._context = self._context.copy()

        await end_request(asyncio.shield(task), interrupt=interrupt, end_kernel=leave_behind)

    def _interrupt(self) -> None:
        self._gate.interrupt()

    @contextlib.contextmanager
    def _in_folder(self) -> Iterator[None]:
        if self._cwd is None:
            yield
            return
        before = Path.cwd()
        os.chdir(self._cwd)
        try:
            yield
        finally:
            self._cwd = str(Path.cwd())
            os.chdir(before)

    def _run_cell(self, code: str, filename: str) -> None:
        figures = open_figures()
        failure: tuple[str, str, list[str]] | None = None
        try:
            cell = compile_cell(code, filename, self._flags)
            self._flags = cell.flags
            try:
                with cell_routed(code):
                    if cell.awaits:
                        value = self._coroutines.run(cell.run_async(self._namespace))
                    else:
                        value = cell.run(self._namespace)
                    if value is not None and not cell.silent:
                        self._show_result(value)
            finally:
                # Those of a cell that fails as well: they may say why.
                for bundle in new_figures(figures):
                    self._displayer.show_bundle(bundle, {})
        except BaseException as error:  # noqa: BLE001  user code, anything may come out of it
            failure = _magic_refused(error, code) or (
                type(error).__name__,
                exception_text(error),
                _lines(error),
            )
        if failure is not None:
            pending = self._pending.explanation
            self._buffer.error(*explained(failure, environment=os.environ, pending=pending))
        self._pending.forget_set()

    def _show_result(self, value: Any) -> None:
        is_ours = self._namespace.get("_") is self._namespace.get("__last_result__")
        if is_ours and not self._pending.results_are_claimed:
            # As in IPython: the last value, unless somebody else has set the name.
            self._namespace["_"] = self._namespace["__last_result__"] = value
        self._displayer.display_result(value)

    def _write(self, stream: str, text: str) -> None:
        self._find_buffer().write(stream, text)
        self._wake_reader()

    def _find_buffer(self) -> OutputBuffer:
        """Where what is shown here and now is to go."""
        return _collected.get() or self._buffer

    def _wake_reader(self) -> None:
        wake = self._wake
        if wake is not None:
            wake()


def _magic_refused(error: BaseException, code: str) -> tuple[str, str, list[str]] | None:
    """What is said of IPython's own syntax, which is none of Python's."""
    if not isinstance(error, SyntaxError):
        return None
    lines = code.splitlines()[(error.lineno or 1) - 1 :]
    word = re.match(r"\s*([%!]\S*)", lines[0]) if lines else None
    if word is None:
        return None
    sentence = (
        f"`{word[1]}` is IPython's, and the kernel `in_process` is plain Python: run the notebook with "
        "the kernel `worker` or `jupyter`."
    )
    return "SyntaxError", sentence, [f"SyntaxError: {sentence}"]


def _lines(error: BaseException) -> list[str]:
    try:
        return traceback_lines(error)
    except Exception:  # noqa: BLE001  an exception whose own methods raise
        return [f"{type(error).__name__}: {exception_text(error)}"]


def _refuse_breakpoint(*_: object, **__: object) -> None:
    raise RuntimeError(
        "There is no debugger in a cell, since it cannot be answered: print the values, or look at them "
        "in the next cell."
    )


def _refuse_input(_prompt: object = "", /) -> str:
    raise RuntimeError(
        "input() does not work in a cell, since it cannot be answered: assign the value instead."
    )


def _refuse_exit(_code: object = None, /) -> None:
    raise SystemExit(
        "exit() does not end a notebook's kernel: shut the kernel down, or restart it, instead."
    )
