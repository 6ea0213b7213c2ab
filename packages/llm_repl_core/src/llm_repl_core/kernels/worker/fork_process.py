"""What runs in a fork of a worker: it answers what prompts ask of the state, and does nothing else."""

from __future__ import annotations

import os
import socket
from typing import Any, NoReturn

from llm_repl_core.kernels.evaluation import evaluate_all, user_names
from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.frames import FrameParser
from llm_repl_core.kernels.worker.isolation import die_after, isolate, refuse_acts
from llm_repl_core.kernels.worker.shell import WorkerShell

__all__ = ["FORK_LIFETIME_S", "ForkProcess"]

FORK_LIFETIME_S = 10.0
"""How long it waits for the first question, and any question takes, at most."""
_IDLE_S = 600.0
"""How long it stays for the next question: answers of models may be slow."""
_READ_BYTES = 64 * 1024


class ForkProcess:
    """A fork, in its own process from here on.

    It has no thread but this one, and needs no lock that another thread of the worker may have
    held. Nothing that the worker was about to write is written here, as it never ends in an orderly
    way.

    Args:
        shell: The worker's, with the state.
        connection: What it is asked by.
        value_limit_bytes: Of one value's text.
    """

    def __init__(
        self, shell: WorkerShell, connection: socket.socket, value_limit_bytes: int
    ) -> None:
        self._shell = shell
        self._connection = connection
        self._value_limit_bytes = value_limit_bytes
        self._parser = FrameParser(protocol.MESSAGE_LIMIT_BYTES)

    def run(self) -> NoReturn:
        """Answer until the connection ends."""
        try:
            self._shell.capture = None  # what is displayed is shown nowhere
            isolate(self._connection.fileno())
            refuse_acts()
            self._serve()
        finally:
            os._exit(0)

    def _serve(self) -> None:
        decoder = protocol.request_decoder()
        while data := self._connection.recv(_READ_BYTES):
            for message in self._parser.feed(data):
                die_after(FORK_LIFETIME_S)
                self._connection.sendall(self._answer(decoder.decode(message)))
                die_after(_IDLE_S)

    def _answer(self, request: protocol.WorkerRequest) -> bytes:
        try:
            if isinstance(request, protocol.Evaluate):
                return protocol.encode_plain(
                    {"type": "evaluated", "id": request.id, "values": self._evaluate(request)}
                )
            if isinstance(request, protocol.Assign):
                self._shell.user_ns.update(request.values)
                return protocol.encode(protocol.Assigned(request.id))
            if isinstance(request, protocol.ListNames):
                names = user_names(self._shell.user_ns, self._shell.user_ns_hidden)
                return protocol.encode(protocol.Named(request.id, names))
        except MemoryError:
            return protocol.encode(protocol.Broken(request.id, "There is no memory left."))
        return protocol.encode(protocol.Broken(request.id, "A fork is only looked at."))

    def _evaluate(self, request: protocol.Evaluate) -> list[dict[str, Any]]:
        return evaluate_all(
            request.expressions,
            self._shell.user_ns,
            restricted=request.restricted,
            extra=request.extra,
            limit_bytes=self._value_limit_bytes,
            hidden=self._shell.user_ns_hidden,
        )
