"""What a run allows its calls: from its options, else the notebook's, else the settings'."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core import InvalidInput, Notebook
from llm_repl_core.engine.budget import Budget, Spending, reserve_all
from llm_repl_core.engine.call_policies import CallPolicies
from llm_repl_core.engine.notebook_preferences import noted_mode
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.run_policy import RunPolicy
from llm_repl_core.errors import StorageError
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.ledger.prices import Prices


class Spent(MemoryLedger):
    """Says what was spent, and how often it was asked."""

    def __init__(self, *amounts):
        super().__init__()
        self.amounts = list(amounts)

    async def spent(self, notebook_id):
        return self.amounts.pop(0)


def notebook_with(**preferences):
    return Notebook("Example", metadata={"llm_repl": preferences})


def policy_of(notebook, options=None, *, maker=None):
    maker = maker or CallPolicies(MemoryLedger(), Prices(), 5)

    async def make():
        return await maker.for_run(notebook, options or RunOptions())

    return asyncio.run(make())


def free_slots(policy):
    async def count():
        taken = 0
        while not policy.slots.locked():
            await policy.slots.acquire()
            taken += 1
        return taken

    return asyncio.run(count())


@pytest.mark.parametrize(
    ("preferences", "mode", "expected"),
    [
        ({}, None, "live"),
        ({"mode": "replay"}, None, "replay"),
        ({"mode": "replay"}, "live", "live"),
        ({"mode": "nonsense"}, "reuse", "reuse"),
        ({}, "replay", "replay"),
    ],
)
def test_the_mode(preferences, mode, expected):
    assert policy_of(notebook_with(**preferences), RunOptions(mode=mode)).mode == expected


def test_a_mode_that_there_is_not():
    with pytest.raises(InvalidInput, match="is `Live`, but must be one of live, reuse, replay"):
        policy_of(notebook_with(mode="Live"))


@pytest.mark.parametrize(("asked", "expected"), [(None, 5), (1, 1), (40, 40)])
def test_places(asked, expected):
    assert free_slots(policy_of(notebook_with(), RunOptions(concurrency=asked))) == expected


def test_the_budgets_of_run_and_notebook_both_count():
    notebook = notebook_with(budget={"tokens": 9, "usd": 1})
    run, whole = policy_of(notebook, RunOptions(budget=Budget(calls=1))).admission.meters
    assert (run.budget, whole.budget) == (Budget(calls=1), Budget(tokens=9, usd=1.0))
    assert policy_of(notebook_with()).admission.meters == ()
    assert policy_of(notebook_with(budget=None)).admission.meters == ()


def test_a_budget_without_limits_is_one():
    [meter] = policy_of(notebook_with(budget={})).admission.meters
    assert meter.budget == Budget()


def test_runs_share_the_notebooks_meter_and_each_has_its_own():
    maker = CallPolicies(Spent((2, 30, 0.5)), Prices(), 5)
    notebook = notebook_with(budget={"calls": 9})
    options = RunOptions(budget=Budget(calls=4))
    own, shared = policy_of(notebook, options, maker=maker).admission.meters
    assert shared.spent == Spending(2, 30, 0.5)
    own_2, shared_2 = policy_of(notebook, options, maker=maker).admission.meters
    assert shared_2 is shared
    assert own_2 is not own
    reserve_all([shared], Spending(1, 5, 0.0)).settle(Spending(1, 7, 0.25))
    notebook.metadata["llm_repl"] = {"budget": {"calls": 12}}
    [changed] = policy_of(notebook, maker=maker).admission.meters
    assert (changed.budget, changed.spent) == (Budget(calls=12), Spending(3, 37, 0.75))


def test_a_budget_that_comes_back_counts_what_is_on_record():
    maker = CallPolicies(Spent((1, 10, 0.0), (6, 60, 0.0)), Prices(), 5)
    policy_of(notebook_with(budget={"calls": 9}), maker=maker)
    policy_of(notebook_with(), maker=maker)
    [meter] = policy_of(notebook_with(budget={"calls": 9}), maker=maker).admission.meters
    assert meter.spent == Spending(6, 60, 0.0)


def test_what_cannot_be_read_is_not_taken_for_nothing():
    class Broken(MemoryLedger):
        async def spent(self, notebook_id):
            raise StorageError("The records cannot be read.")

    with pytest.raises(StorageError):
        policy_of(notebook_with(budget={"calls": 9}), maker=CallPolicies(Broken(), Prices(), 5))


@pytest.mark.parametrize(
    "budget", [{"Calls": 1}, {"calls": 1.5}, {"tokens": -1}, {"usd": "1"}, "1", 0, [{"calls": 1}]]
)
def test_a_budget_that_is_none(budget):
    with pytest.raises(InvalidInput, match=r"`metadata\.llm_repl\.budget` cannot be used"):
        policy_of(notebook_with(budget=budget))


@pytest.mark.parametrize(
    ("own", "chosen", "expected"),
    [
        ({}, None, "live"),
        ({"mode": "reuse"}, None, "reuse"),
        ({"mode": "reuse"}, "replay", "replay"),
        ({"mode": "Live"}, None, "live"),  # the run itself refuses it
        ({"mode": 7}, None, "live"),
        ({"mode": "Live"}, "reuse", "reuse"),
    ],
)
def test_a_run_is_noted_with_its_mode(own, chosen, expected):
    assert noted_mode(own, chosen) == expected


@pytest.mark.parametrize(
    ("preferences", "options", "is_at_once"),
    [
        ({}, RunOptions(), True),
        ({"mode": "Live"}, RunOptions(), True),
        ({}, RunOptions(budget=Budget(calls=1)), False),
        ({"budget": {"calls": 3}}, RunOptions(), False),
    ],
)
def test_a_call_that_no_budget_limits_waits_for_nothing_to_be_looked_up(
    preferences, options, is_at_once
):
    async def ask():
        maker = CallPolicies(MemoryLedger(), Prices(), 5)
        policy = RunPolicy(maker, notebook_with(**preferences), options, [])
        asking = policy.get()
        try:
            asking.send(None)
        except (StopIteration, InvalidInput):
            return True
        asking.close()
        await policy.prepare()
        return False

    assert asyncio.run(ask()) is is_at_once
