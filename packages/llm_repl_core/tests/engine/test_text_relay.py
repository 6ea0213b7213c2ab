"""Pieces of an answer, joined so that nobody is told more often than they can look."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.engine.text_relay import TextRelay

INTERVAL_S = 0.02


class Clock:
    """The loop's time and its timers, moved on by hand."""

    def __init__(self):
        self.now_s = 100.0
        self.timers = []

    def time(self):
        return self.now_s

    def call_at(self, when_s, callback):
        timer = Timer(when_s, callback)
        self.timers.append(timer)
        return timer

    def call_soon(self, callback):
        return self.call_at(self.now_s, callback)

    def come_round(self):
        self.go_to(self.now_s)

    def go_to(self, when_s):
        for timer in sorted(self.timers, key=lambda one: one.when_s):
            if timer.when_s <= when_s and not timer.is_cancelled:
                self.now_s = max(self.now_s, timer.when_s)
                timer.callback()
                timer.is_cancelled = True
        self.now_s = when_s

    def waiting(self):
        return [timer for timer in self.timers if not timer.is_cancelled]


class Timer:
    def __init__(self, when_s, callback):
        self.when_s, self.callback, self.is_cancelled = when_s, callback, False

    def cancel(self):
        self.is_cancelled = True


def relay_at(clock):
    told = []

    async def make():
        return TextRelay(lambda text: told.append((round(clock.now_s, 6), text)))

    relay = asyncio.run(make())
    relay._throttle._loop = clock  # its only source of time
    return relay, told


def test_the_first_piece_is_told_at_once_and_the_next_are_joined():
    clock = Clock()
    relay, told = relay_at(clock)
    relay.add("a")
    assert told == []
    clock.come_round()
    assert told == [(100.0, "a")]
    for place, piece in enumerate("bcd"):
        clock.go_to(100.001 + place / 1000)
        relay.add(piece)
    assert told == [(100.0, "a")]
    assert len(clock.waiting()) == 1
    clock.go_to(100.5)
    assert told == [(100.0, "a"), (100.02, "bcd")]
    assert clock.waiting() == []


def test_what_came_in_one_piece_goes_on_as_one():
    clock = Clock()
    relay, told = relay_at(clock)
    for piece in "abc":
        relay.add(piece)
    clock.come_round()
    assert told == [(100.0, "abc")]
    assert clock.waiting() == []


def test_after_a_while_a_piece_is_told_at_once_again():
    clock = Clock()
    relay, told = relay_at(clock)
    relay.add("a")
    clock.go_to(100.0 + INTERVAL_S)
    relay.add("b")
    clock.come_round()
    assert told == [(100.0, "a"), (100.02, "b")]


def test_the_end_tells_what_waits_and_leaves_no_timer():
    clock = Clock()
    relay, told = relay_at(clock)
    relay.add("a")
    clock.come_round()
    relay.add("b")
    relay.flush()
    assert told == [(100.0, "a"), (100.0, "b")]
    assert clock.waiting() == []
    relay.flush()
    clock.go_to(200.0)
    assert len(told) == 2


def test_what_is_dropped_is_not_told():
    clock = Clock()
    relay, told = relay_at(clock)
    relay.add("a")
    clock.come_round()
    relay.add("void")
    relay.drop()
    assert clock.waiting() == []
    clock.go_to(100.01)
    relay.add("b")  # of the next attempt, within the interval
    clock.go_to(200.0)
    assert told == [(100.0, "a"), (100.02, "b")]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 0.05), st.text(min_size=1, max_size=3)), max_size=30))
def test_nothing_is_lost_and_no_two_come_within_the_interval(pieces):
    clock = Clock()
    relay, told = relay_at(clock)
    for wait_s, text in pieces:
        clock.go_to(clock.now_s + wait_s)
        relay.add(text)
    added = "".join(text for _, text in pieces)
    clock.go_to(clock.now_s + INTERVAL_S)
    assert "".join(text for _, text in told) == added
    times_s = [when_s for when_s, _ in told]
    gaps_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    assert all(gap_s >= INTERVAL_S - 1e-5 for gap_s in gaps_s)
    assert clock.waiting() == []


def test_with_the_loops_own_time():
    async def talk():
        told, joined = [], asyncio.Event()

        def tell(text):
            told.append(text)
            if len(told) > 1:
                joined.set()

        relay = TextRelay(tell)
        relay.add("a")
        relay.add("b")
        assert told == []
        await asyncio.sleep(0)
        assert told == ["ab"]
        for piece in "cdef":
            relay.add(piece)
        await asyncio.wait_for(joined.wait(), 10)
        return told

    assert asyncio.run(talk()) == ["ab", "cdef"]
