from __future__ import annotations

import asyncio
import itertools
import random
import time
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from llm_repl_core import (
    Application,
    CallQueued,
    CallSent,
    CellText,
    InvalidSetting,
    Notebook,
    Session,
)
from llm_repl_core.engine import limits
from llm_repl_core.engine.limits import ProviderLimits
from llm_repl_core.engine.loop import EngineLoop

LIMIT_S = 20.0


class Clockwork(asyncio.SelectorEventLoop):
    """A loop whose time stands still until somebody moves it."""

    now = 1_000.0

    def time(self):
        return self.now

    def settle(self):
        """Run until nothing more happens without time passing."""
        self.run_until_complete(_rounds(8))


async def _rounds(count):
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch):
    loop = Clockwork()
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=loop.time))
    yield loop
    loop.close()


class Visitor:
    """A call that keeps its place until it is told to go."""

    def __init__(self, loop, places, provider="mock", log=None):
        self.inside = False
        self.go = asyncio.Event()
        self._log = log
        self.task = loop.create_task(self._visit(places, provider))

    async def _visit(self, places, provider):
        async with places.slot(provider):
            self.inside = True
            if self._log is not None:
                self._log.append(self)
            try:
                await self.go.wait()
            finally:
                self.inside = False


class Law(RuleBasedStateMachine):
    """Whatever comes, leaves, is cancelled and is paused in whatever order.

    The rules themselves do not let the loop run: several of them may fall into one round of it,
    as when a call is cancelled between being handed a place and noticing it.
    """

    visitors = Bundle("visitors")
    places_count = 2

    def __init__(self):
        super().__init__()
        self.loop = Clockwork()
        limits.time = SimpleNamespace(monotonic=self.loop.time)
        self.places = ProviderLimits(self.places_count)
        self.everybody = []
        self.entered = []
        self.paused_until = 0.0
        self.settled = True

    def teardown(self):
        for visitor in self.everybody:
            visitor.task.cancel()
        self.loop.now += 1_000
        self.loop.settle()
        assert all(visitor.task.done() for visitor in self.everybody)
        # No place is lost: as many as ever get in at once.
        last = [Visitor(self.loop, self.places) for _ in range(self.places_count + 1)]
        self.loop.settle()
        assert [visitor.inside for visitor in last] == [True] * self.places_count + [False]
        for visitor in last:
            visitor.task.cancel()
        self.loop.settle()
        self.loop.close()
        limits.time = time

    @rule(target=visitors)
    def arrive(self):
        visitor = Visitor(self.loop, self.places, log=self.entered)
        self.everybody.append(visitor)
        self.settled = False
        return visitor

    @rule(visitor=visitors)
    def cancel(self, visitor):
        visitor.task.cancel()
        self.settled = False

    @rule(visitor=visitors)
    def leave(self, visitor):
        visitor.go.set()
        self.settled = False

    @rule(duration_s=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
    def pause(self, duration_s):
        self.places.pause("mock", duration_s)
        self.paused_until = max(self.paused_until, self.loop.now + duration_s)

    @rule(duration_s=st.sampled_from([0.25, 1.0, 3.0]))
    def time_passes(self, duration_s):
        self.loop.now += duration_s
        self.settled = False

    @rule()
    def one_round(self):
        before = len(self.entered)
        self.loop.run_until_complete(asyncio.sleep(0))
        assert self.loop.now >= self.paused_until or len(self.entered) == before

    @rule()
    def settle(self):
        before = len(self.entered)
        self.loop.settle()
        self.settled = True
        assert self.loop.now >= self.paused_until or len(self.entered) == before

    @invariant()
    def never_more_inside_than_allowed(self):
        assert sum(visitor.inside for visitor in self.everybody) <= self.places_count

    @precondition(lambda self: self.settled)
    @invariant()
    def first_come_first_served(self):
        waiting = [v for v in self.everybody if not v.task.done() and not v.inside]
        if self.entered and waiting:
            last_in = max(self.everybody.index(visitor) for visitor in self.entered)
            assert last_in < self.everybody.index(waiting[0])

    @invariant()
    def the_pause_is_told(self):
        assert self.places.waiting_s("mock") == max(0.0, self.paused_until - self.loop.now)

    @precondition(lambda self: self.settled and self.loop.now >= self.paused_until)
    @invariant()
    def nobody_waits_without_need(self):
        waiting = [v for v in self.everybody if not v.task.done() and not v.inside]
        inside = sum(visitor.inside for visitor in self.everybody)
        assert not waiting or inside == self.places_count


class LawOfOnePlace(Law):
    places_count = 1

    @invariant()
    def one_after_the_other(self):
        order = [self.everybody.index(visitor) for visitor in self.entered]
        assert order == sorted(order)


TestLaw = Law.TestCase
TestLaw.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLawOfOnePlace = LawOfOnePlace.TestCase
TestLawOfOnePlace.settings = TestLaw.settings


def test_no_place_is_lost_when_a_thousand_are_cancelled_at_random():
    chance = random.Random(5)

    async def main():
        places = ProviderLimits(7)
        inside = most = served = 0

        async def call():
            nonlocal inside, most, served
            async with places.slot("mock"):
                inside += 1
                most = max(most, inside)
                try:
                    for _ in range(chance.randrange(4)):
                        await asyncio.sleep(0)
                    served += 1
                finally:
                    inside -= 1

        tasks = []
        cancelled = 0
        while cancelled < 1_000:
            tasks += [asyncio.create_task(call()) for _ in range(chance.randrange(20))]
            await asyncio.sleep(0)
            alive = [task for task in tasks if not task.done()]
            for task in chance.sample(alive, min(len(alive), chance.randrange(20))):
                task.cancel()
                cancelled += 1
            if chance.random() < 0.02:
                places.pause("mock", 0.001)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*tasks, return_exceptions=True)
            assert (inside, most) == (0, 7)
            assert served > 100
            for _ in range(7):  # all places are there
                await places.slot("mock").__aenter__()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), places.slot("mock"):
                pass

    asyncio.run(main())


