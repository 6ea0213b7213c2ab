"""The kernel that runs code in a forked process of its own: the server's and the CLI's default."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from msgspec import Struct

from llm_repl_core.errors import InvalidInput, KernelDied, KernelError, KernelStartFailed
from llm_repl_core.kernels.base import (
    Evaluated,
    Expression,
    Kernel,
    KernelFork,
    KernelOptions,
    Value,
)
from llm_repl_core.kernels.output_buffer import OutputBuffer
from llm_repl_core.kernels.stopping import UNSTOPPABLE, end_request
from llm_repl_core.kernels.values import clean_text
from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.connection import WorkerConnection, connect
from llm_repl_core.kernels.worker.exit_reasons import UNKNOWN_EXIT
from llm_repl_core.kernels.worker.fork import WorkerFork
from llm_repl_core.kernels.worker.handle import WorkerHandle, result_of
from llm_repl_core.kernels.worker.spawner import Spawner
from llm_repl_core.kernels.worker.zygote import Zygote
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.names import by_variable
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange, OutputList, OutputReset, StreamEdit

__all__ = ["WorkerKernel", "make_zygote"]

M = TypeVar("M")

_HELLO_TIMEOUT_S = 30.0
_SHUTDOWN_TIMEOUT_S = 2.0
_REASON_TIMEOUT_S = 2.0
_CELLS_REMEMBERED = 256
"""Of how many cells, the last ones, it is told what they give after their end."""
_SNAPSHOT_LIMIT_BYTES = 256 * 2**20
_REMEMBERED = "_llm_repl_remembered"
_REMEMBER = f"__import__('IPython').get_ipython().displayhook.remember({_REMEMBERED})"
_READING = (protocol.ListNames, protocol.TakeSnapshot, protocol.TakeFork)
"""Requests that leave the state as it is."""


class WorkerKernel(Kernel):
    """IPython in a process of its own, forked from a zygote.

    Args:
        options: What the kernel may use.
        zygote: Forks the process. Where many kernels share one, who made it stops it; where None,
            the kernel makes one for itself and stops it at shutdown. A `Spawner` does it where
            processes can't be forked.
        linger_s: How long the process stays when this application is gone, in seconds.
        fork_limit_s: How long a fork has for what it is asked before it is ended.
    """

    name: ClassVar[str] = "worker"

    def __init__(
        self,
        options: KernelOptions | None = None,
        *,
        zygote: Zygote | Spawner | None = None,
        linger_s: float = 5.0,
        fork_limit_s: float = 1.0,
    ) -> None:
        super().__init__(options)
        self._own_zygote = zygote is None
        self._zygote = zygote or make_zygote(self.options)
        self._linger_s = linger_s
        self._fork_limit_s = fork_limit_s
        self._forks: set[WorkerFork] = set()
        self._ids = itertools.count(1)
        self._lock = asyncio.Lock()
        self._connection: WorkerConnection | None = None
        self._handle: WorkerHandle | None = None
        self._pidfd: int | None = None
        self._fault: str | None = None
        self._busy = False
        self._signalled = False
        self._late: dict[int, _LateOutputs] = {}
        """By request that has run code: who is told what it gives after its end."""

    @property
    def alive(self) -> bool:
        """Whether its process runs and is connected."""
        return self._connection is not None and not self._connection.lost

    @property
    def forks_whole(self) -> bool:
        """Whether its process can be forked; see `Kernel.forks_whole`."""
        return sys.platform == "linux"

    @property
    def pid(self) -> int | None:
        """The kernel's process; None where it does not run."""
        return self._handle.pid if self._handle is not None and self.alive else None

    async def start(self) -> None:
        """Start with an empty state; see `Kernel.start`."""
        if self.alive:
            return
        await self._release()
        try:
            await self._start_worker()
        except BaseException:
            await self.shutdown()
            raise

    async def execute(self, code: str) -> AsyncGenerator[OutputChange, None]:
        """Run code and yield its outputs as they come; see `Kernel.execute`."""
        async with self._lock:
            connection = self._require_alive()
            await self._pass_signals(connection)
            self.changes += 1
            request = protocol.Execute(
                next(self._ids),
                clean_text(code),
                self._take_number(),
                tells_late=self._put_late is not None,
            )
            self._remember_late_put(request.id)
            connection.send(protocol.encode(request))
            self._busy = True
            # A worker bounds its outputs itself; one that does not is no kernel of ours.
            limit = 2 * self.options.output_limit_bytes + 2**20
            held = OutputList()
            try:
                while self._busy:
                    try:
                        reply = await self._reply(connection, request.id)
                    except KernelDied:
                        for change in self._last_output():
                            yield change
                        raise
                    if isinstance(reply, protocol.Done):
                        self._busy = False
                    elif not isinstance(reply, protocol.Outputs):
                        connection.fail(f"The kernel answered `execute` with {reply!r:.100}.")
                        continue
                    for change in reply.outputs:
                        held.apply(change)
                        if held.text_length > limit:
                            connection.fail("The kernel sent more output than is allowed.")
                            raise await self._death()
                        yield change
            finally:
                if self._busy:
                    await self._end_request(connection, request.id)
                self._give_late(connection)

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """Evaluate expressions over the state; see `Kernel.evaluate`."""
        put = self._put_output
        request = protocol.Evaluate(
            next(self._ids), list(expressions), restricted, dict(extra or {}), put is not None
        )
        reply = await self._ask(request, protocol.Evaluated)
        if put is not None:
            for output in reply.outputs:
                put(output)
        return list(reply.values)

    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables to JSON values; see `Kernel.assign`."""
        await self._ask(protocol.Assign(next(self._ids), by_variable(values)), protocol.Assigned)

    async def remember(self, value: JSONValue) -> None:
        """Have a value as ``_``; see `Kernel.remember`."""
        # Its shell has to know, or it would not change the variable any more.
        await self.evaluate([Expression(_REMEMBER)], extra={_REMEMBERED: value})

    async def names(self) -> list[str]:
        """The user's variables, sorted; see `Kernel.names`."""
        return (await self._ask(protocol.ListNames(next(self._ids)), protocol.Named)).names

    async def snapshot(self, names: Collection[str] | None = None) -> dict[str, Value]:
        """Variables with their values; see `Kernel.snapshot`."""
        request = protocol.TakeSnapshot(next(self._ids), None if names is None else list(names))
        async with self._asking(request) as (connection, id_):
            values: dict[str, Value] = {}
            left = _SNAPSHOT_LIMIT_BYTES
            while True:
                part = await self._expect(connection, id_, protocol.SnapshotPart)
                values.update(part.values)
                left -= sum(len(value.text) for value in part.values.values())
                if part.last:
                    return values
                if left < 0:
                    connection.fail("The kernel sent a larger snapshot than is taken.")

    async def fork(
        self, names: Collection[str], *, limit_s: float | None = None
    ) -> KernelFork | None:
        """A forked process, where the system has such; see `Kernel.fork`."""
        if sys.platform != "linux":
            return await super().fork(names, limit_s=limit_s)
        handle = self._handle
        if handle is None:
            raise KernelDied("The worker kernel is not running; start it first.")
        fork = WorkerFork(self.options, limit_s or self._fork_limit_s, self._forks.discard)
        self._forks.add(fork)
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                await fork.attach(ours)
                request = protocol.TakeFork(next(self._ids))
                taken = await self._ask(request, protocol.ForkTaken, theirs.fileno())
            fork.begin(taken.pid, handle.pid)
        except BaseException as error:
            await fork.close()
            # A kernel that is there may refuse, or be unable to: all goes on without a fork.
            if isinstance(error, (KernelError, OSError)) and self.alive:
                return None
            raise
        return fork

    async def set_pending(self, names: Sequence[str], token: str, why: str) -> None:
        """Say that variables get their values later; see `Kernel.set_pending`."""
        request = protocol.SetPending(next(self._ids), list(names), token, clean_text(why))
        # Nobody waits for it: whatever is asked next comes behind it.
        self._require_alive().send_soon(_encoded(request))
        self.changes += 1

    async def resolve_pending(self, resolved: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Give variables the values that were to come; see `Kernel.resolve_pending`."""
        values = {
            token: None if answers is None else dict(answers) for token, answers in resolved.items()
        }
        await self._ask(protocol.ResolvePending(next(self._ids), values), protocol.Assigned)

    async def interrupt(self) -> None:
        """End what is running; see `Kernel.interrupt`."""
        if self._busy and self.alive:
            self._signal(signal.SIGINT)

    async def shutdown(self) -> None:
        """End the process, and the zygote where it is this kernel's own."""
        await self._end_worker()
        if self._own_zygote:
            await self._zygote.stop()

    async def restart(self) -> None:
        """Begin again with an empty state; the zygote stays."""
        await self._end_worker()
        await self.start()

    # Starting and ending -----------------------------------------------------------------------

    async def _start_worker(self) -> None:
        self._fault = None
        self._late.clear()
        self._busy = False
        handle = await self._zygote.fork(self.options, linger_s=self._linger_s)
        self._handle = handle
        with contextlib.suppress(OSError, AttributeError):
            self._pidfd = os.pidfd_open(handle.pid)
        limit_bytes = 64 * 2**20 + 2 * self.options.output_limit_bytes
        try:
            connection = await connect(handle.path, limit_bytes, self._on_lost)
        except OSError as error:
            raise KernelStartFailed(f"Cannot connect to the kernel: {error}.") from None
        self._connection = connection
        connection.on_unread = lambda: None if self._lock.locked() else self._take_unread()
        try:
            hello = await asyncio.wait_for(connection.receive(), _HELLO_TIMEOUT_S)
        except TimeoutError:
            raise KernelStartFailed(
                f"The kernel did not start within {_HELLO_TIMEOUT_S:g} s."
            ) from None
        if isinstance(hello, protocol.Refused):
            raise KernelStartFailed(clean_text(hello.reason))
        if not isinstance(hello, protocol.Hello):
            raise KernelStartFailed(f"The kernel did not start. {await self._ending()}")

    async def _end_worker(self) -> None:
        for fork in list(self._forks):
            await fork.close()  # while there is a process that collects it
        handle, connection = self._handle, self._connection
        if handle is not None and connection is not None and not connection.lost:
            if self._busy:
                self._fault = "The kernel was shut down while running code."
                self._signal(signal.SIGKILL)
            connection.send(protocol.encode(protocol.Shutdown(next(self._ids))))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.wait_lost(), _SHUTDOWN_TIMEOUT_S)
            if not connection.lost:
                self._signal(signal.SIGKILL)
        elif handle is not None and not handle.ended.done():
            self._signal(signal.SIGKILL)
        if handle is not None:
            await self._ending()
        await self._release()

    async def _release(self) -> None:
        """Free what a worker that has ended held here."""
        for fork in list(self._forks):
            await fork.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            await connection.wait_lost()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        handle, self._handle = self._handle, None
        if handle is not None:
            # Where its zygote is gone, so is who would remove the folder.
            is_orphan = handle.ended.done() and handle.ended.exception() is not None
            _remove_socket(Path(handle.path), with_folder=is_orphan)

    def _signal(self, number: signal.Signals) -> None:
        if self._handle is None:
            return
        self._signalled = True
        pid, is_interrupt = self._handle.pid, number == signal.SIGINT
        with contextlib.suppress(OSError):
            if self._pidfd is not None:
                # Fails where it has ended; until then no other group can have its number.
                signal.pidfd_send_signal(self._pidfd, 0 if is_interrupt else number)
            elif self._handle.ended.done():
                return
            elif not is_interrupt:
                os.kill(pid, number)
            if is_interrupt:
                # The programs that the code has started as well, as Ctrl-C in a terminal does.
                os.killpg(pid, number)

    def _on_lost(self, fault: str | None) -> None:
        self._fault = fault or self._fault
        if fault is not None:
            # What sends such things is not left running.
            self._signal(signal.SIGKILL)

    async def _ending(self) -> str:
        """The sentence on how the process ended."""
        if self._handle is not None:
            with contextlib.suppress(TimeoutError, ConnectionError):
                return await asyncio.wait_for(result_of(self._handle.ended), _REASON_TIMEOUT_S)
        return UNKNOWN_EXIT

    def _last_output(self) -> list[OutputChange]:
        """What the process had printed when it died, and not sent."""
        buffer = OutputBuffer(self.options.output_limit_bytes)
        if self._handle is not None:
            for stream, text in self._handle.last_output:
                buffer.write_raw(stream, clean_text(text))
        buffer.end()
        return buffer.take()

    async def _death(self) -> KernelDied:
        ending = await self._ending()
        return KernelDied(self._fault or ending)

    # Asking ------------------------------------------------------------------------------------

    def _require_alive(self) -> WorkerConnection:
        connection = self._connection
        if connection is None:
            raise KernelDied("The worker kernel is not running; start it first.")
        if connection.lost:
            raise KernelDied(self._fault or self._known_ending())
        return connection

    def _known_ending(self) -> str:
        handle = self._handle
        if handle is not None and handle.ended.done() and handle.ended.exception() is None:
            return handle.ended.result()
        return UNKNOWN_EXIT

    async def _reply(self, connection: WorkerConnection, id_: int) -> Any:
        """The next message that answers the request."""
        while True:
            reply = await connection.receive()
            if reply is None:
                raise await self._death()
            if isinstance(reply, protocol.Late):
                self._give(reply)
            elif getattr(reply, "id", None) == id_:
                return reply

    def _remember_late_put(self, id_: int) -> None:
        put = self._take_late_put()
        if put is not None:
            self._late[id_] = _LateOutputs(put, self.options.output_limit_bytes)
            if len(self._late) > _CELLS_REMEMBERED:
                del self._late[next(iter(self._late))]

    def _give_late(self, connection: WorkerConnection) -> None:
        """Tell what cells have given after their end, up to what somebody waits for."""
        while (late := connection.take(protocol.Late)) is not None:
            self._give(late)

    def _take_unread(self) -> None:
        if self._connection is not None:
            self._give_late(self._connection)

    def _give(self, late: protocol.Late) -> None:
        known = self._late.get(late.id)
        if known is not None:
            known.give(late.outputs)

    async def _expect(self, connection: WorkerConnection, id_: int, kind: type[M]) -> M:
        reply = await self._reply(connection, id_)
        if isinstance(reply, kind):
            return reply
        if isinstance(reply, protocol.Broken):
            raise KernelError(clean_text(reply.reason))
        connection.fail(f"The kernel answered with {type(reply).__name__} instead.")
        raise await self._death()

    async def _ask(self, request: Struct, kind: type[M], descriptor: int | None = None) -> M:
        async with self._asking(request, descriptor) as (connection, id_):
            return await self._expect(connection, id_, kind)

    @contextlib.asynccontextmanager
    async def _asking(
        self, request: Any, descriptor: int | None = None
    ) -> AsyncIterator[tuple[WorkerConnection, int]]:
        data = _encoded(request)
        async with self._lock:
            connection = self._require_alive()
            await self._pass_signals(connection)
            if descriptor is None:
                connection.send(data)
            else:
                connection.send_with(data, descriptor)
            self._busy = True
            self.changes += not isinstance(request, _READING)
            try:
                yield connection, request.id
            except asyncio.CancelledError:
                await self._end_request(connection, request.id)
                raise
            finally:
                self._busy = False
                self._give_late(connection)

    async def _pass_signals(self, connection: WorkerConnection) -> None:
        """See that an interrupt which came too late for its code does not hit the next one.

        The worker has had every signal from before when it answers, and nothing runs there.
        """
        if self._signalled:
            self._signalled = False
            request = protocol.ListNames(next(self._ids))
            connection.send(protocol.encode(request))
            await self._reply(connection, request.id)

    async def _end_request(self, connection: WorkerConnection, id_: int) -> None:
        """End what nobody waits for any more, and pass over what is left of its answer."""

        async def interrupt() -> None:
            self._signal(signal.SIGINT)

        async def end_kernel() -> None:
            connection.fail(UNSTOPPABLE)
            await connection.wait_lost()

        async def answered() -> None:
            with contextlib.suppress(KernelDied):
                while not _is_last(await self._reply(connection, id_)):
                    pass

        try:
            await end_request(answered(), interrupt=interrupt, end_kernel=end_kernel)
        finally:
            self._busy = False


