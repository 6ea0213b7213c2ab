from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from llm_repl_core.engine.budget import Budget, BudgetMeter, Spending, reserve_all
from llm_repl_core.errors import BudgetExceeded

NAMES = ("calls", "tokens", "usd")
ONE_CALL = Spending(calls=1)


def test_what_is_reserved_and_spent_is_counted():
    meter = BudgetMeter(Budget(calls=3, tokens=1_000, usd=1.0), spent=Spending(1, 100, 0.1))
    reservation = reserve_all([meter], Spending(1, 500, 0.2))
    assert meter.spent == Spending(1, 100, 0.1)
    assert meter.reserved == Spending(1, 500, 0.2)
    assert meter.left == Budget(calls=1, tokens=400, usd=0.7)
    reservation.settle(Spending(1, 300, 0.3))
    assert meter.spent == Spending(2, 400, 0.4)
    assert meter.reserved == Spending()
    assert meter.left == Budget(calls=1, tokens=600, usd=0.6)
    assert meter.budget == Budget(calls=3, tokens=1_000, usd=1.0)


def test_without_limits_everything_goes():
    meter = BudgetMeter(Budget())
    reserve_all([meter], Spending(10**9, 10**12, 1e9)).settle(Spending(10**9, 10**12, 1e9))
    assert meter.left == Budget()
    assert meter.spent == Spending(10**9, 10**12, 1e9)


@pytest.mark.parametrize(
    ("budget", "spent", "reserved", "asked", "sentence"),
    [
        (
            Budget(calls=1),
            Spending(1, 0, 0.0),
            Spending(),
            Spending(1, 0, 0.0),
            (
                "The run's budget of 1 call has too little left for this call: 1 call spent, 0 calls "
                "reserved by calls under way, and it may take 1 call; set the budget's `calls` higher "
                "to go on."
            ),
        ),
        (
            Budget(tokens=10_000),
            Spending(3, 9_000, 0.0),
            Spending(1, 500, 0.0),
            Spending(1, 1_400, 0.0),
            (
                "The run's budget of 10,000 tokens has too little left for this call: 9,000 tokens "
                "spent, 500 tokens reserved by calls under way, and it may take 1,400 tokens; set the "
                "budget's `tokens` higher to go on."
            ),
        ),
        (
            Budget(usd=1_234.5),
            Spending(3, 0, 1_234.0),
            Spending(1, 0, 0.499999999),
            Spending(1, 0, 0.012),
            (
                "The run's budget of $1,234.50 has too little left for this call: $1,234.00 spent, "
                "$0.499999999 reserved by calls under way, and it may take $0.012; set the budget's "
                "`usd` higher to go on."
            ),
        ),
    ],
)
def test_a_refusal_says_what_when_and_how_much(budget, spent, reserved, asked, sentence):
    meter = BudgetMeter(budget, spent=spent)
    reserve_all([meter], reserved)
    with pytest.raises(BudgetExceeded) as caught:
        reserve_all([meter], asked)
    assert str(caught.value) == sentence
    assert meter.reserved == reserved
    assert (caught.value.code, caught.value.http_status) == ("budget_exceeded", 409)


def test_a_notebooks_budget_is_called_so():
    with pytest.raises(BudgetExceeded, match="The notebook's budget of 0 calls"):
        reserve_all([BudgetMeter(Budget(calls=0), owner="notebook")], ONE_CALL)


def test_what_costs_nothing_needs_no_money():
    reserve_all([BudgetMeter(Budget(usd=0.0))], Spending(1, 100, 0.0))


def test_the_limit_itself_may_be_reached():
    meter = BudgetMeter(Budget(calls=2, tokens=10, usd=0.3))
    reserve_all([meter], Spending(1, 5, 0.1)).settle(Spending(1, 5, 0.1))
    reserve_all([meter], Spending(1, 5, 0.2))
    assert meter.left == Budget(calls=0, tokens=0, usd=0.0)


def test_a_call_that_took_more_than_was_reserved_counts_in_full():
    meter = BudgetMeter(Budget(tokens=100))
    other = reserve_all([meter], Spending(1, 10, 0.0))
    reserve_all([meter], Spending(1, 50, 0.0)).settle(Spending(1, 400, 0.0))
    assert meter.spent == Spending(1, 400, 0.0)
    assert meter.left == Budget(tokens=0)
    for asked in (Spending(1, 1, 0.0), Spending(1, 0, 0.0)):
        with pytest.raises(BudgetExceeded):
            reserve_all([meter], asked)
    other.settle(Spending(1, 10, 0.0))  # one that is under way still ends
    assert meter.spent == Spending(2, 410, 0.0)


@pytest.mark.parametrize("first", ["settle", "release"])
@pytest.mark.parametrize("second", ["settle", "release"])
def test_only_the_first_ending_counts(first, second):
    meter = BudgetMeter(Budget(calls=5))
    reservation = reserve_all([meter], ONE_CALL)

    def end(how):
        if how == "settle":
            reservation.settle(ONE_CALL)
        else:
            reservation.release()

    end(first)
    end(second)
    assert meter.spent == (ONE_CALL if first == "settle" else Spending())
    assert meter.reserved == Spending()


def test_an_error_gives_back_what_was_reserved():
    meter = BudgetMeter(Budget(calls=1))
    with pytest.raises(ZeroDivisionError), reserve_all([meter], ONE_CALL):
        1 / 0  # noqa: B018
    assert meter.left == Budget(calls=1)


