"""A provider's own key, wherever a text holds it: it is in nothing that is kept or told."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from llm_repl_core import (
    Application,
    CellExecutionError,
    MemoryLedger,
    Notebook,
    RecordingsLedger,
    Session,
    Settings,
)
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

KEY = "sk-proj-4kQz81mXw7Ls0VtE2"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    # The answer repeats the key, cut into many pieces.
    pieces = ("Your key is ", KEY[:3], KEY[3:9], KEY[9:], ", right?")
    with OpenAIServer(reply=Reply(pieces=pieces)) as server:
        yield server


@pytest.fixture
def application(server):
    return Application(
        Settings(provider="openai", model="m", base_url=server.base_url, call_attempts=1)
    )


def notebook_of(**fields):
    notebook = Notebook("Example", metadata={"note": f"mine is {KEY}"})
    notebook.add_code(
        f"found = 'sk-proj-' + {KEY[8:]!r}\nprint(found)\nprint(found[:9], end='')\nprint(found[9:])"
    )
    notebook.add_prompt(f"Is {KEY} or {{found}} right?", response_var="answer", **fields)
    notebook.add_code("print(answer)")
    notebook.add_memory("kept = found")
    return notebook


@pytest.mark.parametrize("suffix", [".llmn", ".ipynb"])
@pytest.mark.parametrize("fields", [{}, {"parameters": {"user": KEY}}, {"system": f"key: {KEY}"}])
def test_it_is_in_no_file_no_event_and_no_record(application, server, tmp_path, suffix, fields):
    notebook = notebook_of(**fields)
    ledger = RecordingsLedger(tmp_path / f"n{suffix}.calls.jsonl")
    told = []
    with Session(notebook, application=application, ledger=ledger) as session:
        for event in session.stream():
            told.append(repr(event))
        assert session.state["answer"] == "Your key is [key], right?"
    ledger.save(ledger.path, notebook)
    application.save(notebook, tmp_path / f"n{suffix}")
    [request] = server.requests
    everything = [
        # The halves of a print that comes in two pieces are told as they come.
        *(text for text in told if "CellOutput" not in text),
        repr(ledger.records),
        json.dumps(request.body),
        *(path.read_text() for path in tmp_path.iterdir() if path.is_file()),
    ]
    assert len(everything) > 5
    for text in everything:
        assert KEY not in text
    assert notebook.memory["kept"] == "[key]"


def test_a_replay_finds_what_was_recorded(application, tmp_path):
    notebook = notebook_of()
    ledger = RecordingsLedger(tmp_path / "n.calls.jsonl")
    with Session(notebook, application=application, ledger=ledger) as session:
        session.run()
    ledger.save(ledger.path, notebook)
    application.save(notebook, tmp_path / "n.llmn")
    outputs = [cell.outputs for cell in notebook]
    # Here, where the key is known, and elsewhere, from the files alone.
    for where in (notebook, application.load(tmp_path / "n.llmn")):
        again = RecordingsLedger.load(ledger.path)
        with Session(where, application=application, ledger=again) as session:
            session.run(mode="replay")
        assert [cell.outputs for cell in where] == outputs


def test_elsewhere_the_saved_notebook_is_replayed_without_the_key(
    application, tmp_path, monkeypatch
):
    notebook = Notebook("Example")
    notebook.add_prompt(f"Is {KEY} right?")
    ledger = RecordingsLedger(tmp_path / "n.calls.jsonl")
    with Session(notebook, application=application, ledger=ledger) as session:
        session.run()
    ledger.save(ledger.path, notebook)
    application.save(notebook, tmp_path / "n.llmn")
    monkeypatch.delenv("OPENAI_API_KEY")
    other = Application(Settings(provider="openai", model="m"))
    loaded = other.load(tmp_path / "n.llmn")
    with Session(loaded, application=other, ledger=RecordingsLedger.load(ledger.path)) as session:
        session.run(mode="replay")
    assert loaded.cells[0].outputs == notebook.cells[0].outputs


@pytest.mark.parametrize("name", ["extra_headers", "extra_query"])
def test_headers_are_no_parameters(application, server, name):
    notebook = Notebook()
    notebook.add_prompt("hello", parameters={name: {"Authorization": "Bearer another-key-123"}})
    ledger = MemoryLedger()
    with (
        Session(notebook, application=application, ledger=ledger) as session,
        suppress(CellExecutionError),
    ):
        session.run()
    [output] = notebook.cells[0].outputs
    assert output.content.startswith(f"RequestRejected: The parameter `{name}` cannot be set")
    assert "another-key" not in output.content
    assert (server.requests, ledger.records) == ([], ())


def test_an_error_that_repeats_the_key_is_told_without(application, server):
    server.reply = Reply(status=401, error={"message": f"Wrong key {KEY[:8]}…{KEY[-5:]} here"})
    notebook = Notebook()
    notebook.add_prompt("hello")
    with Session(notebook, application=application) as session, suppress(CellExecutionError):
        session.run()
    [output] = notebook.cells[0].outputs
    assert output.fields["ename"] == "KeyRejected"
    assert KEY[-5:] not in output.content
    assert "[key]" in output.content
