"""Calls of a run: recorded before they are sent, tried again, limited, and answered from the record."""

from __future__ import annotations

import asyncio
import time

import pytest

from llm_repl_core import (
    Application,
    CallQueued,
    CellExecutionError,
    CellRetried,
    CellText,
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
from llm_repl_core.errors import AnswerBroken, ProviderServerError, RateLimited, StorageError
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

LIMIT_S = 20.0


class Sent:
    """What the provider under test was asked: each time with its prompt."""

    def __init__(self):
        self.calls = []
        self.answer = None

    def prompts(self):
        return [prompt for _, prompt in self.calls]


@pytest.fixture
def sent():
    return Sent()


@pytest.fixture
def open_recorded(sent):
    """Opens a notebook with a ledger; its provider answers as `sent.answer` says."""
    opened = []

    class Recorded(Provider):
        name = "recorded"
        default_model = "model-1"

        async def stream(self, request):
            prompt = request.messages[-1].content
            sent.calls.append((time.monotonic(), prompt))
            answer = sent.answer or (lambda prompt, number: f"{prompt} #{number}")
            for piece in answer(prompt, len(sent.calls)), None:
                if isinstance(piece, str):
                    yield Delta(text=piece)
                elif piece is not None:
                    for one in piece:
                        if isinstance(one, Exception):
                            raise one
                        yield Delta(text=one)
            yield Delta(usage=Usage(input_tokens=10, output_tokens=5), finish_reason="stop")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Recorded]

    def open_it(notebook, ledger=None, **settings):
        manager = PluginManager()
        manager.register(Plugin(), "plugin")
        known = {"provider": "recorded", "call_attempts": 3} | settings
        session = Session(
            notebook,
            application=Application(Settings(**known), plugins=manager),
            ledger=MemoryLedger() if ledger is None else ledger,
        )
        opened.append(session)
        return session

    yield open_it
    for session in opened:
        session.close()


def prompts(*texts, **fields):
    notebook = Notebook()
    for text in texts:
        notebook.add_prompt(text, **fields)
    return notebook


def texts_of(notebook):
    return [output.content for cell in notebook for output in cell.outputs]


# The first word ----------------------------------------------------------------------------------


def test_the_first_word_leaves_before_more_is_read(sent, open_recorded):
    left = []
    left_by = []

    def on_event(event):
        # As a server does, which gathers what is said in one turn of the loop.
        if isinstance(event, CellText):
            asyncio.get_running_loop().call_soon(left.append, event.text)

    def burst(prompt, number):
        def pieces():
            for word in ("one ", "two ", "three"):
                yield word
                left_by.append("".join(left))

        return pieces()

    sent.answer = burst
    notebook = prompts("count")
    session = open_recorded(notebook)
    session.live.listen(on_event)
    session.run()
    assert left_by[0] == "one "
    assert texts_of(notebook) == ["one two three"]


# Recording ---------------------------------------------------------------------------------------


def test_a_call_is_on_record_with_all_that_was_sent_and_came(open_recorded):
    ledger = MemoryLedger()
    notebook = prompts("hello", temperature=0.5)
    session = open_recorded(notebook, ledger)
    session.run()
    [record] = ledger.records
    [output] = notebook.cells[0].outputs
    assert output.fields["call_id"] == record.id
    assert (record.state, record.source, record.text) == ("completed", "live", "hello #1")
    assert (record.provider, record.model) == ("recorded", "model-1")
    assert record.place.cell_id == notebook.cells[0].id
    assert record.usage.input_tokens == 10
    assert record.request["messages"][-1]["content"] == "hello"
    assert len(record.attempts) == 1


