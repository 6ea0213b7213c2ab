"""Signals that come while code runs in the main thread take effect, and reach who waits for them."""

from __future__ import annotations

import ctypes
import functools
import operator
import os
import select
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import pytest

from llm_repl_core.kernels.in_process.signal_wakeup import signals_watched


@pytest.fixture
def came() -> Iterator[list[int]]:
    numbers: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        numbers.append(number)

    before = signal.signal(signal.SIGUSR1, note)
    yield numbers
    signal.signal(signal.SIGUSR1, before)


def _signal_then(block: functools.partial[object]) -> None:
    """Send SIGUSR1 and block, without a look for signals in between."""
    kill = functools.partial(ctypes.CDLL(None).kill, os.getpid(), int(signal.SIGUSR1))
    list(map(operator.call, [kill, block]))


def test_a_handler_runs_while_the_code_blocks(came: list[int]) -> None:
    reading, writing = socket.socketpair()

    def answer(_number: int, _frame: FrameType | None) -> None:
        came.append(0)
        writing.send(b"x")

    signal.signal(signal.SIGUSR1, answer)
    reading.settimeout(60)
    with reading, writing, signals_watched():
        _signal_then(functools.partial(reading.recv, 1))
    assert came == [0]


def test_an_event_loops_descriptor_hears_of_signals_as_before(came: list[int]) -> None:
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    before = signal.set_wakeup_fd(writing.fileno())
    try:
        with signals_watched():
            os.kill(os.getpid(), signal.SIGUSR1)
            ready, _, _ = select.select([reading], [], [], 60)
        assert signal.set_wakeup_fd(writing.fileno()) == writing.fileno()
    finally:
        signal.set_wakeup_fd(before)
    with reading, writing:
        assert ready
        assert reading.recv(16)[:1] == bytes([signal.SIGUSR1])
    assert came == [signal.SIGUSR1]


def test_behind_it_all_is_as_before(came: list[int]) -> None:
    with signals_watched(), signals_watched():
        os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    assert came == [signal.SIGUSR1]


def test_whoever_uses_the_waking_signal_keeps_it() -> None:
    def own(_number: int, _frame: FrameType | None) -> None:
        """Nothing to do."""

    before = signal.signal(signal.SIGURG, own)
    try:
        with signals_watched():
            assert signal.getsignal(signal.SIGURG) is own
        assert signal.getsignal(signal.SIGURG) is own
    finally:
        signal.signal(signal.SIGURG, before)
