"""The interface that every kernel has."""

from __future__ import annotations

import abc
import contextlib
import platform
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, ClassVar, TypeVar

from llm_repl_core.kernels.plain_fork import copy_plain
from llm_repl_core.kernels.state import (
    Evaluated,
    Expression,
    Failed,
    KernelFork,
    KernelOptions,
    KernelState,
    Value,
)
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.language import PYTHON
from llm_repl_core.model.output_changes import OutputChange

__all__ = [
    "CallerThread",
    "Evaluated",
    "Expression",
    "Failed",
    "Kernel",
    "KernelFork",
    "KernelOptions",
    "KernelState",
    "Value",
]

T = TypeVar("T")

CallerThread = Callable[[Callable[[], T]], Awaitable[T]]
"""Runs a plain function in the thread of whoever started the run, and awaits its result."""


class Kernel(KernelState):
    """Where code runs. One object is one running kernel, and one thing at a time is asked of it.

    Whatever it was asked can be cancelled: that ends within 3 s what runs, or else the kernel, so
    that nobody who comes later waits for it (`llm_repl_core.kernels.stopping` does it).

    A kernel is used from one event loop.

    Args:
        options: What the kernel may use.
    """

    name: ClassVar[str]
    """By which settings and notebooks choose it."""

    def __init__(self, options: KernelOptions | None = None) -> None:
        super().__init__(options)
        self._next_number: int | None = None
        self.changes = 0
        """How often it was asked for something that may have changed the state."""
        self._put_output: Callable[[OutputChange], object] | None = None
        self._put_late: Callable[[OutputChange], object] | None = None

    @property
    def language(self) -> str | None:
        """The language that it runs, in lower case; None where that is not known."""
        return PYTHON

    @property
    def language_version(self) -> str | None:
        """The version of its language, as ``3.12.4``; None where that is not known yet."""
        return platform.python_version() if self.language == PYTHON else None

    @property
    def forks_whole(self) -> bool:
        """Whether `fork` gives the whole state, so that anything may be asked of it."""
        return False

    @abc.abstractmethod
    async def start(self) -> None:
        """Start with an empty state.

        Raises:
            KernelStartFailed: It did not come up; the message says why.
        """

    @abc.abstractmethod
    def execute(self, code: str) -> AsyncGenerator[OutputChange, None]:
        """Run code and yield its outputs as they come, and what changes those that came before.

        `llm_repl_core.kernels.output_buffer.OutputBuffer` makes these of what is printed,
        displayed, updated and cleared.

        Code that raises, or that was interrupted, yields an ``error`` output last and ends
        normally. Closing the iterator early interrupts the code.

        Raises:
            KernelDied: The kernel ended meanwhile; the message says how.
        """

    @abc.abstractmethod
    async def snapshot(self, names: Collection[str] | None = None) -> dict[str, Value]:
        """Variables with their values, each bounded in size and in time.

        One whose value raises while its text is made, or takes too long, has a text that says so.

        Args:
            names: Which, of those that are there; all that `names` tells where None.
        """

    @abc.abstractmethod
    async def interrupt(self) -> None:
        """End what is running, as Ctrl-C would; the state stays. Nothing running: no effect."""

    @property
    def took_ctrl_c(self) -> bool:
        """Whether Ctrl-C came to the code that ran last, and not by `interrupt`.

        Only where the code runs in the process that has the terminal: a ``KeyboardInterrupt`` of
        any other code that nobody stopped is its own.
        """
        return False

    @abc.abstractmethod
    async def shutdown(self) -> None:
        """End the kernel and free what it held. May be called twice, and at any time."""

    async def restart(self) -> None:
        """Begin again with an empty state."""
        await self.shutdown()
        await self.start()

    async def fork(
        self, names: Collection[str], *, limit_s: float | None = None
    ) -> KernelFork | None:
        """A copy of the state as it is now, which is only looked at.

        Called only when nothing else uses the kernel. Here it is a copy of variables that are plain
        data, over which only names and subscripts are evaluated.

        Args:
            names: The variables that are wanted at least.
            limit_s: How long it has for what it is asked, where it is a process; None: as the
                kernel was made.

        Returns:
            The copy, which the caller closes; None: there is none to be had.

        Raises:
            KernelDied: The kernel ended meanwhile.
        """
        del limit_s  # it is no process
        return await copy_plain(self, names)

    async def set_pending(self, names: Sequence[str], token: str, why: str) -> None:
        """Say that variables get their values later.

        Older values are out of reach until then. The error of a cell that reads one is explained.
        Without an effect here, where what was there before stays until `resolve_pending`.

        Args:
            names: The variables.
            token: By which `resolve_pending` knows them; used once.
            why: A sentence for whoever reads one of them meanwhile.

        Raises:
            KernelDied: The kernel ended meanwhile.
        """

    async def resolve_pending(self, resolved: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Give variables the values that were to come, unless code has set them meanwhile.

        Args:
            resolved: By token, in the order of their cells: the JSON values by name, each
                variable's its own; None: there are none, so that what was there before comes back.

        Raises:
            KernelDied: The kernel ended meanwhile.
        """
        values: dict[str, Any] = {}
        for given in resolved.values():
            values |= given or {}
        if values:
            await self.assign(values)

    async def remember(self, value: JSONValue) -> None:
        """Have a value as ``_``, as that of the last expression.

        Raises:
            KernelDied: The kernel ended meanwhile.
        """
        await self.assign({"_": value})

    @contextlib.contextmanager
    def collect_outputs(self, put: Callable[[OutputChange], object]) -> Iterator[None]:
        """Within it, what `evaluate` prints and displays is given here, and to no cell.

        An implementation of `evaluate` calls ``self._put_output`` with each output, unless that is
        None: then what is printed is the first output of the next cell.

        Args:
            put: Called in the event loop, in order, before `evaluate` returns.
        """
        before, self._put_output = self._put_output, put
        try:
            yield
        finally:
            self._put_output = before

    def tell_late_outputs(self, put: Callable[[OutputChange], object]) -> None:
        """Say who is told what the code that is executed next gives after its end.

        That is what threads, tasks and programs give that it has started. A kernel that can't tell
        whose it is gives it with what is executed then, or next, and so does every kernel where this
        was not called.

        Args:
            put: Called in the event loop, in order, at any time after the end of `execute`.
        """
        self._put_late = put

    def _take_late_put(self) -> Callable[[OutputChange], object] | None:
        """What `tell_late_outputs` was given since the last time."""
        put, self._put_late = self._put_late, None
        return put

    def number_next(self, count: int) -> None:
        """Say by which number a person sees what is executed next.

        Tracebacks use it, and with IPython ``In``, ``Out`` and ``_3``. A cell that runs again has the
        same number again.

        Args:
            count: The cell's place in the notebook, from 1; 0: it is no cell of the notebook.
        """
        self._next_number = count

    def _take_number(self) -> int | None:
        """What `number_next` said since the last time; None where nothing."""
        count, self._next_number = self._next_number, None
        return count

    def use_caller_thread(self, run: CallerThread[Any] | None) -> None:
        """Say how code gets to run in the thread of the run's caller; None: no more."""

    def live_namespace(self) -> dict[str, Any] | None:
        """The real objects, where they live in this process; None elsewhere."""
        return None
