"""A fork of a worker, to be looked at, against the bare fork of the same process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bench.harness import Sample, at_most, row
from llm_repl_core.kernels.base import Expression
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_core.kernels.worker.fork import WorkerFork

_SMALL = "x = 41"
_100_MB = "import numpy\nx = 41\na = numpy.ones(100_000_000 // 8)"
_2_GB = (
    "import numpy\nx = 41\na = numpy.ones(2_000_000_000 // 8)\n"
    "objects = [[i] for i in range(1_500_000)] + [str(i) for i in range(1_500_000)]"
)
_BARE = """
def _bare_fork(begin=None):
    import os, time
    reading, writing = os.pipe()
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.write(writing, str(x).encode())
        time.sleep(3600 if begin else 0)
        os._exit(0)
    os.read(reading, 9)
    took_s = time.perf_counter() - started
    os.close(reading), os.close(writing)
    return (took_s, pid)
def _bare_time():
    import os
    took_s, pid = _bare_fork()
    os.waitpid(pid, 0)
    return took_s
def _end(pid):
    import os
    os.kill(pid, 9), os.waitpid(pid, 0)
"""
_GOAL = at_most("1.5")


@row(what="fork: of a small kernel, until a value is there", against="os.fork in it", goal=_GOAL)
def fork_small() -> Iterator[tuple[Sample, Sample]]:
    with _forking(_SMALL) as (run, kernel):
        yield lambda: run(_time_of_fork(kernel)), lambda: run(_bare_time(kernel))


@row(what="fork: with 100 MB of numpy", against="os.fork in it", goal=_GOAL)
def fork_100_mb() -> Iterator[tuple[Sample, Sample]]:
    with _forking(_100_MB) as (run, kernel):
        yield lambda: run(_time_of_fork(kernel)), lambda: run(_bare_time(kernel))


@row(what="fork: with 2 GB of numpy and three million objects", against="os.fork in it", goal=_GOAL)
def fork_2_gb() -> Iterator[tuple[Sample, Sample]]:
    with _forking(_2_GB) as (run, kernel):
        yield lambda: run(_time_of_fork(kernel)), lambda: run(_bare_time(kernel))


@row(
    what="fork: with 100 MB of numpy, until the kernel's cells go on",
    against="os.fork in it",
    goal=_GOAL,
)
def fork_taken_100_mb() -> Iterator[tuple[Sample, Sample]]:
    with _forking(_100_MB) as (run, kernel):
        yield lambda: run(_time_until_taken(kernel)), lambda: run(_bare_time(kernel))


@row(
    what="fork: with 2 GB of numpy and three million objects, until the kernel's cells go on",
    against="os.fork in it",
    goal=_GOAL,
)
def fork_taken_2_gb() -> Iterator[tuple[Sample, Sample]]:
    with _forking(_2_GB) as (run, kernel):
        yield lambda: run(_time_until_taken(kernel)), lambda: run(_bare_time(kernel))


@row(
    what="fork: memory of its own when a value is there, with 2 GB and three million objects",
    against="a child of os.fork",
    goal=None,
    unit="bytes",
)
def fork_memory() -> Iterator[tuple[Sample, Sample]]:
    with _forking(_2_GB) as (run, kernel):
        yield lambda: run(_memory_of_fork(kernel)), lambda: run(_bare_memory(kernel))


@contextmanager
def _forking(code: str) -> Iterator[tuple[Callable[[Awaitable[float]], float], WorkerKernel]]:
    """A kernel that has run the code, and what runs a coroutine."""
    with asyncio.Runner() as runner:
        kernel = WorkerKernel(fork_limit_s=10.0)

        async def begin() -> None:
            await kernel.start()
            outputs = [output async for output in kernel.execute(code + _BARE)]
            assert outputs == [], outputs

        def run(work: Awaitable[float]) -> float:
            async def wait() -> float:
                return await work

            return runner.run(wait())

        try:
            runner.run(begin())
            yield run, kernel
        finally:
            runner.run(kernel.shutdown())


@asynccontextmanager
async def _fork_with_value(kernel: WorkerKernel) -> AsyncIterator[WorkerFork]:
    fork = await kernel.fork(["x"])
    assert isinstance(fork, WorkerFork)
    async with fork:
        await fork.evaluate([Expression("x")])
        yield fork


async def _time_of_fork(kernel: WorkerKernel) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with _fork_with_value(kernel):
        return loop.time() - started


async def _time_until_taken(kernel: WorkerKernel) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    fork = await kernel.fork(["x"])
    took_s = loop.time() - started
    assert fork is not None
    await fork.close()
    return took_s


async def _memory_of_fork(kernel: WorkerKernel) -> float:
    async with _fork_with_value(kernel) as fork:
        return _own_memory(fork.pid)


async def _bare_time(kernel: WorkerKernel) -> float:
    return float(await _text(kernel, "_bare_time()"))


async def _bare_memory(kernel: WorkerKernel) -> float:
    pid = int(await _text(kernel, "_bare_fork(True)[1]"))
    try:
        return _own_memory(pid)
    finally:
        await _text(kernel, f"_end({pid})")


async def _text(kernel: WorkerKernel, source: str) -> str:
    [value] = await kernel.evaluate([Expression(source)])
    return str(getattr(value, "text", value))


def _own_memory(pid: int) -> float:
    """What a process has that it shares with no other, in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, size = line.partition(":")
        if name == "Private_Dirty":
            return float(size.removesuffix("kB")) * 1024
    raise RuntimeError(f"process {pid} has ended")
