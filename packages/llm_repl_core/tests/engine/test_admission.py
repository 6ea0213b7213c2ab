"""Calls are let in by the order of the document, and give back what they do not take."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core.engine.admission import Admission
from llm_repl_core.engine.budget import NOTHING, Amount, Budget, BudgetMeter, Spending
from llm_repl_core.errors import BudgetExceeded, CallNotSent
from llm_repl_core.ledger.record import CallPlace

ONE = Spending(calls=1)
BOUND = Amount(calls=1)


def place(cell_id, item=None, step=0):
    return CallPlace(cell_id=cell_id, item=item, step=step)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def test_without_a_budget_every_call_is_let_in_at_once():
    async def check():
        admission = Admission()
        with await admission.admit(place("b"), ONE), await admission.admit(place("a"), ONE):
            pass

    run(check())


def test_who_stands_below_waits_until_those_above_have_ended():
    async def check():
        meter = BudgetMeter(Budget(calls=1))
        admission = Admission([meter], {"a": BOUND, "b": BOUND})
        waited = []
        below = asyncio.create_task(admission.admit(place("b"), ONE, on_wait=waited.append))
        await settle()
        assert not below.done()
        assert waited == [1]
        admission.cell_ended("a", halts=False)  # it asked nothing
        admitted = await below
        assert meter.reserved == ONE
        admitted.settle(ONE)
        assert (meter.reserved, meter.spent) == (Spending(), ONE)
        with pytest.raises(BudgetExceeded, match="budget of 1 call"):
            await admission.admit(place("b", step=1), ONE)

    run(check())


def test_who_stops_waiting_takes_nothing_and_lets_others_pass():
    async def check():
        meter = BudgetMeter(Budget(calls=1))
        admission = Admission([meter], {"a": BOUND, "b": BOUND, "c": BOUND})
        second = asyncio.create_task(admission.admit(place("b"), ONE))
        third = asyncio.create_task(admission.admit(place("c"), ONE))
        await settle()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        admission.cell_ended("b", halts=False)
        await settle()
        assert not third.done()  # the first may still ask
        admission.cell_ended("a", halts=False)
        (await third).release()
        assert (meter.reserved, meter.spent) == (Spending(), Spending())

    run(check())


def test_who_is_stopped_in_the_moment_of_being_let_in_gives_it_back():
    async def check():
        meter = BudgetMeter(Budget(calls=1))
        admission = Admission([meter], {"a": BOUND, "b": BOUND})
        below = asyncio.create_task(admission.admit(place("b"), ONE))
        await settle()
        admission.cell_ended("a", halts=False)  # which lets it in
        assert meter.reserved == ONE
        below.cancel()
        with pytest.raises(asyncio.CancelledError):
            await below
        assert meter.reserved == Spending()

    run(check())


def test_nothing_below_a_failure_is_sent_any_more():
    async def check():
        meter = BudgetMeter(Budget(calls=1))
        admission = Admission([meter], {"a": BOUND, "b": BOUND, "c": BOUND})
        waiting = asyncio.create_task(admission.admit(place("b"), ONE))
        await settle()
        admission.conversation_ended("a", None, failed=True)
        with pytest.raises(CallNotSent, match="a cell above it failed"):
            await waiting
        with pytest.raises(CallNotSent):
            await admission.admit(place("c"), ONE)
        (await admission.admit(place("a"), ONE)).release()

    run(check())


def test_a_run_that_goes_on_behind_failures_sends_what_is_below():
    async def check():
        meter = BudgetMeter(Budget(calls=5))
        admission = Admission([meter], {"a": BOUND, "b": BOUND}, stops_on_error=False)
        admission.conversation_ended("a", None, failed=True)
        (await admission.admit(place("b"), ONE)).release()
        admission.cell_ended("a", halts=True)
        with pytest.raises(CallNotSent):
            await admission.admit(place("c"), ONE)  # of a plugin, so below all others

    run(check())


def test_items_come_in_their_order():
    async def check():
        meter = BudgetMeter(Budget(calls=2))
        admission = Admission([meter], {"a": None})
        admission.prepared("a", [0, 1])
        admission.prepared("unknown", [0])
        first = await admission.admit(place("a", 0), ONE)
        second = asyncio.create_task(admission.admit(place("a", 1), ONE))
        await settle()
        first.settle(ONE)
        admission.conversation_ended("a", 0, failed=False)
        (await second).settle(ONE)
        with pytest.raises(BudgetExceeded):
            await admission.admit(place("a", 1, 1), ONE)

    run(check())


def test_what_is_sent_ahead_takes_no_other_call_s_place():
    async def check():
        meter = BudgetMeter(Budget(calls=2))
        admission = Admission([meter], {"a": BOUND, "b": BOUND})
        assert admission.admit_ahead(place("b"), ONE) is None  # both may ask for one still
        admission.passed(place("b"))  # it was answered from the record
        ahead = admission.admit_ahead(place("b"), ONE)
        assert ahead is not None
        assert meter.reserved == ONE
        with pytest.raises(ZeroDivisionError), ahead:
            raise ZeroDivisionError
        assert meter.reserved == Spending()
        # That it failed is known when its place has come, so that nothing is halted by it.
        (await admission.admit(place("b", step=1), ONE)).release()
        unbounded = Admission([BudgetMeter(Budget(calls=9))], {"a": None})
        assert unbounded.admit_ahead(place("a"), ONE) is None

    run(check())


def test_of_a_budget_that_is_shared_what_others_give_back_is_waited_for():
    async def check():
        meter = BudgetMeter(Budget(calls=1), is_shared=True)
        first, second = Admission([meter]), Admission([meter])
        taken = await first.admit(place("a"), ONE)
        waiting = asyncio.create_task(second.admit(place("b"), ONE))
        await settle()
        assert not waiting.done()
        taken.release()
        admitted = await waiting
        assert meter.reserved_beside(NOTHING) == Amount(calls=1)
        admitted.settle(ONE)
        with pytest.raises(BudgetExceeded):
            await first.admit(place("a", step=1), ONE)

    run(check())
