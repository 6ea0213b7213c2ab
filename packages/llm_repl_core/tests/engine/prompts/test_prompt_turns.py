"""What models say besides text: in outputs, events, the record and its replay, and back to them."""

from __future__ import annotations

import base64
import json

import pytest

from llm_repl_core import (
    CellExecutionError,
    CellReasoning,
    CellText,
    Citation,
    Delta,
    Media,
    MemoryLedger,
    Notebook,
    Provider,
    Reasoning,
    RecordingsLedger,
    Refusal,
    Text,
    ToolCallPlace,
    hookimpl,
)
from llm_repl_core.application import load_notebook, save_notebook

ADD = """
def add(x: int) -> int:
    "One more."
    return x + 1
"""


def rich():
    """A notebook with a tool loop that thinks, and all else that a turn can have."""
    notebook = Notebook("Rich")
    notebook.add_code(ADD)
    notebook.add_prompt(
        "How much?",
        model='call:add {"x": 1}|add {"x": 2}+think=I need a sum.+search=sums',
        tools=["add"],
        response_var="total",
    )
    notebook.add_prompt(
        "Draw {total!r}.",
        model="echo+think=Hm.+cite=http://a+make=image/png+finish=MAX_TOKENS",
        parameters={"logprobs": True, "top_logprobs": 2},
        response_var="drawn",
    )
    return notebook


def wire(notebook):
    return [[output.to_wire() for output in cell.outputs] for cell in notebook]


@pytest.fixture
def ledger():
    return MemoryLedger()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rich.calls.jsonl"


def test_a_recording_with_reasoning_and_tools_replays_to_the_byte(open_session, path):
    notebook = rich()
    ledger = RecordingsLedger(path)
    session = open_session(notebook, ledger=ledger)
    session.run()
    outputs, total = wire(notebook), session.state["total"]
    ledger.save(path, notebook)
    data = path.read_bytes()
    assert total == "2\n3"

    again = RecordingsLedger.load(path)
    session = open_session(notebook, ledger=again)
    session.run(mode="replay")
    assert wire(notebook) == outputs
    assert session.state["total"] == total
    again.save(path, notebook)
    assert path.read_bytes() == data
    # What the provider wanted back is in the second request, and in the file.
    first, second, _ = RecordingsLedger.load(path).records
    assert [type(part).__name__ for part in first.parts] == [
        "Reasoning",
        "ServerToolCall",
        "ToolCallPlace",
        "ToolCallPlace",
    ]
    [turn] = [one for one in second.request["messages"] if one["role"] == "assistant"]
    assert turn["parts"][0] == {
        "type": "reasoning",
        "text": "I need a sum.",
        "provider_data": first.parts[0].provider_data,
    }


def test_each_has_its_place_in_the_outputs(open_session):
    notebook = rich()
    open_session(notebook).run()
    calls, drawn = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert [one.fields.get("server") for one in calls if one.type == "tool_call"] == [
        True,
        None,
        None,
        True,  # it searches before each of its turns
    ]
    assert [one.fields.get("reasoning") for one in calls if one.type == "tool_call"] == [
        None,
        "I need a sum.",
        None,
        None,
    ]
    picture, answer, warning = drawn
    assert base64.b64decode(picture.fields["data"]["image/png"]).startswith(b"\x89PNG")
    [made] = answer.fields["media"]
    assert picture.fields["metadata"] == {"llm_repl": made}
    assert made.keys() == {"media_type", "name", "sha256", "size_bytes"}
    assert answer.fields["reasoning"] == "Hm."
    assert answer.fields["citations"][0]["url"] == "http://a"
    assert (answer.fields["finish_reason"], answer.fields["provider_finish_reason"]) == (
        "length",
        "MAX_TOKENS",
    )
    assert answer.fields["logprobs"][0]["token"] == "Draw "
    assert answer.fields["usage"]["reasoning_tokens"] == 1
    assert warning.type == "warning"
    assert "provider_data" not in json.dumps(wire(notebook))


@pytest.mark.parametrize("suffix", [".llmn", ".ipynb"])
def test_files_keep_them(open_session, tmp_path, suffix):
    notebook = rich()
    open_session(notebook).run()
    save_notebook(notebook, tmp_path / f"a{suffix}")
    assert wire(load_notebook(tmp_path / f"a{suffix}")) == wire(notebook)


