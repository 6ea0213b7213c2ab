"""What runs in a zygote: it has imported what workers need, and forks them.

One worker is always forked ahead (see `spare`). A zygote has one thread, as a fork copies only the one that forks. It stays the workers' parent, so that
it can tell how each of them ended. It ends when its owner does, which it sees by the end of the
control connection; the workers then end by themselves after their time, and it ends those that do
not, as code that never lets go of Python's lock keeps them from it. They also end with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import linecache
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

import msgspec

from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.frames import FrameParser
from llm_repl_core.kernels.worker.listening import listen
from llm_repl_core.kernels.worker.protocol import Fork, encode
from llm_repl_core.kernels.worker.shell import WorkerShell, make_shell
from llm_repl_core.kernels.worker.spare import Spare, run_spare
from llm_repl_core.kernels.worker.unsent import LastOutput

__all__ = ["main", "run_program"]

_SPARE_DELAY_MS = 50
_END_S = 1.0
_PR_SET_PDEATHSIG = 1


def main(control_descriptor: int, preload: list[str]) -> None:
    """Be a zygote until the owner is gone, and the workers with it.

    Args:
        control_descriptor: A connected Unix socket, over which the owner asks.
        preload: Modules to import.
    """
    control = socket.socket(fileno=control_descriptor)
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the owner's
    gc.disable()  # it is, where this is the program: a collection writes to all of its memory
    shell = make_shell()
    with shell.builtin_trap:  # so that libraries find the shell that cells will have
        problems = [problem for name in preload if (problem := _import(name))]
    shell.prepare()
    protocol.request_decoder()
    gc.freeze()
    _silence()
    control.sendall(encode(protocol.Ready(problems)))
    _Zygote(control, shell).run()


class _Zygote:
    def __init__(self, control: socket.socket, shell: WorkerShell) -> None:
        self._control = control
        self._shell = shell
        self._parser = FrameParser(protocol.MESSAGE_LIMIT_BYTES)
        self._requests = msgspec.msgpack.Decoder(Fork)
        self._wake_reading, self._wake_writing = os.pipe()
        for descriptor in (self._wake_reading, self._wake_writing):
            os.set_blocking(descriptor, False)
        self._spare: Spare | None = None
        self._lingers_s: dict[int, float] = {}
        self._last_outputs: dict[int, LastOutput] = {}
        """By process: of the workers, and of the spare one."""

    def run(self) -> None:
        """Serve until the control connection ends, and see the workers to their end."""
        self._serve()
        if self._spare is not None:
            self._spare.line.close()  # at which it ends
        self._end_workers()

    def _serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_writing, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake_reading, select.POLLIN)
        self._spare = self._make_spare()
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(self._patience_ms())}
            if not ready:
                with contextlib.suppress(OSError):  # the next one is forked when it is asked for
                    self._spare = self._make_spare()
            if self._wake_reading in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reading, 4096)
                self._reap()
            if self._control.fileno() in ready:
                try:
                    data = self._control.recv(65536)
                except OSError:
                    return
                if not data:
                    return
                for message in self._parser.feed(data):
                    self._fork(self._requests.decode(message))

    def _end_workers(self) -> None:
        """Wait for the workers, which end when nobody connects; end those that do not."""
        poll = select.poll()
        poll.register(self._wake_reading, select.POLLIN)
        deadline = time.monotonic() + max(self._lingers_s.values(), default=0) + _END_S
        self._reap()
        while self._lingers_s and (left_s := deadline - time.monotonic()) > 0:
            poll.poll(left_s * 1000)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_reading, 4096)
            self._reap()
        for pid in self._lingers_s:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)

    def _patience_ms(self) -> int | None:
        """How long to wait before a spare is made: not while a new worker runs its first cell."""
        return _SPARE_DELAY_MS if self._spare is None else None

    def _fork(self, request: Fork) -> None:
        try:
            with listen(request.options.path) as listener:
                pid = self._make_worker(request, listener)
        except OSError as error:
            self._send(protocol.ForkFailed(request.id, f"The system refuses: {error}."))
            return
        self._send(protocol.Forked(request.id, pid))

    def _make_worker(self, request: Fork, listener: socket.socket) -> int:
        """Hand a worker's socket and options to the spare process; its number."""
        spare, self._spare = self._spare or self._make_spare(), None
        try:
            spare.hand_over(request.options, listener)
        except OSError:
            # It was killed meanwhile. One that has just been made has not.
            spare.line.close()
            spare = self._make_spare()
            spare.hand_over(request.options, listener)
        spare.line.close()
        self._lingers_s[spare.pid] = request.options.linger_s
        return spare.pid

    def _make_spare(self) -> Spare:
        line, theirs = socket.socketpair()
        zygote = os.getpid()
        with theirs:
            last_output = LastOutput()
            try:
                pid = os.fork()
            except OSError:
                last_output.close()
                raise
            if pid == 0:
                line.close()
                self._run_spare(theirs, last_output, zygote)
        last_output.leave_to_worker()
        self._last_outputs[pid] = last_output
        return Spare(pid, line)

    def _run_spare(self, line: socket.socket, last_output: LastOutput, parent: int) -> None:
        """Never returns."""
        try:
            os.setpgid(0, 0)
            _end_with(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(self._wake_reading)
            os.close(self._wake_writing)
            self._control.close()
            for others in self._last_outputs.values():
                others.close()
            run_spare(self._shell, line, last_output)
        finally:
            os._exit(70)

    def _reap(self) -> None:
        while True:
            try:
                # Looked at first and collected later: as long as it is there, its number can't
                # be given to another group of processes.
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if self._spare is not None and self._spare.pid == ended.si_pid:
                self._spare.line.close()
                self._spare = None
            with contextlib.suppress(OSError):
                os.killpg(ended.si_pid, signal.SIGKILL)
            pid, status = os.waitpid(ended.si_pid, 0)
            self._lingers_s.pop(pid, None)
            texts: list[tuple[str, str]] = []
            last_output = self._last_outputs.pop(pid, None)
            if last_output is not None:  # else a preloaded module has started a program
                texts = last_output.read()
                last_output.close()
            self._send(protocol.Ended(pid, os.waitstatus_to_exitcode(status), texts))

    def _send(self, message: msgspec.Struct) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(encode(message))


def _end_with(parent: int) -> None:
    """Have this process killed when its parent ends, whatever it does then, where that can be had."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _import(name: str) -> str | None:
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001  a module's code, anything may come out of it
        text = str(error).rstrip(".")
        return f"The module {name!r} can't be preloaded: {type(error).__name__}: {text}."
    return None


def _silence() -> None:
    """Let go of the streams that the owner gave, which told why a start failed."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def run_program() -> None:
    """Be the program that `llm_repl_core.kernels.worker.zygote` starts."""
    # From 3.13 on, Python knows the text of `-c`, and tracebacks would show it for the user's `eval`.
    linecache.cache.pop("<string>", None)
    folder = Path.cwd()
    if sys.argv[2].isdigit():
        # Its workers keep the folder in use; the programs that they start do not.
        os.set_inheritable(int(sys.argv[2]), False)
    main(int(sys.argv[1]), sys.argv[3:])
    with contextlib.suppress(OSError):
        for path in folder.glob("*.sock"):  # of workers that could not remove it themselves
            path.unlink()
        folder.rmdir()
    # Not by the usual way out: what IPython registered there belongs to workers.
    os._exit(0)
