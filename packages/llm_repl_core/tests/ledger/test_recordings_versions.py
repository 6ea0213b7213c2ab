"""Files of version 1 load and replay; of version 2 any turn comes back as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import Application, RecordingsLedger, Session, Settings, load_notebook
from llm_repl_core.errors import InvalidRecordings
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.ledger.recordings_text import (
    as_recorded,
    decode_recordings,
    encode_recordings,
)
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.providers.finish_reasons import FinishReason
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    TokenLogprob,
    ToolCallPlace,
)
from llm_repl_core.providers.turn import Turn, reasoning_of, text_of
from llm_repl_core.providers.usage import Usage

OF_VERSION_1 = Path(__file__).parent / "recordings_of_version_1"
"""Written by the release before version 2: notebooks that ran, and their recordings."""


def outputs_in(path: Path) -> list[list[dict[str, Any]]]:
    return [cell["outputs"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


@pytest.mark.parametrize("name", ["tools", "items"])
def test_a_file_of_version_1_replays_what_it_recorded(name: str, tmp_path: Path) -> None:
    for path in OF_VERSION_1.glob(f"{name}.*"):
        shutil.copy(path, tmp_path)
    path = tmp_path / f"{name}.calls.jsonl"
    ledger = RecordingsLedger.load(path)
    notebook = load_notebook(tmp_path / f"{name}.llmn")
    defaults = ledger.defaults
    known = Settings(provider=defaults.provider or "mock", model=defaults.model)
    with Session(notebook, application=Application(known), ledger=ledger) as session:
        session.run(mode="replay")
    recorded = outputs_in(tmp_path / f"{name}.llmn")
    assert any(recorded)
    for cell, outputs in zip(notebook, recorded, strict=True):
        shown = [output.to_wire() for output in cell.outputs]
        assert len(shown) == len(outputs)
        for now, then in zip(shown, outputs, strict=True):
            if then["type"] == "warning":  # a sentence of ours, which may be said better since
                assert now.keys() == then.keys()
                continue
            assert then.items() <= now.items()
            assert now.keys() - then.keys() <= {"reasoning"}  # of a turn that asks for tools

    ledger.save(path, notebook)
    old = (OF_VERSION_1 / path.name).read_text(encoding="utf-8").splitlines()
    new = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(new[0]) == json.loads(old[0]) | {"version": 2}
    assert new[1:] == old[1:]


def test_words_of_version_1_are_translated() -> None:
    data = (OF_VERSION_1 / "tools.calls.jsonl").read_bytes()
    assert data.count(b'"finish_reason": "stop"') == 1
    told = data.replace(b'"finish_reason": "stop"', b'"finish_reason": "eos_token"')
    told = told.replace(b'"finish_reason": "length"', b'"finish_reason": "of its own"')
    records = decode_recordings(told, "f")
    assert [(one.finish_reason, one.provider_finish_reason) for one in records] == [
        ("tool_calls", None),
        ("stop", "eos_token"),
        ("other", "of its own"),
    ]


texts = st.text(max_size=8)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
datas = st.dictionaries(texts, json_values, max_size=2)
ids = st.text(min_size=1, max_size=5)
counts = st.none() | st.integers(0, 10**9)
parts = st.one_of(
    st.builds(Text, text=texts, provider_data=datas),
    st.builds(Reasoning, text=texts, provider_data=datas),
    st.builds(Refusal, text=texts, provider_data=datas),
    st.builds(Citation, start=counts, end=counts, url=texts, quote=texts, provider_data=datas),
    st.builds(
        Media,
        media_type=texts,
        data=st.binary(max_size=8),
        name=texts,
        text=texts,
        provider_data=datas,
    ),
    st.builds(
        ServerToolCall,
        id=texts,
        name=texts,
        arguments=texts,
        result=texts,
        failed=st.booleans(),
        provider_data=datas,
    ),
    st.builds(ToolCallPlace, id=ids),
)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cached_input_tokens=counts,
    cache_write_tokens=counts,
    reasoning_tokens=counts,
    input_by_modality=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    service_tier=st.none() | texts,
    raw=datas,
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
logprobs = st.builds(
    TokenLogprob,
    token=texts,
    logprob=numbers,
    top=st.lists(st.tuples(texts, numbers), max_size=2).map(tuple),
)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    some = tuple(draw(st.lists(parts, max_size=5)))
    return Turn(
        text=text_of(some) if some else draw(texts),
        reasoning=reasoning_of(some) if some else draw(texts),
        parts=some,
        logprobs=tuple(draw(st.lists(logprobs, max_size=2))),
        tool_calls=tuple(
            draw(
                st.lists(
                    st.builds(ToolCall, id=ids, name=texts, arguments=texts, provider_data=datas),
                    max_size=2,
                )
            )
        ),
        provider_data=draw(datas),
        usage=draw(st.none() | usages),
        finish_reason=draw(st.none() | st.sampled_from(FinishReason.__args__)),
        model=draw(st.none() | texts),
    )


@settings(deadline=None)
@given(turn=turns(), again=turns())
def test_any_turn_comes_back_as_it_was(make_record: Any, turn: Turn, again: Turn) -> None:
    records: list[CallRecord] = [
        make_record("1", cell="a").with_turn(turn),
        make_record("2", cell="b").with_turn(again),
    ]
    data = encode_recordings(records, ["a", "b"])
    read = decode_recordings(data, "f")
    assert [one.turn for one in read] == [turn, again]
    assert read == [as_recorded(one, position) for position, one in enumerate(records)]
    assert encode_recordings(read, ["a", "b"]) == data


def made(make_record: Any) -> bytes:
    picture = Media(media_type="image/png", data=b"\x89PNG")
    turn = Turn(parts=(picture,), finish_reason="stop")
    return encode_recordings([make_record("1", cell="a").with_turn(turn)], ["a"])


def test_bytes_that_are_missing_or_others_are_told(make_record: Any) -> None:
    head, call, media, _end = made(make_record).split(b"\n")
    for lines, said in (
        ([head, call], r"Line 2 of f names what a model made, \w{64}, and the file has no line"),
        ([head, call, media.replace(b'"data": "', b'"data": "AAAA')], r"Line 3 of f holds other"),
        ([head, call, b'{"media": "x"}'], r"Line 3 of f must hold what a model made, in Base64"),
        ([head, media, call.replace(b'"media"', b'"film"')], r"Line 3 of f is not a recorded call"),
    ):
        with pytest.raises(InvalidRecordings, match=said):
            decode_recordings(b"\n".join(lines) + b"\n", "f")
    assert decode_recordings(b"\n".join([head, media, call, b""]), "f")[0].parts[0].data


def test_a_turn_without_parts_is_written_as_in_version_1(make_record: Any) -> None:
    turn = Turn(text="Yes", reasoning="Hm.", usage=Usage(input_tokens=1), finish_reason="stop")
    [_, line] = (
        encode_recordings([make_record("1", cell="a").with_turn(turn)], ["a"]).decode().splitlines()
    )
    document = json.loads(line)
    assert (document["answer"], document["reasoning"]) == ("Yes", "Hm.")
    assert document["usage"] == {"input_tokens": 1, "output_tokens": None, "raw": {}}
    assert not document.keys() & {"parts", "logprobs", "provider_finish_reason"}
