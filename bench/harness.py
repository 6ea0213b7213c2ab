"""A row of the table: how it is declared, and measured in turns with its peer."""

from __future__ import annotations

import contextlib
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any, TypeAlias

from msgspec import Struct

__all__ = [
    "Goal",
    "Measured",
    "Row",
    "Sample",
    "Spread",
    "at_least",
    "at_most",
    "measure",
    "row",
    "time_of",
]

Sample: TypeAlias = Callable[[], float]
"""Does the work once, or often, and returns what one time of it took; or a rate, or a size."""

_LEAST_ROUNDS = 3


class Goal(Struct, frozen=True):
    """How ours is to compare with the peer's.

    Attributes:
        text: The bound on ours divided by the peer's, as people write it: ``1/30``, ``0.6``.
        at_least: Whether it bounds from below, as for a rate.
    """

    text: str
    at_least: bool = False

    def __str__(self) -> str:
        times = "" if "/" in self.text else "×"
        return f"{'≥' if self.at_least else '≤'} {self.text}{times}"

    def is_met(self, ratio: float) -> bool:
        """Whether ours divided by the peer's is good enough."""
        bound = float(Fraction(self.text))
        return ratio >= bound if self.at_least else ratio <= bound


def at_most(text: str) -> Goal:
    """Ours divided by the peer's is to be this, or less."""
    return Goal(text)


def at_least(text: str) -> Goal:
    """Ours divided by the peer's is to be this, or more."""
    return Goal(text, at_least=True)


class Row(Struct, frozen=True, kw_only=True):
    """What is measured, against what, and how.

    Attributes:
        name: Names it on the command line.
        what: What is measured.
        against: The peer, or the ceiling.
        goal: None: the figure is for information.
        unit: Of a sample: ``s``, ``1/s`` or ``bytes``.
        rounds: How often each side has its turn, where the time allows it.
        limit_s: When no new round is begun; with twice as much the row is given up.
        prepare: Gives both sides' `Sample`; what it started ends with it.
    """

    name: str
    what: str
    against: str
    goal: Goal | None
    unit: str
    rounds: int
    limit_s: float
    prepare: Callable[[], AbstractContextManager[tuple[Sample, Sample]]]


def row(
    *,
    what: str,
    against: str,
    name: str | None = None,
    goal: Goal | None,
    unit: str = "s",
    rounds: int = 15,
    limit_s: float = 60.0,
) -> Callable[[Callable[[], Iterator[tuple[Sample, Sample]]]], Row]:
    """Make a row of a generator that yields ``ours, peers`` once; see `Row`.

    Without a name of its own, it has that of the generator.
    """

    def decorate(prepare: Callable[[], Iterator[tuple[Sample, Sample]]]) -> Row:
        return Row(
            name=name or prepare.__name__,
            what=what,
            against=against,
            goal=goal,
            unit=unit,
            rounds=rounds,
            limit_s=limit_s,
            prepare=contextlib.contextmanager(prepare),
        )

    return decorate


class Spread(Struct, frozen=True):
    """The middle half of some samples."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, samples: list[float]) -> Spread:
        """The quartiles of at least two samples."""
        return cls(*statistics.quantiles(samples, n=4, method="inclusive"))


class Measured(Struct, frozen=True):
    """A row and what came of it.

    Attributes:
        row: The row.
        ours: Our samples, in the order in which they were taken.
        peers: The peer's, each taken right after ours.
        problem: Why it could not be measured, where it could not.
    """

    row: Row
    ours: list[float]
    peers: list[float]
    problem: str | None = None

    @property
    def ratio(self) -> float:
        """Our median divided by the peer's."""
        return statistics.median(self.ours) / statistics.median(self.peers)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without goal or figures."""
        if self.problem is not None or self.row.goal is None:
            return None
        return self.row.goal.is_met(self.ratio)


def measure(one: Row) -> Measured:
    """Take samples of both sides in turns, after one turn each that does not count."""
    ours: list[float] = []
    peers: list[float] = []
    try:
        with _given_up_after(2 * one.limit_s), one.prepare() as (our_sample, peers_sample):
            our_sample()
            peers_sample()
            started = time.perf_counter()
            while len(ours) < one.rounds:
                if len(ours) >= _LEAST_ROUNDS and time.perf_counter() - started > one.limit_s:
                    break
                our_figure = our_sample()
                peers.append(peers_sample())
                ours.append(our_figure)
    except Exception as error:  # noqa: BLE001  one row that cannot be measured stops no other
        reason = " ".join(str(error).split()) or "no reason given"
        return Measured(one, ours, peers, problem=f"{type(error).__name__}: {reason}")
    return Measured(one, ours, peers)


def time_of(work: Callable[[], Any], *, times: int = 1) -> float:
    """How long one time of some work takes, in seconds."""
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


@contextlib.contextmanager
def _given_up_after(limit_s: float) -> Iterator[None]:
    """Raise TimeoutError in whatever hangs, after a time, and again should its cleanup hang."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"not finished after {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, limit_s, 20.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
