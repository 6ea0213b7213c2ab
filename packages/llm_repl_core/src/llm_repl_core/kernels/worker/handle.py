"""A worker as whoever made its process knows it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from typing import TypeVar

from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.worker.protocol import WorkerOptions

__all__ = ["WorkerHandle", "result_of", "worker_options"]

T = TypeVar("T")


class WorkerHandle:
    """A worker's process.

    Attributes:
        pid: Its process.
        path: The socket on which it listens.
        memory_limit_bytes: Of the process; 0: it has none.
        last_output: Streams and texts: what it had printed and not sent when it ended.
        ended: Gets the sentence on how the process ended.
    """

    def __init__(self, path: str, memory_limit_bytes: int = 0) -> None:
        self.pid = 0
        self.memory_limit_bytes = memory_limit_bytes
        self.path = path
        self.last_output: list[tuple[str, str]] = []
        self.ended: concurrent.futures.Future[str] = concurrent.futures.Future()


def worker_options(options: KernelOptions, path: str, linger_s: float) -> WorkerOptions:
    """What a worker is told, from what a kernel may use."""
    return WorkerOptions(
        path=path,
        cwd=options.cwd if options.cwd is not None else os.getcwd(),  # noqa: PTH109  text
        env=options.env,
        output_limit_bytes=options.output_limit_bytes,
        memory_limit_bytes=options.memory_limit_bytes,
        value_limit_bytes=options.value_limit_bytes,
        value_timeout_s=options.value_timeout_s,
        linger_s=linger_s,
    )


async def result_of(future: concurrent.futures.Future[T]) -> T:
    """Await a result that others may be waiting for, too: giving up leaves it to them."""
    wrapped = asyncio.wrap_future(future)
    # Where it fails after the giving up, nobody else looks at this one's exception.
    wrapped.add_done_callback(_look_at)
    return await asyncio.shield(wrapped)


def _look_at(done: asyncio.Future[T]) -> None:
    if not done.cancelled():
        done.exception()
