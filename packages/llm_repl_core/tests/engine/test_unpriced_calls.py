"""Budgets of money, and calls of which nobody knows what they cost."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from llm_repl_core import (
    Application,
    CellExecutionError,
    CodeCell,
    Notebook,
    PriceUnknown,
    Session,
    Settings,
    hookimpl,
)
from llm_repl_core.engine.budget import Budget
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.settings import ModelPrice
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

UNKNOWN = "model-of-ones-own"
EVENTS = {"Content-Type": "text/event-stream"}


def streamed(*, content, **fields):
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": "stop"}
    chunk = {"id": "1", "object": "chat.completion.chunk", "model": UNKNOWN, "choices": [choice]}
    return f"data: {json.dumps(chunk | fields)}\n\ndata: [DONE]\n\n".encode()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "only-for-tests")
    with OpenAIServer(reply=lambda _: Reply(text="answer")) as server:
        yield server


@pytest.fixture
def open_at(server):
    opened = []

    def open_it(*texts, model=UNKNOWN, budget=None, ledger=None, **settings):
        notebook = Notebook()
        for text in texts:
            notebook.add_prompt(text, parameters={"max_tokens": 10})
        if budget is not None:
            notebook.metadata["llm_repl"] = {"budget": budget}
        known = {"provider": "openai", "model": model, "base_url": server.base_url} | settings
        session = Session(notebook, application=Application(Settings(**known)), ledger=ledger)
        opened.append(session)
        return session

    yield open_it
    for session in opened:
        session.close()


@pytest.mark.parametrize("whose", ["run", "notebook"])
@pytest.mark.parametrize(
    "run",
    [
        lambda session, **options: session.run(**options),
        lambda session, **options: list(session.stream(**options)),
        lambda session, **options: asyncio.run(session.arun(**options)),
    ],
    ids=["run", "stream", "arun"],
)
def test_a_budget_of_money_refuses_what_has_no_price_before_anything_runs(
    open_at, server, whose, run
):
    session = open_at("one", "two", budget={"usd": 1} if whose == "notebook" else None)
    session.notebook.insert(CodeCell(content="ran = True"), 0)
    options = {"budget": Budget(usd=1)} if whose == "run" else {}
    with pytest.raises(PriceUnknown) as caught:
        run(session, **options)
    said = str(caught.value)
    assert said.startswith(
        f"Cell 2 cannot be run: no price is known for the model `{UNKNOWN}` of `openai`"
    )
    assert "`prices`" in said
    assert "--allow-unpriced" in said
    assert server.requests == []
    assert "ran" not in session.state


def test_a_stale_run_is_refused_too(open_at, server):
    session = open_at("Say {n}.")
    code = session.notebook.insert(CodeCell(content="n = 1"), 0)
    session.run()
    session.notebook.change(code.id, content="n = 2")
    session.dependencies.mark_changed(code.id)
    with pytest.raises(PriceUnknown, match="Cell 2 cannot be run"):
        session.run_stale(budget=Budget(usd=1))
    assert session.state["n"] == 1
    assert len(server.requests) == 1


def test_only_what_runs_and_is_sent_needs_a_price(open_at, server):
    ledger = MemoryLedger()
    session = open_at("one", "two", ledger=ledger)
    first, second = [cell.id for cell in session.notebook]
    session.notebook.change(first, model="gpt-4o")
    budget = Budget(usd=1)
    session.run([first], budget=budget)
    with pytest.raises(PriceUnknown, match="Cell 2 cannot be run"):
        session.run([second], budget=budget)
    session.run([second])
    # What the record answers is not known before: it needs no price, and what it lacks is refused.
    session.run(mode="replay", budget=budget)
    session.run(mode="reuse", budget=budget)
    session.notebook.change(second, content="three")
    with pytest.raises(CellExecutionError, match=f"PriceUnknown: No price is known .*{UNKNOWN}"):
        session.run(mode="reuse", budget=budget)
    assert len(server.requests) == 2


def test_where_a_plugin_may_choose_the_model_the_call_is_refused(open_at, server):
    class Rerouter:
        @hookimpl
        def llm_repl_before_call(self, context):
            other = {"one": "gpt-4o"}.get(context.request.messages[-1].content, UNKNOWN)
            return msgspec.structs.replace(context.request, model=other)

    session = open_at("one", "two")
    session.live.plugins.register(Rerouter(), "rerouter")
    with pytest.raises(CellExecutionError, match="PriceUnknown") as caught:
        session.run(budget=Budget(usd=1))
    assert caught.value.cell_id == session.notebook.cells[1].id
    assert [one.body["model"] for one in server.requests] == ["gpt-4o"]


def test_other_budgets_need_no_price(open_at, server):
    open_at("one").run(budget=Budget(calls=1, tokens=10_000))
    assert len(server.requests) == 1


def test_calls_without_a_price_may_be_allowed(open_at, server):
    ledger = MemoryLedger()
    session = open_at("one", "two", ledger=ledger)
    session.run(budget=Budget(usd=0.000001), allow_unpriced=True)
    assert len(server.requests) == 2
    assert [record.price_usd for record in ledger.records] == [None, None]


def test_a_price_of_ones_own_limits_them(open_at, server):
    prices = {f"openai/{UNKNOWN}": ModelPrice(input=0, output=100_000)}  # a tenth of a dollar each
    session = open_at("one", "two", "three", prices=prices)
    with pytest.raises(CellExecutionError, match=r"budget of \$1\.15 has too little left"):
        session.run(budget=Budget(usd=1.15))  # a dollar is set aside for ten tokens
    assert len(server.requests) == 2


def test_what_a_server_does_not_count_is_estimated(open_at, server):
    server.reply = Reply(body=streamed(content="word " * 100), headers=EVENTS)
    prices = {"openai/*": ModelPrice(input=0, output=10_000)}
    session = open_at("one", "two", prices=prices)
    with pytest.raises(CellExecutionError, match=r"BudgetExceeded"):
        session.run(budget=Budget(usd=0.5), parallel=False)
    assert len(server.requests) == 1


def test_a_model_that_answers_in_place_of_another_is_not_free(open_at, server):
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    body = streamed(content="answer", model="alias-of-a-gateway", usage=usage)
    server.reply = Reply(body=body, headers=EVENTS)
    ledger = MemoryLedger()
    open_at("one", model="gpt-4o", ledger=ledger).run(budget=Budget(usd=1))
    [record] = ledger.records
    assert record.answered_by == "alias-of-a-gateway"
    assert record.price_usd > 0


BUDGET = {"usd": 1}


def run_before(open_at, ledger, **settings):
    """A notebook that has sent two calls of which nobody knows the price, and limits money since."""
    session = open_at("one", "two", ledger=ledger, **settings)
    session.run()
    notebook = session.notebook
    notebook.metadata["llm_repl"] = {"budget": BUDGET}
    for cell in notebook:
        notebook.change(cell.id, model="gpt-4o")
    return notebook


def open_again(notebook, server, ledger, **settings):
    known = {"provider": "openai", "base_url": server.base_url} | settings
    return Session(notebook, application=Application(Settings(**known)), ledger=ledger)


def test_earlier_calls_without_a_price_are_not_free_in_the_budget_of_a_notebook(open_at, server):
    ledger = MemoryLedger()
    notebook = run_before(open_at, ledger)
    with open_again(notebook, server, ledger) as session:
        with pytest.raises(PriceUnknown) as caught:
            session.run()
        assert str(caught.value).startswith(
            "The notebook's budget limits money, and no price is known for 2 earlier calls to the "
            f"model `{UNKNOWN}` of `openai`, which would count as free: put its price"
        )
        assert "--allow-unpriced" in str(caught.value)
        assert len(server.requests) == 2
        # What the record answers is not sent, and what it lacks is refused where it is asked.
        with pytest.raises(
            CellExecutionError, match="PriceUnknown: The notebook's budget limits money"
        ):
            session.run(mode="reuse")
        assert len(server.requests) == 2
        session.run(allow_unpriced=True)
        assert len(server.requests) == 4


def test_they_cost_what_is_known_by_now(open_at, server):
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    server.reply = Reply(body=streamed(content="answer", usage=usage), headers=EVENTS)
    ledger = MemoryLedger()
    notebook = run_before(open_at, ledger)
    dear = {f"openai/{UNKNOWN}": ModelPrice(input=0, output=99_999)}  # $1 for both
    cheap = {f"openai/{UNKNOWN}": ModelPrice(input=1, output=1)}
    with open_again(notebook, server, ledger, prices=dear) as session:
        with pytest.raises(CellExecutionError, match=r"\$0\.99999 spent"):
            session.run()
        assert len(server.requests) == 2
    with open_again(notebook, server, ledger, prices=cheap) as session:
        session.run()
        assert len(server.requests) == 4


def test_other_budgets_take_no_notice_of_them(open_at, server):
    ledger = MemoryLedger()
    notebook = run_before(open_at, ledger)
    notebook.metadata["llm_repl"] = {"budget": {"calls": 10}}
    with open_again(notebook, server, ledger) as session:
        session.run()
        session.run(budget=Budget(usd=1))  # a run's own has nothing to do with what was before
    assert len(server.requests) == 6
