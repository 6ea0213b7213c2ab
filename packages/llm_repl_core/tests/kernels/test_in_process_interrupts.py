"""Ctrl-C beside the code that an in-process kernel runs in the main thread."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from llm_repl_core.kernels.in_process import interrupts
from llm_repl_core.kernels.in_process.interrupts import InterruptGate


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals that come to the caller's own handler, as asyncio's would be."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    yield heard
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def gate() -> InterruptGate:
    return InterruptGate(lambda _: False)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have something happen right before the code begins, and right behind its end."""

    def arrange(
        before: Callable[[], object] = lambda: None, after: Callable[[], object] = lambda: None
    ) -> None:
        @contextmanager
        def watched() -> Iterator[None]:
            before()
            yield
            after()

        monkeypatch.setattr(interrupts, "signals_watched", watched)

    return arrange


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("when", ["before", "after"])
def test_ctrl_c_beside_the_code_is_its_callers(
    heard: list[int], gate: InterruptGate, at: Callable[..., None], when: str
) -> None:
    at(**{when: press_ctrl_c})
    assert gate.run(lambda: 7) == 7
    assert heard == [signal.SIGINT]
    assert not gate.took_sigint


def test_ctrl_c_within_the_code_is_its_own(heard: list[int], gate: InterruptGate) -> None:
    with pytest.raises(KeyboardInterrupt):
        gate.run(press_ctrl_c)
    assert gate.took_sigint
    assert heard == []


def test_an_interrupt_that_comes_late_is_nobodys(
    heard: list[int], gate: InterruptGate, at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(after=press_ctrl_c)  # what the gate has sent, once the code has ended
    monkeypatch.setattr(signal, "pthread_kill", lambda *_: None)
    gate.run(gate.interrupt)
    assert heard == []
    at(before=press_ctrl_c)
    gate.run(lambda: None)
    assert heard == [signal.SIGINT]
