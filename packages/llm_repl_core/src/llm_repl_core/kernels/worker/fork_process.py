"""What runs in a fork of a worker: it answers what prompts ask of the state, and does nothing else."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from llm_repl_core.kernels.evaluation import evaluate_all, user_names
from llm_repl_core.kernels.worker import protocol
from llm_repl_core.kernels.worker.frames import FrameParser
from llm_repl_core.kernels.worker.isolation import die_after, isolate, refuse_acts
from llm_repl_core.kernels.worker.shell import WorkerShell

__all__ = ["ForkProcess", "fork_quietly"]

_LIFETIME_S = 10.0
"""How long it stays where nobody asks, and how long any question may take at most."""
_READ_BYTES = 256 * 1024


class ForkProcess:
    """A fork, in its own process from here on.

    It has no thread but this one, and needs no lock that another thread of the worker may have
    held. Nothing that the worker was about to write is written here, as it never ends in an orderly
    way.

    Args:
        shell: The worker's, with the state.
        listener: The socket on which it is found.
        value_limit_bytes: Of one value's text.
    """

    def __init__(self, shell: WorkerShell, listener: socket.socket, value_limit_bytes: int) -> None:
        self._shell = shell
        self._listener = listener
        self._value_limit_bytes = value_limit_bytes
        self._parser = FrameParser(protocol.MESSAGE_LIMIT_BYTES)

    def run(self, parent: int) -> NoReturn:
        """Serve one connection until it ends.

        Args:
            parent: The worker's process.
        """
        try:
            self._shell.capture = None  # what is displayed is shown nowhere
            isolate(parent, self._listener.fileno(), _LIFETIME_S)
            self._serve()
        finally:
            os._exit(0)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        self._listener.close()
        refuse_acts()  # to accept a connection is one
        hello = protocol.Hello(protocol.PROTOCOL_VERSION, os.getpid())
        connection.sendall(protocol.encode(hello))
        decoder = protocol.request_decoder()
        while data := connection.recv(_READ_BYTES):
            for message in self._parser.feed(data):
                die_after(_LIFETIME_S)
                connection.sendall(self._answer(decoder.decode(message)))
                die_after(_LIFETIME_S)

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


def fork_quietly(mute: Callable[[bool], None]) -> int:
    """Fork, without a trace in what the user's code sees.

    Args:
        mute: Says whether what this thread prints is to be dropped.

    Returns:
        The child's number; 0 in the child.

    Raises:
        OSError: The system refuses, or something that the user has imported does.
    """
    state = random.getstate()
    refusals: list[object] = []
    mute(True)
    try:
        with _unraisable_to(refusals), _without_warnings():
            pid = os.fork()
    finally:
        mute(False)
    if pid == 0:
        random.setstate(state)  # it has been seeded anew
        if refusals:
            os._exit(0)
    elif refusals:
        raise ForkRefused(pid)
    return pid


class ForkRefused(OSError):
    """Something that is imported does not want to be forked; the child has ended or will at once.

    Args:
        pid: The child.
    """

    def __init__(self, pid: int) -> None:
        super().__init__("a library that is imported refuses")
        self.pid = pid


@contextlib.contextmanager
def _unraisable_to(collected: list[object]) -> Iterator[None]:
    """Collect what functions raise that are called at a fork, which Python would print."""
    hook, thread = sys.unraisablehook, threading.get_ident()

    def collect(unraisable: sys.UnraisableHookArgs) -> None:
        if threading.get_ident() == thread:
            collected.append(unraisable.exc_type)
        else:
            hook(unraisable)

    sys.unraisablehook = collect
    try:
        yield
    finally:
        sys.unraisablehook = hook


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Python warns of forks beside threads.

    `warnings.catch_warnings` would have it forget which warnings it has shown already.
    """
    filters = warnings.filters
    warnings.filters = [("ignore", None, Warning, None, 0)]
    try:
        yield
    finally:
        warnings.filters = filters
