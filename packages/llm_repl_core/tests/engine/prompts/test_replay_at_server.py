"""A tool loop with reasoning at a server, by either API: what goes back, what is on file, its replay."""

from __future__ import annotations

import pytest

from llm_repl_core import Notebook, RecordingsLedger, ToolCall
from llm_repl_core.testing.openai_server import Reply

ADD = """
def add(x: int) -> int:
    "One more."
    return x + 1
"""


def wire(notebook):
    return [[output.to_wire() for output in cell.outputs] for cell in notebook]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_reasoning_and_tools_replay_to_the_byte(open_at_server, server, tmp_path, api):
    notebook = Notebook("Sum")
    notebook.add_code(ADD)
    notebook.add_prompt("How much?", tools=["add"], response_var="total", parameters={"api": api})
    call = ToolCall(id="call_1", name="add", arguments='{"x": 2}')
    server.script(
        Reply(reasoning="I have to add.", text="Let me see.", tool_calls=(call,)),
        Reply(reasoning="Done.", text="Three."),
    )
    path = tmp_path / "sum.calls.jsonl"
    ledger = RecordingsLedger(path)
    session = open_at_server(notebook, ledger=ledger)
    session.run()
    assert session.state["total"] == "Three."
    outputs = wire(notebook)
    tool, answer = notebook.cells[1].outputs
    assert (tool.fields["reasoning"], tool.fields["said"]) == ("I have to add.", "Let me see.")
    assert answer.fields["reasoning"] == "Done."
    assert len(server.requests) == 2
    assert "I have to add." in str(server.requests[1].body)  # it went back
    ledger.save(path, notebook)
    data = path.read_bytes()

    again = RecordingsLedger.load(path)
    session = open_at_server(notebook, ledger=again)
    session.run(mode="replay")
    assert wire(notebook) == outputs
    assert len(server.requests) == 2
    again.save(path, notebook)
    assert path.read_bytes() == data
