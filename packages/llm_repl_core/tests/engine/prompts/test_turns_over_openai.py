"""What a model's turn is made of, over both APIs of OpenAI's: in outputs, on record, in replay."""

from __future__ import annotations

import pytest

from llm_repl_core import CellExecutionError, Notebook, ToolCall
from llm_repl_core.ledger.recordings_text import decode_recordings, encode_recordings
from llm_repl_core.testing.openai_server import Reply

CODE = """
def birthday(age: int) -> int:
    "A year more."
    return age + 1
"""
SOURCE = {
    "type": "url_citation",
    "start_index": 0,
    "end_index": 3,
    "url": "https://a.example",
    "title": "A",
}
CALLS = (ToolCall(id="c1", name="birthday", arguments='{"age": 2}'),)


@pytest.fixture(params=["chat", "responses"])
def api(request):
    return request.param


def _ask(api, content="Who?", **fields):
    notebook = Notebook("Example")
    notebook.add_code(CODE)
    parameters = {"api": api, **fields.pop("parameters", {})}
    notebook.add_prompt(content, response_var="who", parameters=parameters, **fields)
    return notebook


def _run(session, **options):
    try:
        session.run(**options)
    except CellExecutionError as failure:
        return str(failure)
    return None


def _check_replay(session, server, failure=None):
    """The record alone, as the file keeps it, gives the same outputs, and itself again."""
    notebook, ledger = session.notebook, session.live.ledger
    cell_ids = [cell.id for cell in notebook]
    data = encode_recordings(ledger.records, cell_ids)
    assert encode_recordings(decode_recordings(data, "a file"), cell_ids) == data
    asked, outputs = len(server.requests), [cell.outputs for cell in notebook]
    assert _run(session, mode="replay") == failure
    assert [cell.outputs for cell in notebook] == outputs
    assert len(server.requests) == asked


@pytest.mark.parametrize("stream", [True, False])
def test_a_loop_of_tools_takes_the_reasoning_back_and_is_replayed(
    open_at_server, server, api, stream
):
    fields = {"reasoning_effort": "low", "parameters": {"stream": stream}}
    notebook = _ask(api, tools=["birthday"], **fields)
    session = open_at_server(notebook)
    server.script(
        Reply(reasoning="I need her age.", text="Let me see. ", tool_calls=CALLS),
        Reply(reasoning="Three, then.", text="Ann is 3.", citations=(SOURCE,)),
    )
    assert _run(session) is None
    assert "Ann is 3." in str(session.state["who"])
    first, second = server.requests
    if api == "responses":
        assert first.body["reasoning"] == {"summary": "auto", "effort": "low"}
        # The server has checked that what it thought is back as it was.
        kinds = [item.get("type", item.get("role")) for item in second.body["input"]]
        assert kinds == ["user", "reasoning", "message", "function_call", "function_call_output"]
    else:
        assert first.body["reasoning_effort"] == "low"
        assert second.body["messages"][1]["reasoning_content"] == "I need her age."
    _check_replay(session, server)


def test_a_refusal_fails_with_the_models_words_and_is_not_asked_for_again(
    open_at_server, server, api
):
    session = open_at_server(_ask(api))
    server.script(Reply(refusal="I will not say."))
    failure = _run(session)
    assert "refused: I will not say." in failure
    assert len(server.requests) == 1
    assert session.notebook.cells[1].status == "error"


def test_a_filter_fails_with_one_sentence(open_at_server, server, api):
    session = open_at_server(_ask(api))
    server.script(Reply(text="Ann", finish_reason="content_filter"))
    assert "content filter" in _run(session)


def test_a_picture_is_an_answer_and_replayed(open_at_server, server, api):
    session = open_at_server(_ask(api))
    server.script(Reply(text="", image=b"\x89PNG\r\n\x1a\n"))
    assert _run(session) is None
    assert "image/png" in str([output.fields for output in session.notebook.cells[1].outputs])
    _check_replay(session, server)


def test_openai_is_given_the_same_key_for_calls_that_begin_alike(
    open_at_server, server, api, monkeypatch
):
    notebook = Notebook("Example")
    for content in ("One?", "Two?"):
        notebook.add_prompt(content, system="Be kind.", parameters={"api": api})
    session = open_at_server(notebook)
    assert _run(session) is None
    assert not any("prompt_cache_key" in request.body for request in server.requests)
    # As if the server were OpenAI's own.
    monkeypatch.setattr("llm_repl_providers.openai.provider.is_openai", lambda _: True)
    assert _run(session, mode="live") is None
    first, second = (request.body["prompt_cache_key"] for request in server.requests[2:])
    assert first == second
    assert len(first) <= 64