def test_the_record_is_safe_before_the_request_reaches_the_server(open_session, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "only-for-tests")
    ledger = MemoryLedger()
    seen = []

    def reply(request):
        seen.append([(one.state, one.request["messages"][-1]["content"]) for one in ledger.records])
        return Reply(text="answer")

    with OpenAIServer(reply=reply) as server:
        settings = Settings(provider="openai", model="test-model", base_url=server.base_url)
        with Session(
            prompts("one", "two"), application=Application(settings), ledger=ledger
        ) as session:
            session.run(parallel=False)
    assert seen == [[("running", "one")], [("completed", "one"), ("running", "two")]]


def test_what_cannot_be_recorded_is_not_sent(open_recorded, sent):
    class Full(MemoryLedger):
        async def begin(self, record):
            raise StorageError("The disk is full.")

    notebook = prompts("hello")
    session = open_recorded(notebook, Full())
    with pytest.raises(CellExecutionError, match="The disk is full"):
        session.run()
    assert sent.calls == []


def test_an_answer_whose_end_cannot_be_recorded_is_kept(open_recorded, caplog):
    class Full(MemoryLedger):
        async def end(self, record):
            raise StorageError("The disk is full.")

    notebook = prompts("hello")
    open_recorded(notebook, Full()).run()
    assert texts_of(notebook) == ["hello #1"]
    assert "could not be recorded" in caplog.text


def test_the_text_is_told_before_what_is_done_at_the_end_of_a_call(open_session):
    heard, heard_by_then = [], []

    class Plugin:
        @hookimpl
        def llm_repl_after_call(self, context, result):
            heard_by_then.extend(one.text for one in heard if isinstance(one, CellText))

    session = open_session(prompts("hello", model="mock/echo"), Plugin())
    session.live.listen(heard.append)
    session.run()
    assert heard_by_then == ["hello"]


def test_a_stopped_and_a_failed_call_are_on_record_as_such(open_recorded, sent):
    ledger = MemoryLedger()
    sent.answer = lambda prompt, number: ["a piece", AnswerBroken("cut off")]
    session = open_recorded(prompts("hello"), ledger, call_attempts=1)
    with pytest.raises(CellExecutionError, match="cut off"):
        session.run()
    [record] = ledger.records
    assert (record.state, record.text) == ("failed", "a piece")
    assert (record.error.type, record.error.message) == ("AnswerBroken", "cut off")
    [partial, error] = session.notebook.cells[0].outputs
    assert (partial.content, partial.fields["failed"]) == ("a piece", True)
    assert error.fields["ename"] == "AnswerBroken"


# Trying again --------------------------------------------------------------------------------------


def test_the_text_of_an_attempt_that_failed_is_void(open_recorded, sent):
    ledger = MemoryLedger()

    def answer(prompt, number):
        return ["lost", ProviderServerError("broken")] if number == 1 else ["whole", " answer"]

    sent.answer = answer
    notebook = prompts("hello", response_var="said")
    session = open_recorded(notebook, ledger)
    events = list(session.stream())
    assert texts_of(notebook) == ["whole answer"]
    assert session.state["said"] == "whole answer"
    [retried] = [event for event in events if isinstance(event, CellRetried)]
    assert (retried.attempt, retried.error) == (1, "broken")
    behind = [
        event.text for event in events[events.index(retried) :] if isinstance(event, CellText)
    ]
    assert "".join(behind) == "whole answer"
    [record] = ledger.records
    assert [attempt.error for attempt in record.attempts] == ["broken", None]
    assert record.text == "whole answer"


def test_a_429_holds_all_calls_of_the_provider_back(open_recorded, sent):
    pause_s = 0.4

    def answer(prompt, number):
        return [RateLimited("later", retry_after_s=pause_s)] if number == 1 else "fine"

    sent.answer = answer
    notebook = prompts("one", "two", "three")
    session = open_recorded(notebook, provider_concurrency=1)
    session.run()
    assert texts_of(notebook) == ["fine"] * 3
    (first_s, _), *others = sent.calls
    assert len(others) == 3
    # Not only the one that was refused.
    assert all(began_s - first_s >= pause_s * 0.95 for began_s, _ in others)