def test_reasoning_is_heard_before_the_answer(open_session, play):
    notebook = Notebook()
    notebook.add_prompt("Yes", model="echo+think=Let me see.+per_token=0.03")
    events = play(open_session(notebook))
    heard = [one for one in events if isinstance(one, CellReasoning | CellText)]
    assert "".join(one.text for one in heard if isinstance(one, CellReasoning)) == "Let me see."
    kinds = [type(one) for one in heard]
    assert kinds == sorted(kinds, key=[CellReasoning, CellText].index)


def test_a_replay_tells_reasoning_too(open_session, play):
    notebook = Notebook()
    notebook.add_prompt("Yes", model="echo+think=Hm.")
    session = open_session(notebook)
    session.run()
    heard = [one.text for one in play(session, mode="replay") if isinstance(one, CellReasoning)]
    assert heard == ["Hm."]


def refusing(**fields):
    notebook = Notebook()
    notebook.add_prompt("Hello", model="echo+refuse=I would rather not.", **fields)
    return notebook


def test_a_refusal_fails_the_cell_and_is_an_answer_on_record(open_session, ledger):
    notebook = refusing()
    session = open_session(notebook, ledger=ledger)
    with pytest.raises(CellExecutionError, match="refused: I would rather not"):
        session.run()
    answer, error = notebook.cells[0].outputs
    assert (answer.type, answer.fields["refusal"]) == ("llm_response", "I would rather not.")
    assert error.fields["ename"] == "ContentRefused"
    [record] = ledger.records
    assert (record.state, record.finish_reason, record.price_usd) == ("completed", "refusal", 0.0)
    assert record.parts == (Refusal(text="I would rather not."),)
    assert record.usage.output_tokens == 4

    outputs = wire(notebook)
    with pytest.raises(CellExecutionError, match="refused"):
        session.run(mode="replay")
    assert wire(notebook) == outputs
    assert [one.source for one in ledger.records] == ["live", "replay"]


def test_what_was_refused_is_asked_anew_where_answers_are_reused(open_session, ledger):
    session = open_session(refusing(), ledger=ledger)
    for mode in ("live", "reuse"):
        with pytest.raises(CellExecutionError, match="refused"):
            session.run(mode=mode)
    assert [one.source for one in ledger.records] == ["live", "reuse", "live"]


def test_a_refused_item_leaves_the_others(open_session):
    notebook = Notebook()
    notebook.add_code("words = ['a']")
    notebook.add_prompt("{item}", for_each="words", model="echo+refuse=No.", response_var="answers")
    session = open_session(notebook)
    with pytest.raises(CellExecutionError, match="1 of 1 items have no answer"):
        session.run()
    assert session.state["answers"] == [None]


def test_a_filters_stop_is_no_answer(open_session):
    notebook = Notebook()
    notebook.add_prompt("Hello", model="echo+finish=SAFETY")
    with pytest.raises(CellExecutionError, match="content filter of the provider `mock`"):
        open_session(notebook).run()


def test_a_picture_alone_is_an_answer(open_session):
    notebook = Notebook()
    notebook.add_prompt("Draw", model="list:+make=image/png", response_var="text")
    session = open_session(notebook)
    session.run()
    assert session.state["text"] == ""
    assert [one.type for one in notebook.cells[0].outputs] == ["display", "llm_response"]


class _Artist(Provider):
    name = "artist"
    default_model = "artist"
    made = ()

    async def stream(self, request):
        yield Delta(text="Here.", parts=self.made, finish_reason="stop")


class _ArtistPlugin:
    @hookimpl
    def llm_repl_providers(self):
        return [_Artist]


@pytest.mark.parametrize(
    ("media_type", "data", "shown"),
    [
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("text/csv", "ä,b".encode(), "ä,b"),
        ("text/plain", b"plain", "plain"),
        ("application/json", b"[1]", "[1]"),
        ("text/csv", b"\xff", "/w=="),
        ("image/jpeg", b"\xff", "/w=="),
        ("", b"\xff", "/w=="),
        ("audio/wav", b"", ""),
    ],
)
def test_texts_are_shown_as_texts(open_session, monkeypatch, media_type, data, shown):
    monkeypatch.setattr(_Artist, "made", (Media(media_type=media_type, data=data),))
    notebook = Notebook()
    notebook.add_prompt("Draw", provider="artist")
    session = open_session(notebook, _ArtistPlugin(), ledger=MemoryLedger())
    session.run()
    picture, answer = notebook.cells[0].outputs
    assert picture.fields["data"][media_type] == shown
    assert answer.fields["media"][0]["size_bytes"] == len(data)
    outputs = wire(notebook)
    session.run(mode="replay")
    assert wire(notebook) == outputs


