"""Calls at the same time spend a budget as calls one after the other do: the same are answered."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_repl_core import (
    Application,
    CellExecutionError,
    Delta,
    Notebook,
    PluginManager,
    Provider,
    Session,
    Settings,
    Usage,
    hookimpl,
)
from llm_repl_core.engine.budget import Budget
from llm_repl_core.engine.claims import MARGIN
from llm_repl_core.engine.tokens import estimate_tokens, output_allowance
from llm_repl_core.errors import ProviderServerError
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.providers.base import Message, Request, ToolCall
from llm_repl_core.settings import ModelPrice

PRICE = ModelPrice(input=1.0, output=1.0)
"""A token costs a millionth of a dollar."""

MAX_TOKENS = 20

SCHEMA = {
    "type": "object",
    "properties": {"value": {"type": "integer"}},
    "required": ["value"],
}


class Metered(Provider):
    """Takes as much of what is set aside as the prompt says, in as many steps as it says."""

    name = "metered"
    default_model = "model-1"

    async def stream(self, request):
        said = "\n".join(one.content for one in request.messages if one.role == "user")
        for _ in range(_number(said, "steps")):
            await asyncio.sleep(0.0005)
        if "fail" in said:
            raise ProviderServerError("It failed.")
        reserved = estimate_tokens(request) + output_allowance(request)
        usage = Usage(input_tokens=reserved * _number(said, "percent") // 100, output_tokens=0)
        rounds = sum(one.role == "tool" for one in request.messages)
        if request.tools and rounds < _number(said, "rounds"):
            yield Delta(tool_calls=(ToolCall(id=f"c{rounds}", name="look", arguments="{}"),))
            yield Delta(usage=usage, finish_reason="tool_calls")
            return
        answer = "x " * (1 + _number(said, "words"))
        is_second = any(one.role == "assistant" for one in request.messages)
        if request.answer_schema is not None:
            answer = "no JSON" if "misfit" in said and not is_second else '{"value": 1}'
        yield Delta(text=answer)
        yield Delta(usage=usage, finish_reason="stop")


def _number(text, word):
    found = re.search(rf"{word}=(\d+)", text)
    return int(found[1]) if found else 0


class Plugin:
    @hookimpl
    def llm_repl_providers(self):
        return [Metered]


@st.composite
def cells(draw):
    words = [
        f"percent={draw(st.integers(0, MARGIN * 100))}",
        f"steps={draw(st.integers(0, 6))}",
        f"words={draw(st.integers(0, 40))}",
        f"rounds={draw(st.integers(0, 3))}",
        draw(st.sampled_from(["", "", "misfit", "fail"])),
    ]
    kind = draw(st.sampled_from(["plain", "plain", "plain", "after", "items", "tools", "schema"]))
    return kind, " ".join(words) + "\n" + "y" * draw(st.integers(0, 200))


def notebook_of(drawn, budget):
    notebook = Notebook("Example")
    notebook.add_code("def look() -> str:\n    '''Looks.'''\n    return 'seen'\nrows = list('abc')")
    for index, (kind, text) in enumerate(drawn):
        fields = {"parameters": {"max_tokens": MAX_TOKENS}, "response_var": f"v{index}"}
        if kind == "after" and index:
            text = f"{text} {{v{index - 1}}}"
        elif kind == "items":
            text, fields["for_each"] = f"{text} {{item}}", "rows"
        elif kind == "tools":
            fields["tools"] = ["look"]
        elif kind == "schema":
            fields["schema"] = SCHEMA
        notebook.add_prompt(text, **fields)
    if budget is not None:
        notebook.metadata["llm_repl"] = {"budget": budget}
    return notebook


def outcome(drawn, *, run_budget, notebook_budget, **options):
    manager = PluginManager()
    manager.register(Plugin(), "metered")
    known = {"provider": "metered", "call_attempts": 1, "prices": {"metered/*": PRICE}}
    notebook = notebook_of(drawn, notebook_budget)
    application = Application(Settings(**known), plugins=manager, entry_points=False)
    with (
        Session(notebook, application=application, ledger=MemoryLedger()) as session,
        suppress(CellExecutionError),
    ):
        session.run(budget=run_budget, **options)
    return [
        (
            cell.status,
            cell.execution_count if cell.status == "idle" else None,
            [
                (output.type, output.fields.get("ename"), output.fields.get("item"))
                for output in cell.outputs
            ],
        )
        for cell in notebook
    ]


budgets = st.one_of(
    st.builds(Budget, usd=st.integers(0, 1_500).map(lambda tokens: tokens / 1e6)),
    st.builds(Budget, tokens=st.integers(0, 1_500)),
    st.builds(Budget, calls=st.integers(0, 8)),
    st.builds(
        Budget,
        usd=st.integers(0, 1_500).map(lambda tokens: tokens / 1e6),
        calls=st.integers(2, 8),
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(cells(), min_size=2, max_size=7),
    budgets,
    st.none() | st.integers(0, 1_500).map(lambda tokens: {"tokens": tokens}),
    st.booleans(),
    st.sampled_from([None, 1, 2]),
)
def test_parallel_answers_and_refuses_what_serial_does(
    drawn, budget, notebook_budget, stop_on_error, concurrency
):
    if stop_on_error:  # what was sent before something else than money failed ends as it may
        drawn = [(kind, text.replace("fail", "")) for kind, text in drawn]
    given_budgets = {"run_budget": budget, "notebook_budget": notebook_budget}
    serial = outcome(drawn, **given_budgets, parallel=False, stop_on_error=stop_on_error)
    parallel = outcome(drawn, **given_budgets, stop_on_error=stop_on_error, concurrency=concurrency)
    assert parallel == serial


@pytest.mark.parametrize("stop_on_error", [False, True])
def test_a_budget_is_spent_as_one_after_the_other_spends_it(stop_on_error):
    """Ten that take half of what is set aside for each, and five times that may be spent."""
    drawn = [("plain", "percent=50 steps=3\n" + "y" * 200)] * 10
    alone = estimate_of(drawn[0][1])
    budgets = {"run_budget": Budget(usd=5 * alone / 1e6), "notebook_budget": None}
    serial = outcome(drawn, **budgets, parallel=False, stop_on_error=stop_on_error)
    parallel = outcome(drawn, **budgets, stop_on_error=stop_on_error)
    assert parallel == serial
    answered = [status for status, *_ in serial[1:]].count("completed")
    assert answered == 9  # 8 × 50 % are spent, and 100 % are left for the ninth


def estimate_of(text):
    return estimate_tokens(Request(model="m", messages=(Message("user", text),))) + MAX_TOKENS


def test_a_large_budget_makes_nobody_wait():
    """All prompts are asked at once: none answers before all have been asked."""
    together = threading.Barrier(6, timeout=20)

    class Meeting(Metered):
        async def stream(self, request):
            await asyncio.to_thread(together.wait)
            yield Delta(text='{"value": 1}')

    class Meetings:
        @hookimpl
        def llm_repl_providers(self):
            return [Meeting]

    manager = PluginManager()
    manager.register(Meetings(), "meetings")
    known = {"provider": "metered", "call_attempts": 1, "prices": {"metered/*": PRICE}}
    notebook = Notebook("Example")
    for kind in ({}, {"schema": SCHEMA}, {}, {"for_each": "[1, 2]"}, {}):
        notebook.add_prompt("hello", **kind)
    application = Application(Settings(**known), plugins=manager, entry_points=False)
    with Session(notebook, application=application) as session, suppress(CellExecutionError):
        session.run(budget=Budget(usd=1, tokens=1_000_000, calls=1_000), stop_on_error=False)
    assert not together.broken


def test_who_waits_for_a_budget_holds_no_place():
    """With one place, the lower prompt waits for the money of the upper one, which needs it."""
    drawn = [
        ("plain", "percent=100 steps=5"),
        ("after", "percent=100"),
        ("plain", "percent=100"),
    ]
    budgets = {"run_budget": Budget(tokens=150), "notebook_budget": None}
    serial = outcome(drawn, **budgets, parallel=False, stop_on_error=False)
    assert outcome(drawn, **budgets, stop_on_error=False, concurrency=1) == serial


def test_a_prompt_that_may_not_be_sent_any_more_is_as_it_was():
    drawn = [("plain", "percent=100 steps=5 words=1")] * 4
    alone = estimate_of(drawn[0][1])
    notebook = notebook_of(drawn, None)
    last = notebook.cells[-1]
    manager = PluginManager()
    manager.register(Plugin(), "metered")
    known = {"provider": "metered", "call_attempts": 1, "prices": {"metered/*": PRICE}}
    application = Application(Settings(**known), plugins=manager, entry_points=False)
    with Session(notebook, application=application) as session:
        session.run()
        before = list(last.outputs)
        with pytest.raises(CellExecutionError, match=r"Not run: 2 of 5 cells\.$"):
            session.run(budget=Budget(tokens=alone + 1))
    assert [cell.status for cell in notebook] == [
        "completed",
        "completed",
        "error",
        *["completed"] * 2,
    ]
    assert before == last.outputs
