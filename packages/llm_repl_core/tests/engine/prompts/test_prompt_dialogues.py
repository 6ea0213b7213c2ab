"""Answers of a form: taken, asked for once more, or refused with both reasons; and from the record."""

from __future__ import annotations

import json

import pytest

from llm_repl_core import CellExecutionError, CellRetried, CellText, Notebook, ToolCall
from llm_repl_core.engine.budget import Budget
from llm_repl_core.testing.openai_server import Reply

GOOD = '{"name": "Ann", "age": 3}'
YOUNG = '{"name": "Ann"}'
WORDS = "I would rather not."
CODE = """
import pydantic
class Person(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(ge=0)
def birthday(age: int) -> int:
    "A year more."
    return age + 1
"""


def person(schema="name, age int", content="Who?", **fields):
    notebook = Notebook("Example")
    notebook.add_code(CODE)
    notebook.add_prompt(content, schema=schema, response_var="who", **fields)
    return notebook


def run(session, **options):
    """Runs it; the sentence with which it failed, or None."""
    try:
        session.run(**options)
    except CellExecutionError as failure:
        return str(failure)
    return None


def usage_of(records):
    return (
        sum(one.usage.input_tokens for one in records),
        sum(one.usage.output_tokens for one in records),
    )


def check_replay(session, server, failure=None):
    """The record alone gives the same outputs and the same state, to the byte."""
    notebook = session.notebook
    asked = len(server.requests)
    outputs = [cell.outputs for cell in notebook]
    state = set(session.state), str(session.state.get("who"))
    assert run(session, mode="replay") == failure
    assert [cell.outputs for cell in notebook] == outputs
    assert (set(session.state), str(session.state.get("who"))) == state
    assert len(server.requests) == asked


@pytest.mark.parametrize("answer", [GOOD, f"Here:\n```json\n{GOOD}\n```", f"It is {GOOD}. Well?"])
def test_an_answer_that_fits(open_at_server, server, kernel, answer):
    notebook = person()
    notebook.add_code("who['name'], who['age'] + 1")
    session = open_at_server(notebook, kernel=kernel)
    server.script(Reply(text=answer))
    assert run(session) is None
    [output] = notebook.cells[1].outputs
    assert output.content == answer
    assert output.fields["value"] == session.state["who"] == json.loads(GOOD)
    assert notebook.cells[2].outputs[0].content == "('Ann', 4)"
    assert "response_format" in server.requests[0].body
    assert len(server.requests) == 1
    check_replay(session, server)


