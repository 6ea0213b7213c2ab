"""Commands in processes that are forked from one which has imported what commands import.

A command that is started anew imports for most of its time. What a test of its answers needs is a
process with its own arguments, folder, environment and streams; that it imports little, and how it
begins and is ended, other tests see.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO

LIMIT_S = 60.0
_SIZE_LIMIT = 2**20
_MODULES = (
    *(f"llm_repl_server.cli.{name}" for name in ("entry", "main", "calls", "graph", "keys")),
    *(f"llm_repl_server.cli.{name}" for name in ("preview", "run", "progress", "run_ledgers")),
    *("llm_repl_core.application", "llm_repl_core.kernels.worker.kernel"),
    *("llm_repl_core.parameters.injected", "llm_repl_server.storage.call_log"),
    *("llm_repl_providers.mock.provider", "llm_repl_providers.openai.provider", "openai"),
)


class CommandForks:
    """Runs ``llm-repl``, one command at a time. A context manager, which ends the process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self,
        arguments: list[str],
        *,
        cwd: Path,
        environment: dict[str, str],
        stdin: str = "",
        columns: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as `subprocess.run` does.

        With ``columns``, its streams are a terminal of that width, and ``stdout`` is all that it
        shows.
        """
        request = json.dumps(
            {"arguments": arguments, "cwd": str(cwd), "environment": environment}
        ).encode()
        if columns is not None:
            return self._run_at_terminal(arguments, request, columns)
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin.encode())
            given.seek(0)
            code = self._send(arguments, request, [file.fileno() for file in (given, out, err)])
            return subprocess.CompletedProcess(arguments, code, _text(out), _text(err))

    def _run_at_terminal(
        self, arguments: list[str], request: bytes, columns: int
    ) -> subprocess.CompletedProcess[str]:
        import pty
        import termios

        controller, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        shown = bytearray()

        def read() -> None:
            with contextlib.suppress(OSError):  # Linux says so when the last who had it has gone
                while data := os.read(controller, 65536):
                    shown.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            code = self._send(arguments, request, [theirs] * 3)
        finally:
            os.close(theirs)
            reader.join(LIMIT_S)
            os.close(controller)
        text = shown.decode().replace("\r\n", "\n")
        return subprocess.CompletedProcess(arguments, code, text, "")

    def _send(self, arguments: list[str], request: bytes, descriptors: list[int]) -> int:
        """Have a command run with these streams; its exit code."""
        line = self._start()
        socket.send_fds(line, [request], descriptors)
        try:
            return int(line.recv(64))
        except (OSError, ValueError) as error:
            self.close()
            raise AssertionError(
                f"{arguments} did not end within {LIMIT_S:g} s, or well"
            ) from error

    def close(self) -> None:
        """End the process from which commands are forked."""
        line, self._line = self._line, None
        process, self._process = self._process, None
        if line is not None and process is not None:
            line.close()
            try:
                process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> socket.socket:
        if self._line is None:
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._line.settimeout(LIMIT_S)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, __file__, str(theirs.fileno())],
                    env=self._environment,
                    pass_fds=[theirs.fileno()],
                )
        return self._line


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def serve(line: socket.socket) -> None:
    """Fork a command for each request; returns in the process of a command, to run it."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(line, _SIZE_LIMIT, 3)
        if not data:
            sys.exit()
        pid = os.fork()
        if pid == 0:
            line.close()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            if os.isatty(1):  # the streams were made for what is no terminal
                sys.stdin = open(0, closefd=False)  # noqa: SIM115  # for as long as the process lives
                sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115  # for as long as the process lives
                sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  # for as long as the process lives
            request = json.loads(data)
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["cwd"])
            sys.argv = ["llm-repl", *request["arguments"]]
            return
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        line.send(str(os.waitstatus_to_exitcode(status)).encode())


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command as an interpreter does, up to what takes long of its end: to free all."""
    try:
        command()
    except SystemExit as ending:
        code = ending.code
    else:
        code = 0
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    del sys.path[0]  # the folder of these tests, which no command has
    for module in _MODULES:
        import_module(module)
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from llm_repl_server.cli.entry import main

    os._exit(exit_code_of(main))
