"""Tools of a prompt, from the model's wish to its answer, with the real SDK."""

from __future__ import annotations

import json
import threading

import pytest

from llm_repl_core import (
    CellExecutionError,
    CellFailed,
    Notebook,
    NotFound,
    ToolApprovalNeeded,
    ToolCall,
)
from llm_repl_core.testing.openai_server import Reply

CODE = """
import asyncio
calls = []
def add(a: int, b: int = 1) -> int:
    "Add two numbers."
    calls.append([a, b])
    return a + b
def fails(why: str):
    raise ValueError(why)
async def later(what: str):
    await asyncio.sleep(0.01)
    calls.append(what)
    return {"said": what}
def prints():
    print("from within")
    return None
def counts():
    global count
    count = globals().get("count", 0) + 1
    return count
"""


def wish(name, number=1, **arguments):
    return ToolCall(id=f"call_{number}", name=name, arguments=json.dumps(arguments))


def with_tools(*names, content="Go on.", **fields):
    notebook = Notebook("Example")
    notebook.add_code(CODE)
    notebook.add_prompt(content, tools=list(names), response_var="said", **fields)
    return notebook


def results(server, request):
    """What the model was told at last, by the id of its wish."""
    turns = server.requests[request].body["messages"]
    return {one["tool_call_id"]: one["content"] for one in turns if one["role"] == "tool"}


def test_several_wishes_in_one_answer(open_at_server, server, kernel):
    notebook = with_tools("add", "later")
    session = open_at_server(notebook, kernel=kernel)
    wishes = (wish("add", 1, a=1), wish("later", 2, what="é"), wish("add", 3, a=2, b=5))
    server.script(Reply(text="Let me see. ", tool_calls=wishes), Reply(text="Done."))
    session.run()
    assert session.state["calls"] == [[1, 1], "é", [2, 5]]
    first, second = (request.body for request in server.requests)
    assert [one["function"]["name"] for one in first["tools"]] == ["add", "later"]
    assert second["tools"] == first["tools"]
    said = second["messages"][1]
    assert said["content"].strip() == "Let me see."
    assert [one["id"] for one in said["tool_calls"]] == ["call_1", "call_2", "call_3"]
    assert results(server, 1) == {"call_1": "2", "call_2": '{"said": "é"}', "call_3": "7"}
    *called, answer = notebook.cells[1].outputs
    asked, ended = session.live.ledger.records
    assert [one.type for one in called] == ["tool_call"] * 3
    assert {one.fields["call_id"] for one in called} == {asked.id}
    assert [one.fields["result"] for one in called] == ["2", '{"said": "é"}', "7"]
    assert not any(one.fields["failed"] for one in called)
    assert [one.fields.get("said") for one in called] == ["Let me see. ", None, None]
    assert [one.id for one in asked.tool_calls] == ["call_1", "call_2", "call_3"]
    assert (answer.content, answer.fields["call_id"]) == ("Done.", ended.id)
    assert answer.fields["usage"]["output_tokens"] == (
        asked.usage.output_tokens + ended.usage.output_tokens
    )
    assert session.state["said"] == "Done."


def test_a_tool_that_raises_tells_the_model(open_at_server, server, kernel):
    notebook = with_tools("fails")
    session = open_at_server(notebook, kernel=kernel)
    server.script(Reply(tool_calls=(wish("fails", why="too late"),)), Reply(text="Pity."))
    session.run()
    assert results(server, 1) == {"call_1": "ValueError: too late"}
    trace, call, answer = notebook.cells[1].outputs
    assert trace.type == "stderr"
    assert "raise ValueError(why)" in trace.content
    assert (call.type, call.fields["failed"]) == ("tool_call", True)
    assert answer.content == "Pity."
    assert notebook.cells[1].status == "completed"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (ToolCall(id="call_1", name="remove", arguments="{}"), "There is no tool `remove`; there"),
        (ToolCall(id="call_1", name="prints", arguments="{}"), "There is no tool `prints`; there"),
        (ToolCall(id="call_1", name="add", arguments='{"a":'), "`add` was not called: the arg"),
        (wish("add"), "`add` was not called: `a` is missing. It takes: a: int, b: int = 1."),
        (wish("add", a="x"), "`add` was not called: "),
        (wish("add", a=1, c=2), "`add` was not called: there is no argument `c`"),
    ],
)
def test_what_cannot_be_called_is_told_to_the_model(open_at_server, server, asked, told):
    notebook = with_tools("add")
    session = open_at_server(notebook)
    server.script(Reply(tool_calls=(asked,)), Reply(text="Well."))
    session.run()
    assert results(server, 1)["call_1"].startswith(told)
    assert session.state["calls"] == []
    call, answer = notebook.cells[1].outputs
    assert (call.fields["failed"], call.fields["arguments"]) == (True, asked.arguments)
    assert answer.content == "Well."


def test_what_a_tool_prints_is_an_output_before_it(open_at_server, server, kernel):
    notebook = with_tools("prints", "add")
    session = open_at_server(notebook, kernel=kernel)
    server.script(Reply(tool_calls=(wish("add", 1, a=1), wish("prints", 2))), Reply(text="Ok."))
    session.run()
    outputs = notebook.cells[1].outputs
    assert [one.type for one in outputs] == ["tool_call", "stdout", "tool_call", "llm_response"]
    assert outputs[1].content == "from within\n"
    assert results(server, 1)["call_2"] == "null"


