"""Budgets of runs and notebooks: what they let through, and what they say of what is left undone."""

from __future__ import annotations

import pytest

from llm_repl_core import CellExecutionError, Notebook, RunFailed, Session, Settings, ToolCall
from llm_repl_core.application import Application
from llm_repl_core.engine.budget import Budget
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.testing.openai_server import Reply

PRICED = "openai/gpt-4o-mini"


def prompts(*texts, budget=None, **fields):
    notebook = Notebook("Example")
    for text in texts:
        notebook.add_prompt(text, **fields)
    if budget is not None:
        notebook.metadata["llm_repl"] = {"budget": budget}
    return notebook


def chain(length, **fields):
    """Each needs the answer of the one before it."""
    later = [f"and {{response_{place}}}" for place in range(length - 1)]
    return prompts("begin", *later, **fields)


def ended(session, **options):
    """The event with which a run that does not go well ends."""
    *_, last = session.stream(**options)
    assert isinstance(last, RunFailed)
    return last


@pytest.mark.parametrize(
    ("budget", "words", "calls"),
    [
        (Budget(calls=2), "budget of 2 calls", 2),
        (Budget(calls=0), "budget of 0 calls", 0),
        (Budget(tokens=0), "budget of 0 tokens", 0),
        (Budget(tokens=51), "budget of 51 tokens", 1),
        (Budget(usd=0), "budget of $0.00", 0),
        (Budget(usd=0.00000001), "budget of $0.00000001", 0),
        (Budget(calls=3, tokens=51), "budget of 51 tokens", 1),
    ],
)
@pytest.mark.parametrize("whose", ["run", "notebook"])
def test_a_budget_says_what_was_left_undone(open_at_server, server, whose, budget, words, calls):
    notebook = chain(5, model=PRICED, parameters={"max_tokens": 40})
    if whose == "notebook":
        limits = {name: getattr(budget, name) for name in ("calls", "tokens", "usd")}
        notebook.metadata["llm_repl"] = {"budget": limits}
    session = open_at_server(notebook)
    last = ended(session, **({"budget": budget} if whose == "run" else {}))
    assert last.error.startswith(f"BudgetExceeded: The {whose}'s {words} has too little left")
    ids = [cell.id for cell in notebook]
    assert last.cell_id == ids[calls]
    assert last.not_run == tuple(ids[calls + 1 :])
    assert f"Not run: {4 - calls} of 5 cells." in last.error
    assert len(server.requests) == len(session.live.ledger.records) == calls
    assert [cell.status for cell in notebook] == (
        ["completed"] * calls + ["error"] + ["idle"] * (4 - calls)
    )


def test_money_is_counted(open_at_server, server):
    notebook = chain(2, model=PRICED, parameters={"max_tokens": 40})
    session = open_at_server(notebook)
    session.run(budget=Budget(usd=1))
    spent = [one.price_usd for one in session.live.ledger.records]
    assert all(price > 0 for price in spent)
    notebook.metadata["llm_repl"] = {"budget": {"usd": sum(spent)}}
    assert "The notebook's budget of $" in ended(session).error
    assert len(server.requests) == 2


@pytest.mark.parametrize("cells", ["items", "prompts"])
@pytest.mark.parametrize("calls", [0, 1, 7, 39])
def test_calls_at_once_never_overrun(open_at_server, server, cells, calls):
    server.reply = Reply(text="fine", delay_s=0.02)
    if cells == "items":
        notebook = prompts("{item}", for_each="range(40)", response_var="said")
    else:
        notebook = prompts(*[f"number {place}" for place in range(40)])
    session = open_at_server(notebook, provider_concurrency=64)
    last = ended(session, budget=Budget(calls=calls), concurrency=32, stop_on_error=False)
    assert f"budget of {calls} call" in last.error
    assert len(server.requests) == calls
    if cells == "items":
        assert f"ItemsFailed: {40 - calls} of 40 items have no answer" in last.error
        said = session.state["said"]
        assert [one is None for one in said].count(False) == calls
        # With more, it goes on from there.
        session.run()
        assert len(server.requests) == 40
        assert session.state["said"] == ["fine"] * 40
    else:
        assert [cell.status for cell in notebook].count("completed") == calls


@pytest.mark.parametrize("concurrency", [1, 2])
def test_calls_that_wait_hold_no_budget_back(open_at_server, server, concurrency):
    """Each may cost 4,100 tokens and costs two: no more than run at once are set aside."""
    notebook = prompts("{item}", for_each="range(30)")
    session = open_at_server(notebook)
    session.run(budget=Budget(tokens=9_000), concurrency=concurrency)
    assert len(server.requests) == 30