def test_what_was_made_goes_into_the_file_once(open_session, path):
    notebook = Notebook()
    for word in ("One", "Two"):
        notebook.add_prompt(word, model="echo+make=audio/wav")
    ledger = RecordingsLedger(path)
    open_session(notebook, ledger=ledger).run()
    ledger.save(path, notebook)
    head, *calls, media = [json.loads(line) for line in path.read_text().splitlines()]
    assert head["version"] == 2
    assert [call["parts"][1]["sha256"] for call in calls] == [media["media"]] * 2
    assert [record.turn.of_kind(Media) for record in RecordingsLedger.load(path).records] == [
        record.turn.of_kind(Media) for record in ledger.records
    ]


def test_effort_comes_from_cell_notebook_and_settings(open_session, ledger):
    notebook = Notebook(metadata={"llm_repl": {"reasoning_effort": "medium"}})
    notebook.add_prompt("Hello", reasoning_effort="high")
    notebook.add_prompt("Hello")
    session = open_session(notebook, ledger=ledger, reasoning_effort="low")
    session.run()
    assert [cell.outputs[0].fields["reasoning"] for cell in notebook] == [
        "I think with high effort.",
        "I think with medium effort.",
    ]
    assert [one.request["reasoning_effort"] for one in ledger.records] == ["high", "medium"]


def test_effort_of_the_settings_alone(open_session):
    notebook = Notebook()
    notebook.add_prompt("Hello")
    open_session(notebook, reasoning_effort="low").run()
    assert notebook.cells[0].outputs[0].fields["reasoning"] == "I think with low effort."


class _Deaf(Provider):
    name = "deaf"
    default_model = "deaf"

    async def stream(self, request):
        yield Delta(text="What?", finish_reason="stop")


class _OnlyLow(_Deaf):
    name = "only-low"
    reasoning_efforts = frozenset({"low"})


class _Plugin:
    @hookimpl
    def llm_repl_providers(self):
        return [_Deaf, _OnlyLow]


@pytest.mark.parametrize(
    ("provider", "effort", "said"),
    [
        (
            "deaf",
            "low",
            "`reasoning_effort` is `low`, and the provider `deaf` does not say how much",
        ),
        ("only-low", "high", "provider `only-low` takes only low: change it on the cell"),
    ],
)
def test_an_effort_that_a_provider_would_leave_out_is_refused(
    open_session, ledger, provider, effort, said
):
    notebook = Notebook()
    notebook.add_prompt("Hello", provider=provider, reasoning_effort=effort)
    session = open_session(notebook, _Plugin(), ledger=ledger)
    with pytest.raises(CellExecutionError, match=said):
        session.run()
    assert ledger.records == ()  # nothing was sent
    notebook.cells[0].change(reasoning_effort="low" if provider == "only-low" else None)
    session.run()


def test_an_effort_that_is_none_is_refused_before_the_run(open_session):
    notebook = Notebook(metadata={"llm_repl": {"reasoning_effort": "huge"}})
    notebook.add_prompt("Hello")
    with pytest.raises(Exception, match="must be one of none, minimal, low, medium, high"):
        open_session(notebook).run()


def test_nothing_is_said_of_effort_where_nobody_sets_it(open_session, ledger):
    notebook = Notebook()
    notebook.add_prompt("Hello")
    session = open_session(notebook, ledger=ledger)
    session.run()
    [record] = ledger.records
    assert "reasoning_effort" not in record.request
    assert (record.parts, "cache" in record.request) == ((), False)


def test_plain_turns_have_no_parts(open_session, ledger):
    notebook = Notebook()
    notebook.add_prompt("Hello", model="echo+think=Hm.+cite=u")
    session = open_session(notebook, ledger=ledger)
    session.run()
    [record] = ledger.records
    reasoning, text, citation = record.parts
    assert isinstance(reasoning, Reasoning)
    assert (text, type(citation)) == (Text(text="Hello"), Citation)
    assert not any(isinstance(part, ToolCallPlace) for part in record.parts)
