"""Answers that are cut, empty, thought aloud or oddly asked for: what a cell makes of them."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from llm_repl_core import CellExecutionError, CellText, Notebook, ToolCall
from llm_repl_core.ledger.identity import identity_of
from llm_repl_core.ledger.recordings_text import decode_recordings, encode_recordings
from llm_repl_core.testing.openai_server import Reply

GOOD = '{"name": "Ann", "age": 3}'
CODE = """
def birthday(age: int) -> int:
    "A year more."
    return age + 1
def now() -> str:
    "The time."
    return "noon"
"""


def ask(content="Who?", **fields):
    notebook = Notebook("Example")
    notebook.add_code(CODE)
    notebook.add_prompt(content, response_var="who", **fields)
    return notebook


def run(session, **options):
    """Runs it; the sentence with which it failed, or None."""
    try:
        session.run(**options)
    except CellExecutionError as failure:
        return str(failure)
    return None


def check_replay(session, server, failure=None):
    """The record alone, as the file keeps it, gives the same outputs and the same state."""
    notebook, ledger = session.notebook, session.live.ledger
    data = encode_recordings(ledger.records, [cell.id for cell in notebook])
    again = decode_recordings(data, "a file")
    assert encode_recordings(again, [cell.id for cell in notebook]) == data
    asked, outputs = len(server.requests), [cell.outputs for cell in notebook]
    state = str(session.state.get("who"))
    assert run(session, mode="replay") == failure
    assert [cell.outputs for cell in notebook] == outputs
    assert str(session.state.get("who")) == state
    assert len(server.requests) == asked


def test_a_text_that_was_cut_is_kept_with_a_warning(open_at_server, server):
    notebook = ask(parameters={"max_tokens": 7})
    session = open_at_server(notebook, call_attempts=4)
    server.script(Reply(text="Ann and", finish_reason="length"))
    assert run(session) is None
    answer, warning = notebook.cells[1].outputs
    assert (answer.content, answer.fields["finish_reason"]) == ("Ann and", "length")
    assert warning.type == "warning"
    assert warning.content == (
        "The answer was cut off at its token limit: raise `max_tokens`, which is 7."
    )
    assert notebook.cells[1].status == "completed"
    assert session.state["who"] == "Ann and"
    check_replay(session, server)


def test_each_item_that_was_cut_says_so(open_at_server, server):
    notebook = ask("Who is {item}?", for_each="['Ann', 'Bob']")
    server.reply = lambda request: Reply(
        text="A", finish_reason="length" if "Bob" in request.prompt else "stop"
    )
    session = open_at_server(notebook)
    assert run(session) is None
    *_, warning = notebook.cells[1].outputs
    assert (warning.type, warning.fields) == ("warning", {"item": 1})
    assert "set a higher `max_tokens`" in warning.content
    check_replay(session, server)


EMPTY = {
    "nothing": (Reply(text=""), "returned nothing (it ended with `stop`)"),
    "white space": (Reply(text=" \n"), "returned nothing"),
    "reasoning beside it": (
        Reply(deltas=({"reasoning_content": "Hm."},)),
        "returned only reasoning",
    ),
    "reasoning in it": (Reply(text="<think>Hm.</think>\n"), "returned only reasoning"),
    "reasoning that never ends": (Reply(text="<think>Hm."), "returned only reasoning"),
    "cut in the reasoning": (
        Reply(text="<think>Hm.", finish_reason="length"),
        "while the model was reasoning: raise `max_tokens`, which is 7",
    ),
    "cut at once": (Reply(text="", finish_reason="length"), "before the first word: raise"),
    "no choice": (Reply(body=b"data: [DONE]\n\n"), "without an answer in it"),
}


@pytest.mark.parametrize(("reply", "words"), EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("schema", [None, "name, age int"])
def test_an_empty_answer_fails_with_the_reason_and_is_asked_for_once(
    open_at_server, server, reply, words, schema
):
    notebook = ask(schema=schema, parameters={"max_tokens": 7})
    session = open_at_server(notebook, call_attempts=4)
    server.script(reply)
    failure = run(session)
    assert failure.startswith("AnswerEmpty: ")
    assert words in failure
    assert len(server.requests) == 1
    assert "who" not in session.state
    [record] = session.live.ledger.records
    assert (record.state, record.error.type) == ("failed", "AnswerEmpty")


def test_whole_answers_are_not_asked_for_again(open_at_server, server):
    session = open_at_server(ask(), call_attempts=4)
    server.script(Reply(text="Ann.", finish_reason=None))
    assert run(session) is None
    assert session.state["who"] == "Ann."
    unreadable = {"content": [{"type": "hologram"}]}
    server.script(Reply(deltas=(unreadable,)))
    assert run(session).startswith("AnswerUnreadable: ")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "said",
    [
        f'<think>Is it {{"name": "Bob"}}?</think>\n{GOOD}',
        f'Is it {{"name": "Bob"}}?\n</think>\n\n{GOOD}',
    ],
)
def test_reasoning_is_no_part_of_the_answer(open_at_server, server, play, said):
    notebook = ask(schema="name, age int")
    notebook.add_prompt("Hm?", response_var="text")
    session = open_at_server(notebook)
    server.reply = lambda request: Reply(
        text=said if "response_format" in request.body else said.replace(GOOD, "Ann.")
    )
    events = play(session)
    form, text = (cell.outputs[0] for cell in notebook.cells[1:])
    assert (form.content, session.state["who"]) == (GOOD, json.loads(GOOD))
    assert (text.content, session.state["text"]) == ("Ann.", "Ann.")
    assert form.fields["reasoning"] == text.fields["reasoning"] == 'Is it {"name": "Bob"}?'
    assert len(server.requests) == 2
    heard = "".join(one.text for one in events if isinstance(one, CellText))
    assert ("Is it" in heard) is not said.startswith("<think>")
    check_replay(session, server)


def test_a_form_that_was_cut_is_not_asked_for_with_the_same_limit(open_at_server, server):
    notebook = ask(schema="name, age int", parameters={"max_completion_tokens": 7})
    session = open_at_server(notebook)
    server.script(Reply(text=GOOD[:-3], finish_reason="length"))
    failure = run(session)
    assert failure.startswith("AnswerMisfit: The answer does not fit: ")
    assert "cut off at its token limit: raise `max_completion_tokens`, which is 7." in failure
    assert len(server.requests) == 1
    kept, _ = notebook.cells[1].outputs
    assert (kept.content, kept.fields["failed"]) == (GOOD[:-3], True)
    server.script(Reply(text=GOOD, finish_reason="length"))  # what is whole is taken
    assert run(session) is None
    assert [one.type for one in notebook.cells[1].outputs] == ["llm_response", "warning"]


def test_a_call_of_a_tool_that_was_cut_is_not_asked_for_again(open_at_server, server):
    notebook = ask(tools=["birthday"], parameters={"max_tokens": 7})
    session = open_at_server(notebook)
    call = ToolCall(id="a", name="birthday", arguments='{"age": ')
    server.script(Reply(tool_calls=(call,), finish_reason="length"))
    failure = run(session)
    assert "What the model asks `birthday` for is not whole." in failure
    assert "raise `max_tokens`, which is 7" in failure
    assert len(server.requests) == 1


def test_the_second_question_holds_the_schema(open_at_server, server):
    session = open_at_server(ask(schema="name, age int"))
    server.script(Reply(text="Ann."), Reply(text=GOOD))
    assert run(session) is None
    asked = server.requests[1].prompt
    assert '"required": ["name", "age"]' in asked
    assert json.loads(asked[asked.index("{") :])["type"] == "object"
    check_replay(session, server)


def test_a_recording_from_before_the_second_question_held_it_is_replayed(open_at_server, server):
    notebook = ask(schema="name, age int", tools=["birthday"])
    session = open_at_server(notebook)
    wish = ToolCall(id="a", name="birthday", arguments='{"age": 2}')
    server.script(Reply(text="Ann."), Reply(tool_calls=(wish,)), Reply(text=GOOD))
    assert run(session) is None
    outputs = notebook.cells[1].outputs
    old = open_at_server(notebook)
    for record in session.live.ledger.records:
        request = json.loads(
            json.dumps(record.request, ensure_ascii=False),
            object_hook=_as_it_was,
        )
        former = msgspec.structs.replace(record, request=request, identity=identity_of(request))
        assert (former.identity == record.identity) is (record.place.step == 0)
        asyncio.run(old.live.ledger.begin(former))
        asyncio.run(old.live.ledger.end(former))
    assert run(old, mode="replay") is None
    assert notebook.cells[1].outputs == outputs


def _as_it_was(document):
    content = document.get("content")
    if isinstance(content, str):
        document["content"] = content.partition(" It must fit this JSON Schema: ")[0]
    return document


def _call(arguments, **fields):
    function = {"name": "birthday", "arguments": arguments}
    return {"tool_calls": [{"index": 0, "id": "a", "function": function, **fields}]}


def test_what_came_with_a_tools_call_goes_back_and_is_replayed(open_at_server, server):
    notebook = ask(tools=["birthday"])
    session = open_at_server(notebook)
    signature = {"google": {"thought_signature": "c2ln"}}
    said = ({"reasoning_content": "H"}, {"reasoning_content": "m."})
    server.script(
        Reply(deltas=(*said, _call('{"age": 2}', extra_content=signature))),
        Reply(deltas=({"reasoning_content": "So."}, {"content": "Three."})),
    )
    assert run(session) is None
    turn = server.requests[1].body["messages"][1]
    assert turn["reasoning_content"] == "Hm."
    assert turn["tool_calls"][0]["extra_content"] == signature
    assert notebook.cells[1].outputs[-1].fields["reasoning"] == "So."
    check_replay(session, server)


def test_broken_arguments_go_back_as_an_object_and_the_error_with_the_result(
    open_at_server, server
):
    session = open_at_server(ask(tools=["birthday"]))
    server.script(Reply(deltas=(_call('{"age": 2'),)), Reply(text="Three."))
    assert run(session) is None
    _, turn, result = server.requests[1].body["messages"]
    assert turn["tool_calls"][0]["function"]["arguments"] == "{}"
    assert "the arguments are not JSON" in result["content"]
    assert result["content"].endswith('They were: {"age": 2')
    check_replay(session, server)


@pytest.mark.parametrize("arguments", ["null", "", "{}", " null "])
def test_a_tool_without_parameters_may_be_called_with_null(open_at_server, server, arguments):
    session = open_at_server(ask(tools=["now"]))
    call = {"index": 0, "id": "a", "function": {"name": "now", "arguments": arguments}}
    server.script(Reply(deltas=({"tool_calls": [call]},)), Reply(text="Noon."))
    assert run(session) is None
    assert "properties" not in json.dumps(server.requests[0].body["tools"])
    assert server.requests[1].body["messages"][-1]["content"] in ("noon", "'noon'")


def test_arguments_in_a_text_are_read(open_at_server, server):
    session = open_at_server(ask(tools=["birthday"]))
    server.script(Reply(deltas=(_call(json.dumps('{"age": 2}')),)), Reply(text="Three."))
    assert run(session) is None
    assert server.requests[1].body["messages"][-1]["content"] == "3"


def test_the_old_function_call_is_understood(open_at_server, server):
    session = open_at_server(ask(tools=["birthday"]))
    call = {"function_call": {"name": "birthday", "arguments": '{"age": 2}'}}
    server.script(Reply(deltas=(call,), finish_reason="function_call"), Reply(text="Three."))
    assert run(session) is None
    assert session.state["who"] == "Three."
    assert server.requests[1].body["messages"][-1]["content"] == "3"