def test_one_that_is_cancelled_after_its_turn_came_passes_the_place_on(clock):
    async def main():
        places = ProviderLimits(1)
        first = places.slot("mock")
        await first.__aenter__()
        second, third = (Visitor(clock, places) for _ in range(2))
        await _rounds(3)
        await first.__aexit__(None, None, None)
        second.task.cancel()  # it has the place, and does not know it yet
        await _rounds(3)
        assert not second.inside
        assert third.inside
        third.go.set()
        await third.task

    clock.run_until_complete(main())


def test_one_that_comes_as_a_pause_ends_does_not_overtake(clock):
    places = ProviderLimits(2)
    places.pause("mock", 5)
    log = []
    first = Visitor(clock, places, log=log)
    clock.settle()
    clock.now += 5  # the pause is over, and its timer has not rung yet
    second = Visitor(clock, places, log=log)
    clock.settle()
    assert log == [first, second]
    for visitor in log:
        visitor.go.set()
    clock.settle()


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_pause_that_begins_as_a_turn_comes_holds(clock, cancelled):
    async def main():
        places = ProviderLimits(1)
        first = places.slot("mock")
        await first.__aenter__()
        second, third = (Visitor(clock, places) for _ in range(2))
        await _rounds(3)
        await first.__aexit__(None, None, None)
        places.pause("mock", 5)
        await _rounds(3)
        assert not second.inside
        if cancelled:
            second.task.cancel()
            await _rounds(3)
            assert not third.inside
        clock.now += 5
        await _rounds(5)
        assert (second.inside, third.inside) == (not cancelled, cancelled)
        second.go.set()
        third.go.set()
        await _rounds(5)
        assert third.task.done()

    clock.run_until_complete(main())


def test_providers_do_not_wait_for_each_other(clock):
    places = ProviderLimits(1)
    places.pause("slow", 10)
    slow, one, another = (Visitor(clock, places, name) for name in ("slow", "one", "another"))
    clock.settle()
    assert (slow.inside, one.inside, another.inside) == (False, True, True)
    assert places.waiting_s("slow") == 10
    assert places.waiting_s("one") == 0
    for visitor in (slow, one, another):
        visitor.task.cancel()
    clock.settle()