def test_a_call_that_waits_for_a_pause_says_how_long(open_recorded, sent):
    pause_s = 0.4
    sent.answer = lambda _, number: (
        [RateLimited("later", retry_after_s=pause_s)] if number == 1 else "fine"
    )
    notebook = prompts("one", "two")
    session = open_recorded(notebook, call_attempts=1)
    list(session.stream([notebook.cells[0].id]))
    events = list(session.stream([notebook.cells[1].id]))
    [queued] = [event for event in events if isinstance(event, CallQueued)]
    # Not how many there are at once: that is not what it waits for.
    assert (queued.limit, queued.place, queued.at_once) == ("provider", 1, None)
    assert 0 < queued.pause_s <= pause_s
    assert notebook.cells[1].outputs[0].content == "fine"


def test_what_cannot_succeed_is_not_tried_again(open_session, monkeypatch):
    notebook = prompts("hello", model="mock/fail:request_rejected")
    session = open_session(notebook, call_attempts=4)
    events = list(session.stream())
    assert not any(isinstance(event, CellRetried) for event in events)


# Budgets -----------------------------------------------------------------------------------------


def test_a_budget_that_is_reached_says_what_was_left_undone(open_recorded, sent):
    notebook = prompts("one", "{response_0}", "{response_1}", "{response_2}")
    session = open_recorded(notebook)
    with pytest.raises(CellExecutionError) as raised:
        session.run(budget=Budget(calls=2))
    message = str(raised.value)
    assert message.startswith("BudgetExceeded: The run's budget of 2 calls has too little left")
    assert "Not run: 1 of 4 cells." in message
    assert sent.prompts() == ["one", "one #1"]
    assert [cell.status for cell in notebook] == ["completed", "completed", "error", "idle"]


@pytest.mark.parametrize("cells", [5, 40])
def test_calls_at_once_never_overrun_a_budget(open_recorded, sent, cells):
    notebook = prompts(*[f"number {place}" for place in range(cells)])
    session = open_recorded(notebook)
    with pytest.raises(CellExecutionError, match="budget of 3 calls"):
        session.run(budget=Budget(calls=3), stop_on_error=False)
    assert len(sent.calls) == 3
    assert [cell.status for cell in notebook].count("completed") == 3


def test_a_notebooks_own_budget_counts_over_its_runs(open_recorded, sent):
    notebook = prompts("one")
    notebook.metadata["llm_repl"] = {"budget": {"calls": 2}}
    session = open_recorded(notebook)
    session.run()
    session.run()
    with pytest.raises(CellExecutionError, match="The notebook's budget of 2 calls"):
        session.run()
    assert len(sent.calls) == 2


# Reuse and replay ----------------------------------------------------------------------------------


def test_two_identical_prompts_stay_two_samples(open_recorded, sent):
    ledger = MemoryLedger()
    notebook = prompts("say a number", "say a number", "say a number")
    session = open_recorded(notebook, ledger)
    session.run()
    live = texts_of(notebook)
    assert len(set(live)) == 3
    for mode in ("reuse", "replay", "reuse"):
        session.run(mode=mode)
        assert texts_of(notebook) == live
    assert len(sent.calls) == 3


def test_in_replay_the_order_of_arrival_does_not_matter(open_recorded, sent):
    ledger = MemoryLedger()
    notebook = Notebook()
    notebook.add_prompt("chain", response_var="p")
    notebook.add_prompt("{p}", response_var="q")
    for _ in range(4):
        notebook.add_prompt("same")
    session = open_recorded(notebook, ledger)
    session.run(parallel=False)
    live = texts_of(notebook)
    for concurrency in (1, 2, 32):
        session.run(mode="replay", concurrency=concurrency)
        assert texts_of(notebook) == live