def test_one_that_does_not_fit_is_asked_for_once_more(open_at_server, server, play):
    notebook = person(system="Be exact.")
    session = open_at_server(notebook)
    server.script(Reply(text=YOUNG), Reply(text=GOOD))
    events = play(session)
    first, second = (request.body["messages"] for request in server.requests)
    assert second[: len(first)] == first
    said, told = second[len(first) :]
    assert (said["role"], said["content"]) == ("assistant", YOUNG)
    assert told["role"] == "user"
    assert "'age' is a required property" in told["content"]
    records = session.live.ledger.records
    assert [(one.place.step, one.state, one.text) for one in records] == [
        (0, "completed", YOUNG),
        (1, "completed", GOOD),
    ]
    [output] = notebook.cells[1].outputs
    assert (output.content, output.fields["call_id"]) == (GOOD, records[1].id)
    usage = output.fields["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == usage_of(records)
    assert session.state["who"] == json.loads(GOOD)
    # Whoever watches is told that what they saw of the first is void.
    [void] = [event for event in events if isinstance(event, CellRetried)]
    assert "'age' is a required property" in void.error
    seen = [one.text for one in events[events.index(void) :] if isinstance(one, CellText)]
    assert "".join(seen) == GOOD
    check_replay(session, server)


def test_two_that_do_not_fit_fail_with_both(open_at_server, server):
    notebook = person()
    session = open_at_server(notebook)
    server.script(Reply(text=YOUNG), Reply(text=WORDS))
    failure = run(session)
    assert "AnswerMisfit: The answer does not fit, and neither did the one before it." in failure
    assert "First: " in failure
    assert "'age' is a required property" in failure
    assert "Then: The answer is not JSON" in failure
    assert len(server.requests) == 2
    kept, error = notebook.cells[1].outputs
    assert (kept.content, kept.fields["failed"]) == (WORDS, True)
    assert "value" not in kept.fields
    records = session.live.ledger.records
    assert kept.fields["call_id"] == records[1].id
    # Both were paid for.
    usage = kept.fields["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == usage_of(records)
    assert error.fields["ename"] == "AnswerMisfit"
    assert "who" not in session.state
    check_replay(session, server, failure)


def test_answers_on_record_that_do_not_fit_are_asked_for_again(open_at_server, server):
    notebook = person()
    session = open_at_server(notebook)
    server.script(Reply(text=YOUNG), Reply(text=WORDS), Reply(text=GOOD))
    assert "AnswerMisfit" in run(session, mode="reuse")
    assert run(session, mode="reuse") is None
    assert len(server.requests) == 3
    [output] = notebook.cells[1].outputs
    records = session.live.ledger.records
    assert (output.content, output.fields["call_id"]) == (GOOD, records[-1].id)
    # What was taken from the record is not paid for again.
    assert output.fields["usage"]["output_tokens"] == records[-1].usage.output_tokens
    assert "source" not in output.fields
    check_replay(session, server)
    assert run(session, mode="reuse") is None
    assert len(server.requests) == 3


def test_what_had_come_is_kept_where_the_second_call_may_not_be_made(open_at_server, server):
    notebook = person()
    session = open_at_server(notebook)
    server.script(Reply(text=YOUNG))
    assert run(session, budget=Budget(calls=1)).startswith("BudgetExceeded")
    kept, _ = notebook.cells[1].outputs
    assert (kept.content, kept.fields["failed"]) == (YOUNG, True)
    assert kept.fields["call_id"] == session.live.ledger.records[0].id


def test_a_model_of_the_state(open_at_server, server, kernel):
    notebook = person("Person")
    notebook.add_code("type(who) is Person, type(_) is Person, who is not _, who.age")
    session = open_at_server(notebook, kernel=kernel)
    server.script(Reply(text='{"name": "Ann", "age": -3}'), Reply(text=GOOD))
    assert run(session) is None
    assert "at `age`: Input should be greater" in server.requests[1].prompt
    assert notebook.cells[1].outputs[0].fields["value"] == json.loads(GOOD)
    assert notebook.cells[2].outputs[0].content == "(True, True, True, 3)"
    check_replay(session, server)


@pytest.mark.parametrize("schema", ["name, age int", "Person"])
def test_items_with_a_form(open_at_server, server, kernel, schema):
    notebook = person(schema, "Who is {item}?", for_each="['Ann', 'Bob', 'Cid']")
    notebook.add_code("[None if one is None else type(one).__name__ for one in who]")

    def reply(request):
        asked = request.body["messages"][0]["content"]
        again = len(request.body["messages"]) > 1
        if "Bob" in asked:
            return Reply(text=WORDS)  # always
        if "Cid" in asked and not again:
            return Reply(text="Cid.")
        return Reply(text=json.dumps({"name": asked[7:10], "age": 3}))

    server.reply = reply
    session = open_at_server(notebook, kernel=kernel)
    failure = run(session, stop_on_error=False)
    assert "ItemsFailed: 1 of 3 items have no answer" in failure
    assert "item 2: AnswerMisfit: " in failure
    ann, bob, cid, error = notebook.cells[1].outputs
    assert [one.fields["item"] for one in (ann, bob, cid)] == [0, 1, 2]
    assert [one.fields.get("failed") for one in (ann, bob, cid)] == [None, True, None]
    assert (cid.fields["value"], error.type) == ({"name": "Cid", "age": 3}, "error")
    assert len(server.requests) == 5
    check_replay(session, server, failure)
    kind = "Person" if schema == "Person" else "dict"
    session.run([notebook.cells[2].id])
    assert notebook.cells[2].outputs[0].content == f"['{kind}', None, '{kind}']"
    # Run again, only what has no answer that fits is asked for.
    server.reply = Reply(text='{"name": "Bob", "age": 4}')
    assert run(session) is None
    assert len(server.requests) == 6
    assert notebook.cells[2].outputs[0].content == str([kind] * 3)
    assert notebook.cells[1].status == "completed"
    sources = [one.fields.pop("source", None) for one in notebook.cells[1].outputs]
    assert sources == ["reuse", None, "reuse"]
    check_replay(session, server)  # which does not say that it is one


def test_tools_and_a_form(open_at_server, server):
    notebook = person("name, age int", tools=["birthday"])
    session = open_at_server(notebook)
    wish = ToolCall(id="call_1", name="birthday", arguments='{"age": 2}')
    server.script(Reply(tool_calls=(wish,)), Reply(text=YOUNG), Reply(text=GOOD))
    assert run(session) is None
    call, answer = notebook.cells[1].outputs
    assert (call.type, call.fields["result"]) == ("tool_call", "3")
    assert answer.fields["value"] == json.loads(GOOD)
    assert [one.place.step for one in session.live.ledger.records] == [0, 1, 2]
    roles = [one["role"] for one in server.requests[2].body["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    check_replay(session, server)