def _encoded(request: Struct) -> bytes:
    try:
        return protocol.encode(request)
    except (TypeError, OverflowError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput(
            f"Only JSON values can be sent to a kernel in another process: {error}."
        ) from None


class _LateOutputs:
    """What one cell gives after its end.

    Args:
        put: Is told.
        limit_bytes: Of the outputs of one cell.
    """

    def __init__(self, put: Callable[[OutputChange], object], limit_bytes: int) -> None:
        self._put = put
        # A worker bounds its outputs itself; of one that does not the rest is dropped.
        self._left = self._most = 2 * limit_bytes + 2**20

    def give(self, changes: Sequence[OutputChange]) -> None:
        """Tell who is to be told."""
        for change in changes:
            match change:
                case OutputReset():
                    self._left = self._most
                case Output():
                    self._left -= len(change.content)
                case StreamEdit() if change.text.count("\n") >= change.lines:  # it grows
                    self._left -= len(change.text)
            if self._left >= 0:
                self._put(change)


def _is_last(reply: Any) -> bool:
    """Whether it ends the answer to a request."""
    if isinstance(reply, protocol.SnapshotPart):
        return reply.last
    return not isinstance(reply, protocol.Outputs)


def make_zygote(options: KernelOptions) -> Zygote | Spawner:
    """What forks workers with these options; where nothing can be forked, what starts them.

    Several kernels may share it, and who made it stops it.
    """
    if hasattr(os, "fork"):
        return Zygote(options.preload, withheld_variables=options.withheld_variables)
    return Spawner(withheld_variables=options.withheld_variables)


def _remove_socket(path: Path, *, with_folder: bool) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
    if with_folder:
        with contextlib.suppress(OSError):
            path.parent.rmdir()
