"""The worker kernel against ipykernel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.harness import Sample, at_most, row, time_of
from bench.memory import memory_of
from bench.peers.ipykernel import IPythonKernel
from llm_repl_core.kernels.worker import WorkerKernel, Zygote

_KERNELS_ALIVE = 10
_ROUND_TRIPS = 50
_MEGABYTE = 1_000_000

_LONG_LINE = f"print('x' * {_MEGABYTE - 1})"
_SHORT_LINES = f"for _ in range({_MEGABYTE // 100}):\n    print('x' * 99)"


@row(
    what="kernel: start to first result, a zygote being there",
    against="ipykernel, connected as soon as its ports are bound",
    goal=at_most("1/60"),
)
def kernel_start() -> Iterator[tuple[Sample, Sample]]:
    with asyncio.Runner() as runner, _zygote(runner) as zygote:

        def ours() -> float:
            kernel = WorkerKernel(zygote=zygote)

            async def first_result() -> None:
                await kernel.start()
                outputs = [output.content async for output in kernel.execute("1 + 1")]
                assert outputs == ["2"]

            took_s = time_of(lambda: runner.run(first_result()))
            runner.run(kernel.shutdown())
            return took_s

        def peers() -> float:
            kernels: list[IPythonKernel] = []

            def first_result() -> None:
                kernels.append(IPythonKernel())
                assert kernels[0].evaluate("1 + 1") == "2"

            took_s = time_of(first_result)
            kernels[0].shut_down()
            return took_s

        yield ours, peers


@row(what="kernel: round trip of `x = 1`", against="ipykernel", goal=at_most("1/20"))
def kernel_round_trip() -> Iterator[tuple[Sample, Sample]]:
    with _both() as (run_ours, run_peers):
        yield (
            lambda: run_ours("x = 1", _ROUND_TRIPS, 0),
            lambda: run_peers("x = 1", _ROUND_TRIPS, 0),
        )


@row(what="kernel: a cell that prints 1 MB at once", against="ipykernel", goal=at_most("0.5"))
def kernel_long_line() -> Iterator[tuple[Sample, Sample]]:
    with _both() as (run_ours, run_peers):
        yield (
            lambda: run_ours(_LONG_LINE, 5, _MEGABYTE),
            lambda: run_peers(_LONG_LINE, 5, _MEGABYTE),
        )


@row(
    what="kernel: a cell that prints 1 MB in 10,000 lines", against="ipykernel", goal=at_most("0.5")
)
def kernel_short_lines() -> Iterator[tuple[Sample, Sample]]:
    with _both() as (run_ours, run_peers):
        yield (
            lambda: run_ours(_SHORT_LINES, 2, _MEGABYTE),
            lambda: run_peers(_SHORT_LINES, 2, _MEGABYTE),
        )


@row(
    what="memory a kernel, ten alive: the proportional set sizes of ten workers and of their "
    "zygote, by ten",
    against="ipykernel: those of ten, by ten",
    goal=at_most("1/6"),
    unit="bytes",
    rounds=3,
)
def kernel_memory() -> Iterator[tuple[Sample, Sample]]:
    with asyncio.Runner() as runner, _zygote(runner) as zygote, contextlib.ExitStack() as stack:
        workers: list[WorkerKernel] = []
        for _ in range(_KERNELS_ALIVE):
            workers.append(stack.enter_context(_worker(runner, zygote)))
            runner.run(_printed(workers[-1], "x = 1"))
        peers = []
        for _ in range(_KERNELS_ALIVE):
            peer = IPythonKernel()
            stack.callback(peer.shut_down)
            peer.execute("x = 1")
            peers.append(peer)
        yield (
            lambda: memory_of(zygote.pid, *(worker.pid for worker in workers)) / _KERNELS_ALIVE,
            lambda: memory_of(*(peer.pid for peer in peers)) / _KERNELS_ALIVE,
        )


@contextmanager
def _zygote(runner: asyncio.Runner) -> Iterator[Zygote]:
    zygote = Zygote()
    runner.run(zygote.start())
    try:
        yield zygote
    finally:
        runner.run(zygote.stop())


@contextmanager
def _worker(runner: asyncio.Runner, zygote: Zygote) -> Iterator[WorkerKernel]:
    worker = WorkerKernel(zygote=zygote)
    runner.run(worker.start())
    try:
        yield worker
    finally:
        runner.run(worker.shutdown())


@contextmanager
def _both() -> Iterator[tuple[Callable[[str, int, int], float], Callable[[str, int, int], float]]]:
    """Two warm kernels; each function runs code some times and checks how much it prints."""
    with asyncio.Runner() as runner, _zygote(runner) as zygote, contextlib.ExitStack() as stack:
        worker = stack.enter_context(_worker(runner, zygote))
        peer = IPythonKernel()
        stack.callback(peer.shut_down)

        def ours(code: str, times: int, size: int) -> float:
            async def repeat() -> None:
                for _ in range(times):
                    assert await _printed(worker, code) == size

            return time_of(lambda: runner.run(repeat())) / times

        def peers(code: str, times: int, size: int) -> float:
            def once() -> None:
                assert peer.execute(code) == size

            return time_of(once, times=times)

        yield ours, peers


async def _printed(worker: WorkerKernel, code: str) -> int:
    """Run code; how much it printed, and nothing else."""
    return sum([len(output.content) async for output in worker.execute(code)])
