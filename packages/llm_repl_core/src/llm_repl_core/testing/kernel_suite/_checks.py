"""What the parts of the suite share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from llm_repl_core.kernels.base import Kernel, KernelOptions
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import (
    DisplayUpdate,
    OutputChange,
    OutputList,
    StreamEdit,
)

__all__ = [
    "Check",
    "KernelChecks",
    "interrupted",
    "run_cell",
    "run_cell_in",
    "text_in",
    "text_of",
    "wait_until",
]

Check = Callable[[Any], Awaitable[None]]

_LIMIT_S = 60.0


async def run_cell(kernel: Kernel, code: str) -> list[Output]:
    """The outputs of a cell as they are in the end, streams joined."""
    return (await run_cell_in(OutputList(), kernel, code)).outputs


async def run_cell_in(outputs: OutputList, kernel: Kernel, code: str) -> OutputList:
    """Run a cell and have its changes made in outputs that are there already."""
    async for change in kernel.execute(code):
        outputs.apply(change)
    outputs.join_streams()
    return outputs


def text_in(change: OutputChange) -> str:
    """The text that a change brings."""
    match change:
        case Output():
            return change.content
        case StreamEdit():
            return change.text
        case DisplayUpdate():
            return change.output.content
    return ""


def text_of(outputs: list[Output], type_: str) -> str:
    """The text of all outputs of one type."""
    return "".join(output.content for output in outputs if output.type == type_)


async def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so, for a limited time."""
    async with asyncio.timeout(_LIMIT_S):
        while not condition():  # noqa: ASYNC110  another process sets no event
            await asyncio.sleep(0.01)
    assert condition(), what


async def interrupted(kernel: Kernel, code: str) -> tuple[list[Output], float]:
    """The outputs of a cell that was interrupted, and the seconds from then to its end."""
    started = asyncio.Event()
    outputs = OutputList()

    async def consume() -> None:
        async for change in kernel.execute("print('started', flush=True)\n" + code):
            outputs.apply(change)
            started.set()

    task = asyncio.create_task(consume())
    await started.wait()
    await asyncio.sleep(0.05)
    loop = asyncio.get_running_loop()
    before = loop.time()
    await kernel.interrupt()
    await task
    return outputs.outputs, loop.time() - before


class KernelChecks:
    """What all parts of the suite share: the flags, and kernels that are started and ended."""

    survives_process_death: ClassVar[bool] = True
    """Whether code may end the kernel's process without ending the tests'."""

    has_magics: ClassVar[bool] = True
    """Whether IPython's magics work."""

    has_interrupt_of_sleep: ClassVar[bool] = True
    """Whether a system call that waits can be interrupted."""

    has_interrupt_of_await: ClassVar[bool] = True
    """Whether an ``await`` at the top level can be interrupted."""

    captures_processes: ClassVar[bool] = True
    """Whether the output of programs that the code starts is shown."""

    shows_agg_figures: ClassVar[bool] = True
    """Whether figures are shown where the code chose matplotlib's backend for files."""

    keeps_lines_whole: ClassVar[bool] = True
    """Whether lines that several threads print at the same time stay whole."""

    limits_memory: ClassVar[bool] = True
    """Whether ``memory_limit_bytes`` is kept."""

    holds_variables_back: ClassVar[bool] = True
    """Whether ``set_pending`` takes older values out of the state."""

    collects_outputs: ClassVar[bool] = True
    """Whether what ``evaluate`` shows goes to who collects it."""

    def make_kernel(self, options: KernelOptions) -> Kernel:
        """A new kernel that has not been started."""
        raise NotImplementedError

    def run(self, check: Check, **options: Any) -> None:
        """Drive a check with a started kernel of its own."""

        async def whole() -> None:
            kernel = self.make_kernel(KernelOptions(**options))
            try:
                async with asyncio.timeout(_LIMIT_S):
                    await kernel.start()
                    await check(kernel)
            finally:
                await kernel.shutdown()

        asyncio.run(whole())

    def run_shared(self, check: Check) -> None:
        """As `run`, where it does not matter what ran in the kernel before."""
        self.run(check)

    def is_alive(self, kernel: Kernel) -> bool:
        """Whether it is alive now; asked anew each time, which type checkers do not expect."""
        return kernel.alive
