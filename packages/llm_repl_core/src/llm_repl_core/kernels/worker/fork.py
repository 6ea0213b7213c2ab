"""The application's side of a fork of a worker."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from llm_repl_core.errors import InvalidInput, KernelDied, KernelError
from llm_repl_core.kernels.state import Evaluated, Expression, KernelFork, KernelOptions
from llm_repl_core.kernels.values import clean_text
from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.connection import WorkerConnection, attach
from llm_repl_core.model.json_value import JSONValue

__all__ = ["WorkerFork"]

M = TypeVar("M")

_END_TIMEOUT_S = 1.0
_ENDED = "The fork of the kernel has ended."


class WorkerFork(KernelFork):
    """A process that was forked from a worker.

    Args:
        options: The kernel's.
        limit_s: How long a question may take; after it the process is ended.
        on_closed: Called once, when it was closed.
    """

    def __init__(
        self, options: KernelOptions, limit_s: float, on_closed: Callable[[WorkerFork], None]
    ) -> None:
        super().__init__(options)
        self._limit_s = limit_s
        self._on_closed = on_closed
        self._ids = itertools.count(1)
        self._lock = asyncio.Lock()
        self._connection: WorkerConnection | None = None
        self._pidfd: int | None = None
        self._fault = ""
        self.pid = 0
        """The process; 0: it is not known yet."""

    @property
    def alive(self) -> bool:
        """Whether its process is connected."""
        return self._connection is not None and not self._connection.lost

    async def attach(self, connection: socket.socket) -> None:
        """Use a socket whose other end the process is to get."""
        connection.setblocking(False)
        limit_bytes = 64 * 2**20 + 2 * self.options.value_limit_bytes
        self._connection = await attach(connection, limit_bytes, self._on_lost)

    def begin(self, pid: int, parent: int) -> None:
        """Know the process, so that it can be ended.

        Args:
            pid: The process.
            parent: The worker.

        Raises:
            KernelDied: It has ended.
        """
        try:
            self._pidfd = _open_child(pid, parent)
        except OSError as error:
            raise KernelDied(f"The fork of the kernel can't be reached: {error}.") from None
        self.pid = pid

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """Evaluate expressions over the copy; see `KernelState.evaluate`."""
        request = protocol.Evaluate(
            next(self._ids), list(expressions), restricted, dict(extra or {})
        )
        return list((await self._ask(request, protocol.Evaluated)).values)

    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables of the copy to JSON values; see `KernelState.assign`."""
        await self._ask(protocol.Assign(next(self._ids), dict(values)), protocol.Assigned)

    async def names(self) -> list[str]:
        """The user's variables, sorted; see `KernelState.names`."""
        return (await self._ask(protocol.ListNames(next(self._ids)), protocol.Named)).names

    async def close(self) -> None:
        """End the process; see `KernelFork.close`."""
        self._fault = self._fault or _ENDED
        connection, self._connection = self._connection, None
        pidfd, self._pidfd = self._pidfd, None
        try:
            if connection is not None:
                connection.close()
            if pidfd is not None:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                await _wait_readable(pidfd, _END_TIMEOUT_S)
            if connection is not None:
                await connection.wait_lost()
        finally:
            if pidfd is not None:
                os.close(pidfd)
            self._on_closed(self)

    async def _ask(self, request: Any, kind: type[M]) -> M:
        try:
            data = protocol.encode(request)
        except (TypeError, OverflowError, UnicodeEncodeError, RecursionError) as error:
            raise InvalidInput(
                f"Only JSON values can be sent to a kernel in another process: {error}."
            ) from None
        async with self._lock:
            connection = self._connection
            if connection is None:
                raise KernelDied(self._fault or "The fork of the kernel is not there yet.")
            connection.send(data)
            reply: Struct | None = None
            try:
                async with asyncio.timeout(self._limit_s):
                    reply = await connection.receive()
            except TimeoutError:
                self._fault = f"The fork of the kernel did not answer within {self._limit_s:g} s."
            finally:
                # One that was cancelled in mid-answer is of no use any more.
                if reply is None:
                    await self.close()
        if isinstance(reply, kind):
            return reply
        if isinstance(reply, protocol.Broken):
            raise KernelError(clean_text(reply.reason))
        await self.close()
        raise KernelDied(self._fault)

    def _on_lost(self, fault: str | None) -> None:
        self._fault = self._fault or fault or _ENDED


def _open_child(pid: int, parent: int) -> int:
    """A descriptor of a process.

    Raises:
        ProcessLookupError: It has ended, and its number may be another's.
    """
    pidfd = os.pidfd_open(pid)
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
        if int(status.rpartition(b")")[2].split()[1]) == parent:
            return pidfd
    except OSError:
        pass
    os.close(pidfd)
    raise ProcessLookupError(pid, "it has ended")


async def _wait_readable(descriptor: int, timeout_s: float) -> None:
    """Wait until a descriptor can be read, as that of a process can that has ended."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ready.wait(), timeout_s)
    finally:
        loop.remove_reader(descriptor)
