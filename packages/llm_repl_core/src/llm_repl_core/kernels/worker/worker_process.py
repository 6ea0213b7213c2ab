"""What runs in a worker: one loop that takes requests and answers them."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import os
import random
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from llm_repl_core.kernels.evaluation import (
    evaluate_all,
    interrupted_results,
    user_names,
    wanted_names,
)
from llm_repl_core.kernels.explanations import explain_results, explained, memory_sentence
from llm_repl_core.kernels.output_buffer import OutputBuffer
from llm_repl_core.kernels.pending import PendingVariables
from llm_repl_core.kernels.values import describe_within, exception_text
from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.capture import Capture
from llm_repl_core.kernels.worker.channel import Channel
from llm_repl_core.kernels.worker.fork_process import FORK_LIFETIME_S, ForkProcess
from llm_repl_core.kernels.worker.forker import Forker, ForkRefused
from llm_repl_core.kernels.worker.interrupts import SigintGate
from llm_repl_core.kernels.worker.protocol import WorkerOptions, WorkerRequest, encode
from llm_repl_core.kernels.worker.pump import Pump
from llm_repl_core.kernels.worker.shell import WorkerShell, make_shell
from llm_repl_core.kernels.worker.shell_parts import RESULT_NAMES
from llm_repl_core.kernels.worker.unsent import LastOutput

__all__ = ["WorkerProcess", "run_program"]

_OOM_SCORE = b"500"
_SNAPSHOT_PART_BYTES = 4 * 2**20


class WorkerProcess:
    """One worker, in its own process from here on.

    Args:
        shell: Runs the cells.
        listener: The socket on which it is found.
        options: What it may use.
        last_output: What is kept of it when it ends; None: nobody does.
    """

    def __init__(
        self,
        shell: WorkerShell,
        listener: socket.socket,
        options: WorkerOptions,
        last_output: LastOutput | None = None,
    ) -> None:
        self._shell = shell
        self._listener = listener
        self._options = options
        self._pid = os.getpid()
        self._parent = os.getppid()
        self._channel = Channel()
        self._gate = SigintGate(self._channel.has_message, shell.coroutines.take_interrupt)
        self._buffer = OutputBuffer(options.output_limit_bytes)
        self._capture = Capture(self._buffer, self._channel, self._gate, last_output)
        self._pump = Pump(self._capture, options.linger_s, self._abandon)
        self._pending = PendingVariables(shell.user_ns, RESULT_NAMES)
        self._failed_tokens: set[str] = set()
        """Of variables that could not be made to wait."""
        self._requests = protocol.request_decoder()
        self._answers: dict[type, Callable[[Any], None]] = {
            protocol.Execute: self._execute,
            protocol.Evaluate: self._evaluate,
            protocol.Assign: self._assign,
            protocol.SetPending: self._set_pending,
            protocol.ResolvePending: self._resolve_pending,
            protocol.ListNames: self._list_names,
            protocol.TakeSnapshot: self._take_snapshot,
            protocol.TakeFork: self._take_fork,
            protocol.Shutdown: self._shut_down,
        }

    def run(self) -> None:
        """Serve until told to end, or until nobody is connected for too long. Never returns."""
        try:
            problem = self._set_up()
        except Exception as error:  # noqa: BLE001  who starts the kernel is told
            name = type(error).__name__
            problem = f"The kernel can't be set up: {name}: {exception_text(error).rstrip('.')}."
        # The pump watches for this, too; it needs a worker that was set up well.
        self._listener.settimeout(self._options.linger_s + 1)
        while True:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                self._abandon()
            self._channel.attach(connection)
            self._pump.connection_changed()
            if problem is not None:
                self._send(protocol.Refused(problem))
                self._leave(1)
            self._send(protocol.Hello(protocol.PROTOCOL_VERSION, self._pid))
            while (message := self._receive()) is not None:
                request = self._requests.decode(message)
                del message
                self._answer(request)
            self._channel.detach()
            self._gate.settle()
            self._pump.connection_changed()

    def _receive(self) -> memoryview | None:
        """The next request; tasks that cells have started go on until it comes."""
        connection, coroutines = self._channel.connection, self._shell.coroutines
        while connection is not None and coroutines.has_tasks and not self._channel.has_message():
            self._gate.install()
            self._gate.between_cells = True
            # What a task raises is kept by it; only what would end a program comes here.
            with contextlib.suppress(KeyboardInterrupt, SystemExit):
                coroutines.run_tasks_until_readable(connection.fileno())
            self._gate.between_cells = False
        return self._channel.receive(self._gate.expect)

    # Setting up --------------------------------------------------------------------------------

    def _set_up(self) -> str | None:
        """Give the worker a state of its own.

        Returns:
            Why that did not work, or None.
        """
        options = self._options
        self._gate.install()
        self._capture.install()
        self._forker = Forker(self._capture.mute, FORK_LIFETIME_S)
        os.register_at_fork(after_in_child=self._listener.close)
        os.environ.update(options.env)
        _reseed()
        self._shell.begin_afresh()
        self._shell.capture = self._capture
        self._shell.displayhook.pending = self._pending
        gc.enable()
        with contextlib.suppress(OSError):
            _write_oom_score()
        self._pump.start()
        try:
            os.chdir(options.cwd)
        except OSError as error:
            return f"The kernel's folder {options.cwd!r} can't be used: {error.strerror}."
        return _limit_memory(options.memory_limit_bytes)

    # Answering ---------------------------------------------------------------------------------

    def _answer(self, request: WorkerRequest) -> None:
        try:
            self._answers[type(request)](request)
        except MemoryError:
            sentence = memory_sentence(self._options.memory_limit_bytes)
            self._send(
                protocol.Broken(request.id, f"The kernel's process has no memory left. {sentence}")
            )
        except KeyboardInterrupt:
            self._gate.close()
            self._send(protocol.Broken(request.id, "It was interrupted."))
        if os.getpid() != self._pid:
            os._exit(0)  # a child that user code forked and let run out of its cell

    def _execute(self, request: protocol.Execute) -> None:
        self._gate.install()
        self._capture.begin(request.id, tells_late=request.tells_late)
        failure: tuple[str, str, list[str]] | None = None
        try:
            self._gate.open()
            try:
                failure = self._shell.run(request.code, request.count)
            finally:
                self._gate.close()
        except BaseException as error:  # noqa: BLE001  an interrupt between two lines of IPython
            self._gate.close()
            name = type(error).__name__
            failure = (name, exception_text(error), [name])
        if os.getpid() != self._pid:
            os._exit(0)
        if failure is not None:
            self._capture.drain_pipes()
            self._buffer.error(
                *explained(
                    failure,
                    environment=os.environ,
                    memory_limit_bytes=self._options.memory_limit_bytes,
                    pending=self._pending.explanation,
                )
            )
        self._pending.forget_set()
        self._capture.end()

    def _evaluate(self, request: protocol.Evaluate) -> None:
        answer: dict[str, Any] = {"type": "evaluated", "id": request.id}
        if request.collects:
            with self._capture.collecting() as outputs:
                answer["values"] = self._evaluate_all(request)
            answer["outputs"] = outputs.take()
        else:
            answer["values"] = self._evaluate_all(request)
        self._send_raw(answer)

    def _evaluate_all(self, request: protocol.Evaluate) -> list[dict[str, Any]]:
        try:
            values: list[dict[str, Any]] = self._guarded(
                lambda: evaluate_all(
                    request.expressions,
                    self._shell.user_ns,
                    restricted=request.restricted,
                    extra=request.extra,
                    limit_bytes=self._options.value_limit_bytes,
                    hidden=self._shell.user_ns_hidden,
                )
            )
        except KeyboardInterrupt:  # as it was about to begin, or had just ended
            return interrupted_results(len(request.expressions))
        explain_results(
            values,
            environment=os.environ,
            memory_limit_bytes=self._options.memory_limit_bytes,
            pending=self._pending,
        )
        return values

    def _assign(self, request: protocol.Assign) -> None:
        self._pending.assign(request.values)
        self._send(protocol.Assigned(request.id))

    def _set_pending(self, request: protocol.SetPending) -> None:
        try:
            self._pending.set_pending(request.names, request.token, request.why)
        except MemoryError:
            self._failed_tokens.add(request.token)

    def _resolve_pending(self, request: protocol.ResolvePending) -> None:
        if not self._failed_tokens.isdisjoint(request.resolved):
            self._failed_tokens.difference_update(request.resolved)
            raise MemoryError
        self._pending.resolve(request.resolved)
        self._send(protocol.Assigned(request.id))

    def _list_names(self, request: protocol.ListNames) -> None:
        names = user_names(self._shell.user_ns, self._shell.user_ns_hidden)
        self._send(protocol.Named(request.id, names))

    def _take_snapshot(self, request: protocol.TakeSnapshot) -> None:
        options, namespace = self._options, self._shell.user_ns
        part: dict[str, Any] = {}
        size = 0
        for name in wanted_names(request.names, namespace, self._shell.user_ns_hidden):
            if name not in namespace:
                continue
            describe = functools.partial(
                describe_within,
                namespace[name],
                options.value_limit_bytes,
                options.value_timeout_s,
            )
            part[name] = self._guarded(describe)
            # Text and JSON, each about as long; in characters, of which one has up to 4 bytes.
            size += 2 * len(part[name]["text"])
            if size > _SNAPSHOT_PART_BYTES:
                self._send_snapshot(request.id, part, last=False)
                part, size = {}, 0
        self._send_snapshot(request.id, part, last=True)

    def _send_snapshot(self, id_: int, part: dict[str, Any], *, last: bool) -> None:
        message = {"type": "snapshot_part", "id": id_, "values": part, "last": last}
        self._put(protocol.encode_plain(message), last=last)

    def _take_fork(self, request: protocol.TakeFork) -> None:
        descriptor = self._channel.take_descriptor()
        if descriptor is None:
            self._send(protocol.Broken(request.id, "A fork needs a socket."))
            return
        with socket.socket(fileno=descriptor) as connection:
            limit_bytes = self._options.value_limit_bytes
            fork = ForkProcess(self._shell, connection, limit_bytes)
            try:
                pid = self._forker.fork(fork.run)
            except (ForkRefused, OSError) as error:
                if isinstance(error, ForkRefused):
                    self._pump.collect_fork(error.pid)
                self._send(protocol.Broken(request.id, f"The kernel can't be forked: {error}."))
                return
        self._send(protocol.ForkTaken(request.id, pid))
        self._pump.collect_fork(pid)

    def _shut_down(self, _request: protocol.Shutdown) -> None:
        self._leave(0)

    def _guarded(self, function: Callable[[], Any]) -> Any:
        """Call a function that runs user code, which an interrupt may end."""
        self._gate.install()
        try:
            self._gate.open()
            try:
                return function()
            finally:
                self._gate.close()
        except BaseException:
            # An interrupt may have come between the end and the closing.
            self._gate.close()
            raise

    def _send(self, message: msgspec.Struct) -> None:
        self._put(encode(message))

    def _send_raw(self, message: dict[str, Any]) -> None:
        self._put(protocol.encode_plain(message))

    def _put(self, data: bytes, *, last: bool = True) -> None:
        if last:
            self._gate.settle()
        self._channel.put(data)
        self._channel.send_until(0, give_up=lambda: False)

    # Ending ------------------------------------------------------------------------------------

    def _leave(self, code: int) -> NoReturn:
        """End in an orderly way: what user code registered to run at the end runs."""
        self._remove_socket()
        self._gate.settle()
        with contextlib.suppress(BaseException):
            self._gate.open()
            atexit._run_exitfuncs()
        os._exit(code)

    def _abandon(self) -> NoReturn:
        """End at once, from any thread, with every process of the group."""
        self._remove_socket()
        if os.getpgrp() == self._pid:
            os.killpg(self._pid, signal.SIGKILL)
        os._exit(1)

    def _remove_socket(self) -> None:
        path = Path(self._options.path)
        with contextlib.suppress(OSError):
            path.unlink()
        if os.getppid() != self._parent:
            # The zygote, whose folder it is, has gone: the last worker takes the folder along.
            with contextlib.suppress(OSError):
                path.parent.rmdir()


def _reseed() -> None:
    """Forked processes share the state of random numbers with their parent: not this one."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _write_oom_score() -> None:
    # By the system's own calls: a text file would look its codec up, which takes 1 ms here.
    descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    try:
        os.write(descriptor, _OOM_SCORE)
    finally:
        os.close(descriptor)


def _limit_memory(limit_bytes: int) -> str | None:
    if not limit_bytes:
        return None
    import resource  # not on every platform

    try:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard != resource.RLIM_INFINITY:
            limit_bytes = min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
    except (OSError, ValueError) as error:
        return f"The kernel's memory can't be limited to {limit_bytes:,} bytes: {error}."
    return None


def run_program() -> None:
    """Be the program that `llm_repl_core.kernels.worker.spawner` starts."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    listener.set_inheritable(False)
    options = msgspec.json.decode(sys.stdin.buffer.read(), type=WorkerOptions)
    shell = make_shell()
    shell.prepare()
    WorkerProcess(shell, listener, options).run()
