"""The owner's side of a zygote: starts it, asks it for workers, hears how they end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import msgspec

from llm_repl_core.errors import KernelStartFailed
from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.exit_reasons import exit_reason
from llm_repl_core.kernels.worker.frames import FrameParser, FrameTooLarge
from llm_repl_core.kernels.worker.handle import WorkerHandle, result_of, worker_options
from llm_repl_core.kernels.worker.protocol import ZygoteReply, encode
from llm_repl_core.kernels.worker.zygote_launch import LaunchedZygote

__all__ = ["Zygote"]

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 2.0
_REPLY_LIMIT_BYTES = 2**20


class Zygote:
    """A process that has imported IPython once and forks workers from itself.

    One serves any number of kernels, from any thread and any event loop. It starts by itself at
    the first `fork`, and again where it was killed: its workers have ended with it then. Who made it
    stops it, with `stop` or as an asynchronous context manager; it also ends with its owner.

    Args:
        preload: Modules that it imports once for all workers.
        withheld_variables: Names of environment variables that no worker may see, beside
            those that `llm_repl_core.kernels.environment` always withholds.
        launched: A process that was started already, and is the first one; ``preload`` and
            ``withheld_variables`` were given to it.
    """

    def __init__(
        self,
        preload: Iterable[str] = (),
        *,
        withheld_variables: Iterable[str] = (),
        launched: LaunchedZygote | None = None,
    ) -> None:
        self._preload = tuple(preload)
        self._withheld_variables = tuple(withheld_variables)
        self._lock = threading.Lock()
        self._life: _ZygoteProcess | None = None if launched is None else _ZygoteProcess(launched)
        self.problems: tuple[str, ...] = ()
        """Sentences on the modules that could not be preloaded."""

    @property
    def pid(self) -> int | None:
        """The zygote's process; None where none runs."""
        life = self._life
        return life.process.pid if life is not None and life.alive else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it, if it does not run, and wait until it has imported all.

        Raises:
            KernelStartFailed: It did not come up; the message says why.
        """
        life = await asyncio.to_thread(self._running)
        try:
            ready = await asyncio.wait_for(result_of(life.ready), _START_TIMEOUT_S)
        except TimeoutError:
            raise KernelStartFailed(
                f"The kernels' zygote did not start within {_START_TIMEOUT_S:g} s."
            ) from None
        self.problems = tuple(ready.problems)

    async def warm(self) -> None:
        """Start it, if it does not run, without waiting: the first `fork` is fast later."""
        await asyncio.to_thread(self.begin)

    def begin(self) -> None:
        """As `warm`, for who has no event loop yet.

        Raises:
            KernelStartFailed: There is no folder for its sockets.
            OSError: The system starts no process.
        """
        self._running()

    async def fork(self, options: KernelOptions, *, linger_s: float) -> WorkerHandle:
        """Make a worker, which listens on its socket when this returns.

        Args:
            options: What the worker may use; its ``preload`` is the zygote's matter.
            linger_s: How long the worker stays when nobody is connected.

        Raises:
            KernelStartFailed: There is none; the message says why.
        """
        for attempt in (1, 2):
            life = self._life
            if life is None or not (life.alive and life.ready.done()):
                await self.start()
                life = self._life
            if life is None:
                continue
            try:
                return await life.fork(options, linger_s)
            except ConnectionError:
                if attempt == 2:
                    break
        raise KernelStartFailed("The kernels' zygote exited while starting a kernel; try again.")

    async def stop(self) -> None:
        """End it, and with it the workers that still run. May be called twice."""
        life, self._life = self._life, None
        if life is not None:
            await asyncio.to_thread(life.stop)

    def _running(self) -> _ZygoteProcess:
        with self._lock:
            if self._life is None or not self._life.alive:
                if self._life is not None:
                    self._life.stop()
                self._life = _ZygoteProcess(
                    LaunchedZygote(self._preload, withheld_variables=self._withheld_variables)
                )
            return self._life


class _ZygoteProcess:
    """One process of a zygote, from its start to its end."""

    def __init__(self, launched: LaunchedZygote) -> None:
        self.ready: concurrent.futures.Future[protocol.Ready] = concurrent.futures.Future()
        self.alive = True
        self.process = launched.process
        self._launched = launched
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._asked: dict[int, tuple[concurrent.futures.Future[int], WorkerHandle]] = {}
        self._workers: dict[int, WorkerHandle] = {}
        self._replies: msgspec.msgpack.Decoder[ZygoteReply] = msgspec.msgpack.Decoder(ZygoteReply)
        self._reader = threading.Thread(target=self._read, name="llm-repl-zygote", daemon=True)
        self._reader.start()

    async def fork(self, options: KernelOptions, linger_s: float) -> WorkerHandle:
        number = next(self._ids)
        path = self._launched.folder.path / f"{number}.sock"
        handle = WorkerHandle(str(path), options.memory_limit_bytes)
        request = protocol.Fork(number, worker_options(options, handle.path, linger_s))
        forked: concurrent.futures.Future[int] = concurrent.futures.Future()
        with self._lock:
            if not self.alive:
                raise ConnectionError
            self._asked[number] = (forked, handle)
        # A request is small, so that the socket takes it at once.
        self._launched.control.sendall(encode(request))
        handle.pid = await result_of(forked)
        return handle

    def stop(self) -> None:
        """End the process, and wait for that."""
        with contextlib.suppress(OSError):
            self._launched.control.shutdown(socket.SHUT_RDWR)
        self._launched.end(at_once=not self.ready.done())
        self._reader.join()
        self._launched.close()

    # The reader's thread -------------------------------------------------------------------------

    def _read(self) -> None:
        parser = FrameParser(_REPLY_LIMIT_BYTES)
        try:
            while data := self._launched.control.recv(65536):
                for message in parser.feed(data):
                    self._take(self._replies.decode(message))
        except (OSError, FrameTooLarge, msgspec.MsgspecError):
            pass
        self._end()

    def _take(self, reply: Any) -> None:
        if isinstance(reply, protocol.Ready):
            _set(self.ready, reply)
        elif isinstance(reply, protocol.Forked):
            with self._lock:
                forked, handle = self._asked.pop(reply.id)
                handle.pid = reply.pid
                self._workers[reply.pid] = handle
            _set(forked, reply.pid)
        elif isinstance(reply, protocol.ForkFailed):
            with self._lock:
                forked, _ = self._asked.pop(reply.id)
            _fail(forked, KernelStartFailed(f"The kernel can't be forked. {reply.reason}"))
        elif isinstance(reply, protocol.Ended):
            with self._lock:
                ended = self._workers.pop(reply.pid, None)
            if ended is not None:
                with contextlib.suppress(OSError):
                    Path(ended.path).unlink()
                ended.last_output = reply.last_output
                limit_bytes = ended.memory_limit_bytes
                _set(ended.ended, exit_reason(reply.status, memory_limit_bytes=limit_bytes))

    def _end(self) -> None:
        """The connection has ended: nobody hears of anything any more."""
        with self._lock:
            self.alive = False
            asked, self._asked = dict(self._asked), {}
            workers = list(self._workers.values())
        for forked, _ in asked.values():
            _fail(forked, ConnectionError())
        for handle in workers:
            _fail(handle.ended, ConnectionError())
        if not self.ready.done():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_TIMEOUT_S)
            _fail(self.ready, KernelStartFailed(self._why_not_ready()))

    def _why_not_ready(self) -> str:
        self._launched.errors.seek(0)
        lines = self._launched.errors.read().decode("utf-8", "replace").strip().splitlines()
        detail = f" Its last words: {lines[-1]}" if lines else ""
        return (
            f"The kernels' zygote did not come up: {sys.executable} ended with "
            f"{self.process.returncode}.{detail}"
        )


def _set(future: concurrent.futures.Future[Any], result: Any) -> None:
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        future.set_result(result)


def _fail(future: concurrent.futures.Future[Any], error: BaseException) -> None:
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        future.set_exception(error)