def test_after_a_pause_all_go_in_order_and_the_longer_pause_wins(clock):
    places = ProviderLimits(3)
    places.pause("mock", 5)
    log = []
    visitors = [Visitor(clock, places, log=log) for _ in range(4)]
    clock.settle()
    places.pause("mock", 8)
    places.pause("mock", 2)
    for _ in range(7):
        clock.now += 1
        clock.settle()
        assert log == []
    clock.now += 1
    clock.settle()
    assert log == visitors[:3]
    for visitor in visitors:
        visitor.go.set()
    clock.settle()
    assert log == visitors


def test_calls_under_way_go_on_in_a_pause(clock):
    places = ProviderLimits(2)
    visitor = Visitor(clock, places)
    clock.settle()
    places.pause("mock", 5)
    clock.settle()
    assert visitor.inside
    visitor.go.set()
    clock.settle()
    assert visitor.task.done()


def test_nothing_keeps_the_time_of_those_who_have_gone(clock):
    """A timer that outlived its loop would never ring for those who come in the next one."""
    places = ProviderLimits(1)
    places.pause("mock", 5)
    visitors = [Visitor(clock, places) for _ in range(3)]
    clock.settle()
    assert len(clock._scheduled) == 1
    for visitor in visitors:
        visitor.task.cancel()
    clock.settle()
    assert all(timer.cancelled() for timer in clock._scheduled)

    later = Visitor(clock, places)
    clock.settle()
    clock.now += 5
    clock.settle()
    assert later.inside
    later.go.set()
    clock.settle()


def test_what_is_closed_while_it_waits_takes_no_place_with_it(clock):
    places = ProviderLimits(1)

    async def main():
        async with places.slot("mock"):
            waiting = places.slot("mock")
            entering = waiting.__aenter__()
            entering.send(None)  # it waits now, and its task is not even known
            entering.close()
        async with asyncio.timeout(LIMIT_S), places.slot("mock"):
            return True

    assert clock.run_until_complete(main())


def test_an_error_inside_frees_the_place(clock):
    places = ProviderLimits(1)

    async def main():
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with places.slot("mock"):
                    1 / 0  # noqa: B018

    clock.run_until_complete(main())


def test_a_thousand_waiters_are_cancelled_without_a_look_through_the_queue():
    """In any order: each is found by its hash, so that hardly any is compared with another."""
    compared = 0

    class Turn(asyncio.Future):
        __hash__ = asyncio.Future.__hash__

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return self is other

    async def enter(places):
        async with places.slot("mock"):
            pass

    async def main():
        loop = asyncio.get_running_loop()
        places = ProviderLimits(1)
        async with places.slot("mock"):
            loop.create_future = lambda: Turn(loop=loop)
            tasks = [asyncio.create_task(enter(places)) for _ in range(1_000)]
            await asyncio.sleep(0)
            del loop.create_future
            for task in itertools.chain(tasks[1::2], tasks[::2]):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await enter(places)  # the place is free

    asyncio.run(asyncio.wait_for(main(), LIMIT_S))
    assert compared < 1_000, compared


@pytest.mark.parametrize("duration_s", [0.0, -1.0, float("nan")])
def test_no_pause_is_none(duration_s, clock):
    places = ProviderLimits(1)
    places.pause("mock", duration_s)
    assert places.waiting_s("mock") == 0.0


@pytest.mark.parametrize("concurrency", [0, -3])
def test_no_place_at_all_is_refused(concurrency):
    with pytest.raises(InvalidSetting, match="1 or more"):
        ProviderLimits(concurrency)


def test_applications_in_one_loop_may_share_their_limits():
    shared, loop = ProviderLimits(1), EngineLoop()
    sessions = []
    for _ in range(2):
        notebook = Notebook("Slow")
        notebook.add_prompt("word " * 500, model="mock/echo+per_token=0.2")
        application = Application(limits=shared)
        sessions.append(Session(notebook, application=application, loop=loop))
    first, second = sessions
    try:
        running = first.stream()
        assert next(event for event in running if isinstance(event, CellText))
        waiting = second.stream()
        begun = next(event for event in waiting if isinstance(event, CallQueued | CellText))
        assert isinstance(begun, CallQueued)
        first.interrupt()
        assert next(event for event in waiting if isinstance(event, CallSent))
        second.interrupt()
    finally:
        for session in sessions:
            session.close()
        loop.close()