def test_what_was_settled_stays_so_at_the_end_of_its_block():
    meter = BudgetMeter(Budget(calls=1))
    with reserve_all([meter], ONE_CALL) as reservation:
        reservation.settle(ONE_CALL)
    assert meter.spent == ONE_CALL


def test_money_does_not_drift():
    assert Spending(usd=0.1) + Spending(usd=0.2) == Spending(usd=0.3)
    meter = BudgetMeter(Budget(usd=1.0))
    for _ in range(10):
        reserve_all([meter], Spending(usd=0.1)).settle(Spending(usd=0.1))
    assert meter.spent.usd == 1.0
    with pytest.raises(BudgetExceeded):
        reserve_all([meter], Spending(usd=0.000000001))


@settings(max_examples=100)
@given(st.lists(st.integers(0, 10**15), max_size=50))
def test_a_sum_of_nano_dollars_is_exact(amounts):
    total = sum((Spending(usd=one / 1e9) for one in amounts), start=Spending())
    assert total.usd == sum(amounts) / 1e9


def test_a_provider_that_counts_below_zero_gives_nothing_back():
    meter = BudgetMeter(Budget(tokens=10), spent=Spending(1, 8, 0.0))
    reserve_all([meter], Spending(1, 2, 0.0)).settle(Spending(-1, -50, -2.0))
    assert meter.spent == Spending(1, 8, 0.0)
    with pytest.raises(BudgetExceeded):
        reserve_all([meter], Spending(1, 3, 0.0))


def test_several_budgets_take_all_or_nothing():
    run = BudgetMeter(Budget(calls=5))
    notebook = BudgetMeter(Budget(calls=1), owner="notebook")
    first = reserve_all([run, notebook], ONE_CALL)
    with pytest.raises(BudgetExceeded, match="notebook"):
        reserve_all([run, notebook], ONE_CALL)
    assert (run.reserved, notebook.reserved) == (ONE_CALL, ONE_CALL)
    first.settle(Spending(1, 7, 0.5))
    assert run.spent == notebook.spent == Spending(1, 7, 0.5)
    assert run.reserved == notebook.reserved == Spending()


def test_a_budget_that_is_named_twice_counts_once():
    meter = BudgetMeter(Budget(calls=1))
    reserve_all([meter, meter], ONE_CALL).settle(ONE_CALL)
    assert meter.spent == ONE_CALL


def test_without_budgets_there_is_nothing_to_exceed():
    reserve_all([], Spending(10**6, 10**9, 1e9)).settle(Spending(1, 1, 1.0))


def test_budgets_travel_as_json():
    budget = Budget(calls=3, usd=0.5)
    assert msgspec.json.encode(budget) == b'{"calls":3,"usd":0.5}'
    assert msgspec.json.decode(b'{"calls":3,"usd":0.5}', type=Budget) == budget
    assert msgspec.convert({"usd": 2}, Budget) == Budget(usd=2.0)
    assert msgspec.json.encode(Budget()) == b"{}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1, "1", [], True, math.nan, math.inf])
def test_no_budget_of_nonsense(name, value):
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: value}, Budget)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_no_budget_of_nonsense_in_python(value):
    with pytest.raises(ValueError, match="`usd` is a number from 0, or null"):
        Budget(usd=value)


@pytest.mark.parametrize("usd", [5e-324, 1e-9, 0.1, 1e15, 1e300])
def test_any_sum_of_money_can_be_counted(usd):
    meter = BudgetMeter(Budget(usd=usd))
    assert meter.left == Budget(usd=round(usd, 9))


SPENDINGS = st.builds(
    Spending,
    st.integers(0, 3),
    st.integers(0, 50),
    st.integers(0, 500_000_000).map(lambda nano: nano / 1e9),
)


class Law(RuleBasedStateMachine):
    """Two budgets, of which calls use one or both, against a count on one's fingers."""

    reservations = Bundle("reservations")

    def __init__(self):
        super().__init__()
        self.limits = [Budget(calls=12, tokens=200), Budget(tokens=300, usd=2.0)]
        self.meters = [BudgetMeter(limit) for limit in self.limits]
        self.spent = [Spending(), Spending()]
        self.open = {}
        self.number = 0

    def reserved(self, index):
        held = [estimate for meters, estimate in self.open.values() if index in meters]
        return sum(held, start=Spending())

    @rule(
        target=reservations,
        indices=st.sampled_from([(0,), (1,), (0, 1), (1, 0)]),
        estimate=SPENDINGS,
    )
    def reserve(self, indices, estimate):
        fits = all(
            limit is None or getattr(total, name) <= limit
            for index in indices
            for total in [self.spent[index] + self.reserved(index) + estimate]
            for name in NAMES
            for limit in [getattr(self.limits[index], name)]
        )
        self.number += 1
        try:
            reservation = reserve_all([self.meters[index] for index in indices], estimate)
        except BudgetExceeded:
            assert not fits
            return None
        assert fits
        self.open[self.number] = (indices, estimate)
        return self.number, reservation

    @rule(held=reservations, actual=SPENDINGS)
    def settle(self, held, actual):
        if held is not None:
            number, reservation = held
            reservation.settle(actual)
            indices, _ = self.open.pop(number, ((), None))
            for index in indices:
                self.spent[index] += actual

    @rule(held=consumes(reservations))
    def release(self, held):
        if held is not None:
            number, reservation = held
            reservation.release()
            self.open.pop(number, None)

    @invariant()
    def both_count_the_same(self):
        for index, meter in enumerate(self.meters):
            assert meter.spent == self.spent[index]
            assert meter.reserved == self.reserved(index)


TestLaw = Law.TestCase
TestLaw.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
