from __future__ import annotations

import asyncio
import contextlib
import random

from llm_repl_core.engine.budget import Budget, BudgetMeter, Reservation, Spending, reserve_all
from llm_repl_core.errors import BudgetExceeded

ONE_CALL = Spending(calls=1)


class Tally:
    """Counts from outside what is held: added after it was reserved, taken away before it is given
    back, so that it never shows more than what is really reserved."""

    def __init__(self):
        self.now = [0, 0, 0]
        self.most = [0, 0, 0]

    def change(self, spending, sign):
        amounts = (spending.calls, spending.tokens, round(spending.usd * 1e9))
        for index, amount in enumerate(amounts):
            self.now[index] += sign * amount
            self.most[index] = max(self.most[index], self.now[index])


BUDGET = Budget(calls=800, tokens=40_000, usd=4.0)
LIMITS = (800, 40_000, 4_000_000_000)


def random_estimate(chance):
    return Spending(1, chance.randrange(1, 100), chance.randrange(1, 10_000_000) / 1e9)


def close_to_the_limit(most):
    """Whether the test came near enough to see an overrun."""
    return any(one > 0.99 * limit for one, limit in zip(most, LIMITS, strict=True))


def test_ten_thousand_reservations_of_two_budgets_never_overrun():
    run, notebook = BudgetMeter(BUDGET), BudgetMeter(BUDGET, owner="notebook")
    tally = Tally()

    async def work(number):
        chance = random.Random(number)
        held = []
        refused = 0
        # Half of the tasks name the budgets in the other order.
        meters = [run, notebook] if number % 2 else [notebook, run]
        for _ in range(1_250):
            estimate = random_estimate(chance)
            await asyncio.sleep(0)
            try:
                reservation = reserve_all(meters, estimate)
            except BudgetExceeded:
                refused += 1
            else:
                tally.change(estimate, +1)
                held.append((reservation, estimate))
            if held and chance.random() < 0.4:
                reservation, estimate = held.pop(chance.randrange(len(held)))
                if chance.random() < 0.03:
                    reservation.settle(estimate)
                else:
                    tally.change(estimate, -1)
                    reservation.release()
        for reservation, estimate in held:
            reservation.settle(estimate)
        return refused

    async def main():
        return await asyncio.gather(*(work(number) for number in range(8)))

    assert sum(asyncio.run(main())) > 100
    assert all(most <= limit for most, limit in zip(tally.most, LIMITS, strict=True))
    assert close_to_the_limit(tally.most)
    for meter in (run, notebook):
        assert meter.reserved == Spending()
        assert meter.spent == Spending(tally.now[0], tally.now[1], tally.now[2] / 1e9)


def test_ten_thousand_reservations_from_ten_thousand_tasks_never_overrun():
    meter = BudgetMeter(BUDGET)
    tally = Tally()
    chance = random.Random(3)

    async def call():
        estimate = random_estimate(chance)
        await asyncio.sleep(0)
        with reserve_all([meter], estimate) as reservation:
            tally.change(estimate, +1)
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
            if chance.random() < 0.5:
                tally.change(estimate, -1)
                return "released"
            reservation.settle(estimate)
            return "settled"

    async def main():
        return await asyncio.gather(*(call() for _ in range(10_000)), return_exceptions=True)

    outcomes = asyncio.run(main())
    refused = [one for one in outcomes if isinstance(one, BudgetExceeded)]
    assert len(refused) > 1_000
    assert outcomes.count("settled") + outcomes.count("released") + len(refused) == 10_000
    assert all(most <= limit for most, limit in zip(tally.most, LIMITS, strict=True))
    assert close_to_the_limit(tally.most)
    assert meter.reserved == Spending()
    assert meter.spent == Spending(tally.now[0], tally.now[1], tally.now[2] / 1e9)


def test_of_ten_thousand_that_want_the_last_ones_exactly_those_get_them():
    meter = BudgetMeter(Budget(calls=500))
    taken = []

    async def work():
        for _ in range(1_250):
            await asyncio.sleep(0)
            with contextlib.suppress(BudgetExceeded):
                taken.append(reserve_all([meter], ONE_CALL))

    async def main():
        await asyncio.gather(*(work() for _ in range(8)))

    asyncio.run(main())
    assert len(taken) == 500
    assert all(isinstance(reservation, Reservation) for reservation in taken)
    assert meter.left == Budget(calls=0)
