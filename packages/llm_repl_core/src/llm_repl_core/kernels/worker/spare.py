"""A process that is forked before a worker is asked for, so that nobody waits for what a fork costs.

A forked process pays for each page of memory when it first writes to it, some 4 ms until it has run
its first cell. A spare process has done that, and waits for the socket and the options of the worker
that it is to be. It ends with its zygote.
"""

from __future__ import annotations

import os
import socket
from typing import NoReturn

import msgspec
from msgspec import Struct

from llm_repl_core.kernels.worker.protocol import WorkerOptions
from llm_repl_core.kernels.worker.shell import WorkerShell
from llm_repl_core.kernels.worker.unsent import LastOutput
from llm_repl_core.kernels.worker.worker_process import WorkerProcess

__all__ = ["Spare", "run_spare"]

_WARMING = ("x = 1", "1 + 1", "def f(): return [str(i) for i in range(3)]\nf()")
"""What a first cell may do."""


class Spare(Struct, frozen=True):
    """A spare process, as its zygote knows it.

    Attributes:
        pid: The process.
        line: Over which it hears what it is to be.
    """

    pid: int
    line: socket.socket

    def hand_over(self, options: WorkerOptions, listener: socket.socket) -> None:
        """Make it a worker.

        Raises:
            OSError: It has gone.
        """
        data = msgspec.msgpack.encode(options)
        socket.send_fds(self.line, [len(data).to_bytes(4, "big")], [listener.fileno()])
        self.line.sendall(data)


def run_spare(shell: WorkerShell, line: socket.socket, last_output: LastOutput) -> NoReturn:
    """Wait for what a worker needs, in a process that has just been forked, and be that worker.

    Args:
        shell: The zygote's.
        line: From the zygote.
        last_output: What the zygote keeps of this process.
    """
    for code in _WARMING:
        shell.run(code)
    shell.begin_afresh()
    size, descriptors, _, _ = socket.recv_fds(line, 4, 1)
    if not descriptors:
        os._exit(0)  # the zygote has gone
    options = _read_options(line, int.from_bytes(size, "big"))
    line.close()
    listener = socket.socket(fileno=descriptors[0])
    listener.set_inheritable(False)
    WorkerProcess(shell, listener, options, last_output).run()
    os._exit(70)


def _read_options(line: socket.socket, size: int) -> WorkerOptions:
    data = b""
    while len(data) < size:
        piece = line.recv(size - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return msgspec.msgpack.decode(data, type=WorkerOptions)
