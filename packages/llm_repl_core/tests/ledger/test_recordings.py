"""The file of recorded calls that travels beside a notebook."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidRecordings, StorageError
from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_core.ledger.recordings import (
    RecordingsLedger,
    decode_recordings,
    encode_recordings,
    prune,
    recordings_path,
)
from llm_repl_core.ledger.replay import Replay, answered_from
from llm_repl_core.model.cell import CellStatus, MarkdownCell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import ToolCall, Usage

MakeRecord = Callable[..., CallRecord]

HEAD = b'{"format": "llm-repl recordings", "version": 2}\n'
LINE = b'{"cell": "a", "id": "1", "request": {"provider": "mock", "model": "m", "messages": []}}\n'


def notebook_of(cell_ids: Iterable[str], status: CellStatus = "completed") -> Notebook:
    return Notebook(
        "N", id="nb", cells=[PromptCell(id=cell_id, status=status) for cell_id in cell_ids]
    )


async def recorded(ledger: RecordingsLedger, *records: CallRecord) -> None:
    for record in records:
        await ledger.begin(record)


def saved(path: Path, notebook: Notebook, *records: CallRecord) -> list[CallRecord]:
    """Load, record, save; what the file holds then."""
    ledger = RecordingsLedger.load(path)
    asyncio.run(recorded(ledger, *records))
    ledger.save(path, notebook)
    return decode_recordings(path.read_bytes(), path.name)


def ids(records: Iterable[CallRecord]) -> list[str]:
    return [record.id for record in records]


# The file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notebook", "file"),
    [
        ("work/analysis.llmn", "work/analysis.calls.jsonl"),
        ("v1.2.llmn", "v1.2.calls.jsonl"),
        ("A.LLMN", "A.calls.jsonl"),
        ("analysis.ipynb", "analysis.ipynb.calls.jsonl"),
        ("analysis", "analysis.calls.jsonl"),
    ],
)
def test_the_file_lies_beside_the_notebook(notebook: str, file: str) -> None:
    assert recordings_path(Path(notebook)) == Path(file)


def test_the_file_can_be_read_by_people_and_diffed(make_record: MakeRecord) -> None:
    record = make_record(
        "7c6f",
        "Grüße\nan {x}",
        cell="a",
        item=0,
        step=1,
        temperature=0.2,
        position=5,
        answer="Hallo «Ada»\n",
        answered_by="m-1-exactly",
        finish_reason="stop",
        tool_calls=(ToolCall(id="c", name="add", arguments='{"a": 1}'),),
    )
    small = make_record("8", "Hi", cell="b", answer="", usage=None, price_usd=None)
    assert encode_recordings([small, record], ["a", "b"]).decode() == (
        '{"format": "llm-repl recordings", "version": 2}\n'
        '{"cell": "a", "item": 0, "step": 1, "id": "7c6f", "request": {"provider": "mock", '
        '"model": "m-1", "messages": [{"role": "user", "content": "Grüße\\nan {x}"}], '
        '"temperature": 0.2}, "answer": "Hallo «Ada»\\n", "tool_calls": [{"id": "c", '
        '"name": "add", "arguments": "{\\"a\\": 1}"}], "answered_by": "m-1-exactly", '
        '"finish_reason": "stop", "usage": {"input_tokens": 3, "output_tokens": 2, '
        '"raw": {"total": 5}}, "price_usd": 0.001}\n'
        '{"cell": "b", "id": "8", "request": {"provider": "mock", "model": "m-1", '
        '"messages": [{"role": "user", "content": "Hi"}]}}\n'
    )


def test_nothing_of_the_machine_the_run_or_the_clock_is_in_the_file(
    make_record: MakeRecord,
) -> None:
    first = make_record("1", run="run-1", position=0, duration_s=0.5, body={"x": 1})
    second = make_record(
        "1",
        run="run-2",
        position=9,
        minute=77,
        duration_s=9.0,
        first_token_s=1.0,
        notebook_id="copy",
    )
    assert encode_recordings([first], ["a"]) == encode_recordings([second], ["x", "a"])


def test_only_what_was_answered_is_in_the_file(make_record: MakeRecord) -> None:
    states = ["running", "failed", "interrupted", "completed"]
    records = [make_record(state, state=state, step=n) for n, state in enumerate(states)]
    assert ids(decode_recordings(encode_recordings(records, "a"), "f")) == ["completed"]


def test_calls_of_unknown_cells_come_last(make_record: MakeRecord) -> None:
    records = [make_record(cell, cell=cell) for cell in "zyba"]
    data = encode_recordings(records, ["b", "a"])
    assert ids(decode_recordings(data, "f")) == ["b", "a", "y", "z"]


def test_characters_that_hide_something_are_escaped(make_record: MakeRecord) -> None:
    text = "a\u2028b\u202ec\x85d\ud800e\x7f\x1b\ufeff"
    data = encode_recordings([make_record("1", text, answer=text)], ["a"])
    assert "\\u2028b\\u202ec\\u0085d\\ud800e\\u007f\\u001b\\ufeff" in data.decode()
    assert len(data.decode().splitlines()) == 2
    record = decode_recordings(data, "f")[0]
    assert record.text == text
    assert record.identity == make_record("1", text).identity


def test_what_json_cannot_hold_in_a_providers_own_usage_is_no_failure(
    make_record: MakeRecord,
) -> None:
    usage = Usage(input_tokens=1, raw={"load": math.nan, "more": [math.inf], "big": 2**80})
    data = encode_recordings([make_record("1", usage=usage)], ["a"])
    read = decode_recordings(data, "f")[0].usage
    assert read == Usage(input_tokens=1, raw={"load": None, "more": [None], "big": 2**80})


# What cannot be read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (LINE, "Line 1 of f must be the head of a file of recorded calls, {"),
        (b"{}\n", "Line 1 of f must be the head"),
        (b"[1]\n", "Line 1 of f must be the head"),
        (
            HEAD.replace(b"2}", b"3}"),
            "Line 1 of f says that the file has version 3 of its format and this LLM-REPL reads",
        ),
        (HEAD + LINE[:-9], "Line 2 of f, the last one, is cut off: delete it, or restore"),
        (
            HEAD + LINE + b"<<<<<<< HEAD\n" + LINE,
            "Line 3 of f is a conflict marker of git: settle the conflict",
        ),
        (HEAD + b"=======\n", "Line 2 of f is a conflict marker of git"),
        (HEAD + b">>>>>>> main", "Line 2 of f is a conflict marker of git"),
        (HEAD + LINE + LINE, "Line 3 of f has the id '1' of line 2 again"),
        (HEAD + b"\xff\n", "Line 2 of f is not UTF-8 text at byte 1."),
        (HEAD + b"{]\n", "Line 2 of f is not JSON (Expecting property name"),
        (HEAD + LINE.replace(b"[]", b"[NaN]"), "Line 2 of f is not JSON (`NaN` is not a JSON num"),
        (HEAD + LINE.replace(b"[]", b"[1e999]"), "Line 2 of f is not JSON (the number 1e999 is"),
        (HEAD + b"[" * 100_000 + b"\n", "Line 2 of f is too deeply nested."),
        (HEAD + b"3\n", "Line 2 of f is not a recorded call: Expected `object`"),
        (HEAD + LINE.replace(b'"id"', b'"ID"'), "Line 2 of f is not a recorded call: "),
        (HEAD + LINE.replace(b'"1"', b'""'), "Line 2 of f is not a recorded call: "),
        (HEAD + LINE.replace(b'"model"', b'"mode"'), "missing required field `model`"),
        (HEAD + LINE.replace(b"[]", b'"hi"'), "Expected `array`, got `str` - at `$.messages`"),
        (HEAD + LINE.replace(b'"a",', b'"a", "item": -1,'), "`int` >= 0 - at `$.item`"),
    ],
)
def test_one_sentence_says_what_is_wrong_and_where(data: bytes, said: str) -> None:
    with pytest.raises(InvalidRecordings) as caught:
        decode_recordings(data, "f")
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert len(message) < 250
    assert (caught.value.code, caught.value.http_status) == ("invalid_recordings", 400)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", HEAD, HEAD + LINE]))
def test_any_bytes_are_read_or_refused(data: bytes, head: bytes) -> None:
    with contextlib.suppress(InvalidRecordings):
        records = decode_recordings(head + data, "f")
        assert len(records) <= data.count(b"\n") + 2


def test_what_editors_and_git_do_to_line_ends_does_no_harm() -> None:
    plain = decode_recordings(HEAD + LINE, "f")
    assert len(plain) == 1
    assert decode_recordings(b"\xef\xbb\xbf" + HEAD + LINE, "f") == plain
    assert decode_recordings((HEAD + b"\n" + LINE).replace(b"\n", b"\r\n"), "f") == plain
    assert decode_recordings(HEAD + LINE[:-1], "f") == plain  # whole, only its line end is not
    assert decode_recordings(b"", "f") == decode_recordings(HEAD, "f") == []


def test_a_large_file_is_read(make_record: MakeRecord) -> None:
    records = [make_record(str(n), f"{n}" + "x" * 10_000, item=n) for n in range(1_000)]
    data = encode_recordings(records, ["a"])
    assert len(data) > 10_000_000
    assert ids(decode_recordings(data, "f")) == ids(records)


# What is kept -----------------------------------------------------------------------------------


def test_a_cell_that_is_asked_anew_replaces_its_calls(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    path = tmp_path / "n.calls.jsonl"
    notebook = notebook_of("abc")
    saved(path, notebook, *(make_record(cell + "1", cell=cell, run="1") for cell in "abc"))
    again = [make_record(f"b2{step}", cell="b", step=step, run="2") for step in (0, 1)]
    assert ids(saved(path, notebook, *again)) == ["a1", "b20", "b21", "c1"]
    notebook.remove("a")
    assert ids(saved(path, notebook)) == ["b20", "b21", "c1"]
    notebook.move("c", 0)
    assert ids(saved(path, notebook)) == ["c1", "b20", "b21"]


def test_items_that_a_stopped_run_did_not_reach_keep_their_calls(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    path = tmp_path / "n.calls.jsonl"

    def item(id: str, item: int, step: int = 0, run: str = "2", **fields: Any) -> CallRecord:
        return make_record(id, item=item, step=step, run=run, **fields)

    saved(path, notebook_of("a"), *(item(f"old{n}", n, run="1") for n in range(5)))
    run = [
        item("new0", 0),
        item("new1", 1),
        item("new1.1", 1, 1, state="failed"),  # half of it: the old call replays, this does not
        item("new2", 2, state="interrupted"),
    ]
    stopped = notebook_of("a", status="interrupted")
    assert ids(saved(path, stopped, *run)) == ["new0", "old1", "old2", "old3", "old4"]
    # A run that went through tells how many items there are.
    whole = [item("last0", 0, run="3"), item("last1", 1, run="3")]
    assert ids(saved(path, notebook_of("a"), *whole)) == ["last0", "last1"]


def test_a_run_that_failed_loses_nothing(make_record: MakeRecord, tmp_path: Path) -> None:
    path = tmp_path / "n.calls.jsonl"
    saved(path, notebook_of("a"), make_record("1"))
    for status in ("error", "completed"):
        failed = make_record("2", run="2", state="failed")
        assert ids(saved(path, notebook_of("a", status=status), failed)) == ["1"]


def test_a_reused_answer_stays_the_call_that_was_paid_for(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    path = tmp_path / "n.calls.jsonl"
    saved(path, notebook_of(["gone"]), make_record("1", cell="gone"))
    before = path.read_bytes()
    reused = answered_from(
        decode_recordings(before, "f")[0],
        id="2",
        run_id="run-2",
        place=CallPlace(cell_id="new", position=3),
        mode="reuse",
        started_at=make_record("x").started_at,
    )
    kept = saved(path, notebook_of(["new"]), reused)
    assert path.read_bytes() == before.replace(b'"gone"', b'"new"')
    assert (kept[0].id, kept[0].source, kept[0].price_usd) == ("1", "live", 0.001)


def test_an_answer_that_two_cells_have_is_in_the_file_twice_under_two_ids(
    make_record: MakeRecord,
) -> None:
    original = make_record("1", cell="a")
    reused = make_record("2", cell="b", source="reuse", original_id="1", run="2", answer="answer 1")
    kept = prune([original, reused], notebook_of("ab"))
    assert [(record.id, record.text) for record in kept] == [("1", "answer 1"), ("2", "answer 1")]
    assert decode_recordings(encode_recordings(kept, "ab"), "f") == kept


names = st.sampled_from("abcd")
calls = st.tuples(
    names,
    st.none() | st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from(["completed", "completed", "completed", "failed", "running"]),
)
texts = st.text(st.characters(exclude_categories=()), max_size=10)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_laws_of_the_file(data: st.DataObject, make_record: MakeRecord) -> None:
    drawn = data.draw(st.lists(calls, max_size=10))
    drawn.sort(key=lambda call: call[3])  # one run after the other
    records = [
        make_record(
            f"id-{number}",
            data.draw(texts),
            cell=cell,
            item=item,
            step=step,
            run=run,
            state=state,
            answer=data.draw(texts),
            minute=number,
        )
        for number, (cell, item, step, run, state) in enumerate(drawn)
    ]
    cells = data.draw(st.lists(names, unique=True))
    notebook = Notebook("N", cells=[MarkdownCell(id="text")])
    for cell in cells:
        status: CellStatus = data.draw(st.sampled_from(["completed", "error"]))
        notebook.insert(PromptCell(id=cell, status=status))
    kept = prune(records, notebook)
    bytes_kept = encode_recordings(kept, cells)
    # What is written is what is read.
    assert decode_recordings(bytes_kept, "f") == kept
    # To save again changes nothing.
    assert prune(kept, notebook) == kept
    # Within a run the order in which calls end or begin does not matter.
    places = {(call[:4]) for call in drawn}
    if len(places) == len(drawn):
        order = data.draw(st.permutations(range(len(records))))
        shuffled = sorted((records[number] for number in order), key=lambda one: one.run_id)
        assert prune(shuffled, notebook) == kept
    assert encode_recordings(reversed(kept), cells) == bytes_kept
    # Only answers, each place once, in the order of the document.
    answered = {record.id: record for record in records if record.state == "completed"}
    assert set(ids(kept)) <= answered.keys()
    keys = [(cells.index(one.place.cell_id), one.place.item, one.place.step) for one in kept]
    assert len(keys) == len(set(keys))
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)
    # A cell that was answered in any run has at least one call left, unless each was in an item
    # that another call of the same run broke.
    for record in records:
        broken = any(
            (other.run_id, other.place.cell_id, other.place.item)
            == (record.run_id, record.place.cell_id, record.place.item)
            for other in records
            if other.state != "completed"
        )
        if record.state == "completed" and record.place.cell_id in cells and not broken:
            assert any(one.place.cell_id == record.place.cell_id for one in kept)


# The ledger -------------------------------------------------------------------------------------


def test_recorded_once_it_replays_to_the_same_file(make_record: MakeRecord, tmp_path: Path) -> None:
    path = tmp_path / "n.calls.jsonl"
    cells = [f"cell-{number}" for number in range(50)]
    notebook = notebook_of(cells)
    live = [
        make_record(
            f"id-{number}",
            "The same." if number % 2 else f"No {number}.",
            cell=cell,
            position=number,
        )
        for number, cell in enumerate(cells)
    ]
    saved(path, notebook, *reversed(live))
    data = path.read_bytes()

    async def replay() -> None:
        ledger = RecordingsLedger.load(path)
        replay = Replay(ledger, "another-id", cell_ids=cells)
        for call in live:
            found = await replay.find(call.identity, call.place)
            assert found is not None
            assert (found.id, found.text, found.notebook_id) == (call.id, call.text, "another-id")
            await ledger.begin(
                answered_from(
                    found,
                    id=f"{call.id}-again",
                    run_id="r",
                    place=call.place,
                    mode="replay",
                    started_at=call.started_at,
                )
            )
        ledger.save(path, notebook)

    written = path.stat().st_mtime_ns
    asyncio.run(replay())
    assert path.read_bytes() == data
    assert path.stat().st_mtime_ns == written  # not even touched


def test_a_missing_file_is_empty_and_replay_says_that_it_is_missing(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    path = tmp_path / "n.calls.jsonl"

    async def message() -> str:
        replay = Replay(RecordingsLedger.load(path), "nb")
        record = make_record("1")
        assert await replay.find(record.identity, record.place) is None
        return str(await replay.miss(record.request, record.place))

    assert f"there is no file {path} with its recorded calls" in asyncio.run(message())
    path.write_bytes(HEAD)
    assert f"the file {path} holds no recorded call" in asyncio.run(message())


def test_no_file_is_made_for_a_notebook_without_calls(tmp_path: Path) -> None:
    path = tmp_path / "n.calls.jsonl"
    RecordingsLedger.load(path).save(path, notebook_of("a"))
    assert not path.exists()


def test_a_call_that_was_saved_is_found_once(make_record: MakeRecord, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "n.calls.jsonl"
        ledger = RecordingsLedger.load(path)
        record = make_record("1")
        await ledger.begin(record)
        ledger.save(path, notebook_of("a"))
        assert ids(await ledger.answers("nb", record.identity)) == ["1"]
        assert ids(await ledger.answered("nb")) == ["1"]
        assert ledger.records == (record,)

    asyncio.run(scenario())


def test_what_another_run_saved_meanwhile_is_kept(make_record: MakeRecord, tmp_path: Path) -> None:
    path, notebook = tmp_path / "n.calls.jsonl", notebook_of("ab")
    ours, theirs = RecordingsLedger.load(path), RecordingsLedger.load(path)
    asyncio.run(recorded(ours, make_record("1", cell="a")))
    asyncio.run(recorded(theirs, make_record("2", cell="b")))
    theirs.save(path, notebook)
    ours.save(path, notebook)
    assert ids(decode_recordings(path.read_bytes(), "f")) == ["1", "2"]


def test_a_file_that_became_unreadable_is_not_overwritten(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    path = tmp_path / "n.calls.jsonl"
    ledger = RecordingsLedger.load(path)
    asyncio.run(recorded(ledger, make_record("1")))
    path.write_bytes(HEAD + b"<<<<<<< HEAD\n")
    with pytest.raises(
        InvalidRecordings, match=r"Line 2 of .*n\.calls\.jsonl is a conflict marker"
    ):
        ledger.save(path, notebook_of("a"))
    assert path.read_bytes() == HEAD + b"<<<<<<< HEAD\n"
    with pytest.raises(InvalidRecordings):
        RecordingsLedger.load(path)
    with pytest.raises(StorageError, match="is a folder"):
        RecordingsLedger.load(tmp_path)


def test_the_answers_of_a_file_can_be_edited_by_hand(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    path = tmp_path / "n.calls.jsonl"
    saved(path, notebook_of("a"), make_record("1"))
    document = json.loads(path.read_bytes().split(b"\n")[1])
    document["answer"] = "Edited."
    path.write_bytes(HEAD + json.dumps(document).encode() + b"\n")

    async def scenario() -> None:
        record = make_record("1")
        found = await Replay(RecordingsLedger.load(path), "nb").find(record.identity, record.place)
        assert found is not None
        assert found.text == "Edited."

    asyncio.run(scenario())


def test_every_field_of_a_record_is_kept_or_left_out_on_purpose() -> None:
    left_out = {
        "notebook_id",
        "run_id",
        "body",
        "state",
        "source",
        "original_id",
        "started_at",
        "duration_s",
        "first_token_s",
        "attempts",
        "error",
    }
    kept = {
        "id",
        "place",
        "identity",
        "provider",
        "model",
        "request",
        "text",
        "reasoning",
        "tool_calls",
        "provider_data",
        "parts",
        "logprobs",
        "provider_finish_reason",
        "answered_by",
        "finish_reason",
        "usage",
        "price_usd",
    }
    assert {field.name for field in msgspec.structs.fields(CallRecord)} == left_out | kept