def test_a_prompt_with_tools_is_ordered_like_code(open_at_server, server):
    notebook = Notebook()
    notebook.add_code(f"{CODE}\ncount = 10")
    for _ in range(3):
        notebook.add_prompt("Count.", tools=["counts"])
        notebook.add_code("count")
    server.reply = lambda request: (
        Reply(text="Ok.", delay_s=0.02)
        if request.body["messages"][-1]["role"] == "tool"
        else Reply(tool_calls=(wish("counts"),), delay_s=0.05)
    )
    open_at_server(notebook).run()
    shown = [cell.outputs[0].content for cell in notebook.cells[2::2]]
    assert shown == ["11", "12", "13"]
    called = [cell.outputs[0].fields["result"] for cell in notebook.cells[1::2]]
    assert called == ["11", "12", "13"]


def test_in_replay_the_tools_run_again_and_nobody_is_asked(open_at_server, server, kernel):
    notebook = with_tools("add", "prints")
    session = open_at_server(notebook, kernel=kernel)
    server.script(Reply(tool_calls=(wish("add", 1, a=1), wish("prints", 2))), Reply(text="Ok."))
    session.run()
    outputs = notebook.cells[1].outputs
    asked = notebook.cells[1].id
    session.run([asked], mode="replay")
    assert session.state["calls"] == [[1, 1], [1, 1]]
    assert notebook.cells[1].outputs == outputs
    assert len(server.requests) == 2


def test_a_tool_that_gives_something_else_is_a_miss_in_replay(open_at_server, server):
    notebook = with_tools("counts")
    session = open_at_server(notebook)
    server.script(Reply(tool_calls=(wish("counts"),)), Reply(text="Ok."))
    session.run()
    with pytest.raises(CellExecutionError, match="ReplayMiss"):
        session.run([notebook.cells[1].id], mode="replay")
    assert [one.type for one in notebook.cells[1].outputs[:1]] == ["tool_call"]
    assert len(server.requests) == 2


def test_the_limit_keeps_what_was_called(open_at_server, server):
    notebook = with_tools("add", tool_limit=2)
    session = open_at_server(notebook)
    server.reply = Reply(tool_calls=(wish("add", a=1),))
    with pytest.raises(
        CellExecutionError, match="asked for tools 3 times in a row, and `tool_limit` is 2"
    ):
        session.run()
    assert session.state["calls"] == [[1, 1]] * 2
    assert len(server.requests) == 3
    assert [one.type for one in notebook.cells[1].outputs] == ["tool_call", "tool_call", "error"]
    assert "said" not in session.state


def test_a_stop_while_somebody_is_asked(open_at_server, server, play):
    notebook = with_tools("add", approve_tools=True)
    session = open_at_server(notebook)
    server.script(Reply(text="First this. ", tool_calls=(wish("add", a=1),)))
    asked, stopping = [], []

    def listen(event):
        if isinstance(event, ToolApprovalNeeded):
            asked.append(event)
            thread = threading.Thread(target=session.interrupt)
            stopping.append(thread)
            thread.start()

    session.live.listen(listen)
    events = play(session)
    stopping[0].join(20)
    ended = next(event for event in events if isinstance(event, CellFailed))
    assert ended.interrupted
    assert notebook.cells[1].status == "interrupted"
    assert session.state["calls"] == []
    assert len(server.requests) == 1
    kept = notebook.cells[1].outputs[0]
    assert (kept.content.strip(), kept.fields["interrupted"]) == ("First this.", True)
    with pytest.raises(NotFound):
        session.approve(asked[0].call_id)


def test_a_tool_that_ends_the_kernel_ends_the_cell(open_at_server, server):
    notebook = with_tools("leave")
    notebook.change(notebook.cells[0].id, content="import os\ndef leave():\n    os._exit(3)")
    session = open_at_server(notebook, kernel="worker")
    server.script(Reply(text="Bye. ", tool_calls=(wish("leave"),)), Reply(text="Never."))
    with pytest.raises(CellExecutionError, match="KernelDied"):
        session.run()
    kept, error = notebook.cells[1].outputs
    assert (kept.content.strip(), kept.fields["failed"]) == ("Bye.", True)
    assert error.fields["ename"] == "KernelDied"
    assert len(server.requests) == 1


def test_items_with_tools(open_at_server, server):
    notebook = with_tools("add", content="Add to {item}.", for_each="[10, 20, 30]")
    session = open_at_server(notebook)

    def reply(request):
        turns = request.body["messages"]
        if turns[-1]["role"] == "tool":
            return Reply(text=f"It is {turns[-1]['content']}.")
        return Reply(tool_calls=(wish("add", a=int(turns[0]["content"][7:-1])),))

    server.reply = reply
    session.run()
    assert session.state["said"] == ["It is 11.", "It is 21.", "It is 31."]
    outputs = notebook.cells[1].outputs
    assert [(one.type, one.fields["item"]) for one in outputs] == [
        (kind, item) for item in range(3) for kind in ("tool_call", "llm_response")
    ]
