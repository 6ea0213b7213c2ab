"""SIGINT at any point of a worker's way from one request to the next ends what it is meant for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from llm_repl_core.kernels.worker.channel import Channel
from llm_repl_core.kernels.worker.frames import frame
from llm_repl_core.kernels.worker.interrupts import SigintGate

REQUEST = frame(b"request")
ANSWER = frame(b"answer")
MOST_STEPS = 10_000


class Served:
    """A gate and a channel, as a worker has them, and who asks."""

    def __init__(self) -> None:
        self.asker, worker = socket.socketpair()
        self.asker.settimeout(10)
        self.channel = Channel()
        self.channel.attach(worker)
        self.gate = SigintGate(self.channel.has_message)
        self.gate.install()

    def serve(self, code: Callable[[], None]) -> bool:
        """Take one request up, run code for it, and say whether it was interrupted."""
        message = self.channel.receive(self.gate.expect)
        assert message == b"request"
        try:
            self.gate.open()
            code()
        except KeyboardInterrupt:
            return True
        finally:
            self.gate.close()
        return False

    def close(self) -> None:
        self.channel.detach()
        self.asker.close()


@pytest.fixture
def sigint() -> Iterator[None]:
    previous = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def handle_sigint() -> None:
    """What a signal does here and now: one of the system's can hang a thread that is traced."""
    handler = signal.getsignal(signal.SIGINT)
    assert callable(handler)
    handler(signal.SIGINT, None)


def stop_tracing() -> None:
    """User code for which nothing more is counted."""
    sys.settrace(None)


def run_traced(number: int, function: Callable[[], None], act: Callable[[], None]) -> bool:
    """Call a function, and act before the bytecode of that number, counted over all its frames.

    Returns:
        Whether there is such a bytecode.
    """
    steps = itertools.count()
    previous = sys.gettrace()
    was_reached = False

    def trace(traced: FrameType, event: str, _arg: object) -> Callable[..., Any] | None:
        nonlocal was_reached
        traced.f_trace_opcodes = True
        if event == "opcode" and next(steps) == number:
            was_reached = True
            sys.settrace(previous)
            act()
        return trace

    sys._getframe().f_trace_opcodes = True  # in 3.12, one frame has to ask before `sys.settrace`
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(previous)
    return was_reached


@pytest.mark.one_python
@pytest.mark.unmeasured  # coverage's tracer is in the way of another one
@pytest.mark.usefixtures("sigint")
def test_it_ends_the_request_that_has_come_whatever_the_worker_is_at() -> None:
    for number in range(MOST_STEPS):
        served = Served()
        served.asker.sendall(REQUEST)
        ended: list[bool] = []
        interrupts = []

        def interrupt(served: Served = served, interrupts: list[int] = interrupts) -> None:
            # Once code runs it is raised at once; a trace function that raises can hang.
            if not served.gate.running:
                interrupts.append(1)
                handle_sigint()

        run_traced(
            number,
            lambda served=served, ended=ended: ended.append(served.serve(stop_tracing)),
            interrupt,
        )
        served.close()
        if not interrupts:
            break
        assert ended == [True], f"at step {number}"
    assert 50 < number < MOST_STEPS


@pytest.mark.one_python
@pytest.mark.unmeasured  # coverage's tracer is in the way of another one
@pytest.mark.usefixtures("sigint")
def test_it_ends_the_next_request_while_the_last_one_is_put_away() -> None:
    for number in range(MOST_STEPS):
        served = Served()
        served.asker.sendall(REQUEST)
        assert not served.serve(lambda: None)
        signal.raise_signal(signal.SIGINT)  # meant for the first, and too late

        def answer(served: Served = served) -> None:
            served.gate.settle()
            served.channel.put(ANSWER)
            served.channel.send_until(0, give_up=lambda: False)

        def ask_and_interrupt(served: Served = served) -> None:
            if select.select([served.asker], [], [], 0)[0]:
                served.asker.sendall(REQUEST)
                handle_sigint()

        was_reached = run_traced(number, answer, ask_and_interrupt)
        has_answer = bool(select.select([served.asker], [], [], 0)[0])
        asked = served.channel.has_message()
        if not asked:
            served.asker.sendall(REQUEST)
        assert served.serve(lambda: None) is asked, f"at step {number}"
        served.close()
        if not was_reached:
            break
    assert has_answer
    assert 10 < number < MOST_STEPS


@pytest.mark.usefixtures("sigint")
def test_it_ends_nothing_where_nothing_was_asked() -> None:
    served = Served()
    signal.raise_signal(signal.SIGINT)
    served.asker.sendall(REQUEST)
    assert not served.serve(lambda: None)
    signal.raise_signal(signal.SIGINT)
    served.gate.settle()
    served.asker.sendall(REQUEST)
    assert not served.serve(lambda: None)
    served.close()


@pytest.mark.usefixtures("sigint")
def test_between_cells_it_ends_a_task_that_keeps_the_thread_and_what_was_asked() -> None:
    served = Served()

    async def keep_the_thread() -> None:
        served.asker.sendall(REQUEST)
        signal.raise_signal(signal.SIGINT)

    served.gate.between_cells = True
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop), pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(keep_the_thread())
    served.gate.between_cells = False
    assert served.serve(lambda: None)
    served.close()