def test_a_call_that_is_tried_again_counts_once(open_at_server, server):
    server.script(Reply(status=500), Reply(status=503), Reply(text="at last"))
    notebook = prompts("one", budget={"calls": 1})
    session = open_at_server(notebook, call_attempts=3)
    session.run(budget=Budget(calls=1))
    assert len(server.requests) == 3
    assert notebook.cells[0].outputs[0].content == "at last"
    assert "budget of 1 call" in ended(session).error
    assert len(server.requests) == 3


def test_each_request_of_a_prompt_with_tools_counts(open_at_server, server):
    notebook = Notebook()
    notebook.add_code("def now():\n    return 12")
    notebook.add_prompt("When?", tools=["now"])
    session = open_at_server(notebook)
    server.reply = Reply(tool_calls=(ToolCall(id="call_1", name="now", arguments="{}"),))
    assert ended(session, budget=Budget(calls=3)).error.startswith("BudgetExceeded")
    assert len(server.requests) == 3
    kinds = [one.type for one in notebook.cells[1].outputs]
    assert kinds == ["tool_call"] * 3 + ["error"]


def test_calls_that_failed_count(open_at_server, server):
    server.reply = Reply(status=400)
    notebook = prompts("one", budget={"calls": 2})
    session = open_at_server(notebook)
    for _ in range(2):
        assert ended(session).error.startswith("RequestRejected")
    assert ended(session).error.startswith("BudgetExceeded")
    assert len(server.requests) == 2


def test_what_the_record_answers_costs_nothing(open_at_server, server):
    notebook = chain(3, budget={"calls": 3})
    session = open_at_server(notebook)
    session.run()
    for mode in ("reuse", "replay"):
        session.run(mode=mode, budget=Budget(calls=0, tokens=0, usd=0))
    assert ended(session).error.startswith("BudgetExceeded")
    assert len(server.requests) == 3


def test_a_budget_that_was_changed_keeps_what_was_spent(open_at_server, server):
    notebook = prompts("one", budget={"calls": 2})
    session = open_at_server(notebook)
    session.run()
    session.run()
    assert "2 calls spent" in ended(session).error
    notebook.metadata["llm_repl"] = {"budget": {"calls": 3}}
    session.run()
    assert "budget of 3 calls" in ended(session).error
    notebook.metadata["llm_repl"] = {"budget": {"calls": 1}}
    assert "3 calls spent" in ended(session).error
    notebook.metadata["llm_repl"] = {}
    session.run()
    # What was spent without a budget is on record, too.
    notebook.metadata["llm_repl"] = {"budget": {"calls": 4}}
    assert "4 calls spent" in ended(session).error
    assert len(server.requests) == 4


def test_what_was_spent_is_on_record(open_at_server, server):
    ledger = MemoryLedger()
    notebook = prompts("one", budget={"calls": 2})
    settings = Settings(provider="mock")
    for _ in range(2):
        with Session(notebook, application=Application(settings), ledger=ledger) as session:
            session.run()
    with (
        Session(notebook, application=Application(settings), ledger=ledger) as session,
        pytest.raises(
            CellExecutionError, match=r"The notebook's budget of 2 calls .* 2 calls spent"
        ),
    ):
        session.run()


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"call": 5}, "there is no limit `call`, only calls, tokens, usd"),
        ({"calls": -1}, "cannot be used"),
        ({"calls": "5"}, "cannot be used"),
        ({"usd": True}, "cannot be used"),
        (5, "cannot be used"),
        ([], "cannot be used"),
    ],
)
def test_a_budget_that_is_none_lets_nothing_through(open_at_server, server, budget, said):
    session = open_at_server(prompts("one", "two", budget=budget))
    last = ended(session)
    assert "The notebook's `metadata.llm_repl.budget` cannot be used" in last.error
    assert said in last.error
    assert server.requests == []


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ({"budgt": {"calls": 0}}, "`budgt`, which is not known: did you mean `budget`?"),
        ({"Budget": {"calls": 0}}, "`Budget`, which is not known: did you mean `budget`?"),
        ({"modes": "replay"}, "did you mean `mode`?"),
        ({"mode": ["replay"]}, "`metadata.llm_repl.mode` must be text"),
        ({"model": 4}, "`metadata.llm_repl.model` must be text"),
    ],
)
def test_a_choice_that_would_not_count_lets_nothing_through(
    open_at_server, server, preferences, said
):
    notebook = prompts("one", "two")
    notebook.metadata["llm_repl"] = preferences
    session = open_at_server(notebook)
    assert said in ended(session).error
    assert server.requests == []


def test_names_under_llm_repl_that_are_like_none_of_its_choices_may_stand_there(
    open_at_server, server
):
    notebook = prompts("one")
    notebook.metadata["llm_repl"] = {"reviewed_by": "Ann", "theme": {"budgt": 1}}
    open_at_server(notebook).run()
    assert len(server.requests) == 1