def test_reuse_says_so_and_asks_only_what_is_new(open_recorded, sent):
    ledger = MemoryLedger()
    notebook = prompts("one", "two")
    session = open_recorded(notebook, ledger)
    session.run()
    first_ids = [cell.outputs[0].fields["call_id"] for cell in notebook]
    assert all("source" not in cell.outputs[0].fields for cell in notebook)
    notebook.cells[1].change(content="three")
    session.run(mode="reuse")
    assert sent.prompts() == ["one", "two", "three"]
    again, asked = (cell.outputs[0].fields for cell in notebook)
    assert (again["source"], again["call_id"]) == ("reuse", first_ids[0])
    assert "source" not in asked
    assert [record.source for record in ledger.records] == ["live", "live", "reuse", "live"]


def test_replay_gives_the_same_outputs_to_the_byte(open_recorded):
    ledger = MemoryLedger()
    notebook = prompts("one", "two")
    session = open_recorded(notebook, ledger)
    session.run()
    live = [cell.outputs for cell in notebook]
    session.run(mode="replay")
    assert [cell.outputs for cell in notebook] == live


def test_a_miss_fails_with_the_difference_and_asks_nobody(open_recorded, sent):
    notebook = prompts("Tell me of cats.")
    session = open_recorded(notebook)
    session.run()
    notebook.cells[0].change(content="Tell me of dogs.")
    with pytest.raises(CellExecutionError) as raised:
        session.run(mode="replay")
    message = str(raised.value)
    assert message.startswith("ReplayMiss: ")
    assert "cats" in message
    assert "dogs" in message
    assert len(sent.calls) == 1


def test_a_notebooks_mode_is_its_runs_default(open_recorded, sent):
    notebook = prompts("one")
    session = open_recorded(notebook)
    session.run()
    notebook.metadata["llm_repl"] = {"mode": "replay"}
    session.run()
    assert len(sent.calls) == 1
    session.run(mode="live")
    assert len(sent.calls) == 2
    notebook.metadata["llm_repl"] = {"mode": "sometimes"}
    with pytest.raises(CellExecutionError, match="must be one of live, reuse, replay"):
        session.run()


def test_items_that_were_answered_are_not_paid_again(open_recorded, sent):
    ledger = MemoryLedger()
    failing = {"on": True}

    def answer(prompt, number):
        if prompt == "item 2" and failing["on"]:
            return [ProviderServerError("broken")]
        return f"<{prompt}>"

    sent.answer = answer
    notebook = prompts("item {item}", for_each="range(4)", response_var="found")
    session = open_recorded(notebook, ledger, call_attempts=1)
    with pytest.raises(CellExecutionError, match="1 of 4 items have no answer"):
        session.run()
    assert session.state["found"] == ["<item 0>", "<item 1>", None, "<item 3>"]
    failing["on"] = False
    sent.calls.clear()
    session.run()
    assert sent.prompts() == ["item 2"]
    assert session.state["found"] == [f"<item {place}>" for place in range(4)]


def test_calls_of_two_sessions_of_one_loop_share_the_providers_places():
    from llm_repl_core.engine.loop import EngineLoop

    state = {"now": 0, "peak": 0}

    class Counting(Provider):
        name = "counting"
        default_model = "one"

        async def stream(self, request):
            state["now"] += 1
            state["peak"] = max(state["peak"], state["now"])
            await asyncio.sleep(0.01)
            state["now"] -= 1
            yield Delta(text="x")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Counting]

    manager = PluginManager()
    manager.register(Plugin(), "plugin")
    application = Application(
        Settings(provider="counting", provider_concurrency=2), plugins=manager
    )
    with EngineLoop() as loop:
        sessions = [
            Session(prompts("a", "b", "c"), application=application, loop=loop) for _ in range(3)
        ]

        async def run_all():
            return await asyncio.gather(*[session.live.start()[1] for session in sessions])

        results = loop.call(run_all(), LIMIT_S)
        assert [result.error for result in results] == [None] * 3
        for session in sessions:
            session.close()
        loop.call(application.providers.close())
    assert state["peak"] == 2
