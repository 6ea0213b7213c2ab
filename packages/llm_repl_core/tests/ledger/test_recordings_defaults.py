"""Who answered when calls were recorded: kept in the head of their file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import InvalidRecordings, Notebook, PromptCell
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.ledger.recordings import RecordedDefaults, RecordingsLedger
from llm_repl_core.ledger.recordings_text import (
    decode_defaults,
    decode_recordings,
    encode_recordings,
)

MakeRecord = Callable[..., CallRecord]

HEAD = '{"format": "llm-repl recordings", "version": 2'


@pytest.mark.parametrize(
    ("defaults", "head"),
    [
        (None, HEAD + "}"),
        (RecordedDefaults(), HEAD + "}"),
        (RecordedDefaults(provider="mock"), HEAD + ', "defaults": {"provider": "mock"}}'),
        (
            RecordedDefaults(provider="openai", model="m"),
            HEAD + ', "defaults": {"provider": "openai", "model": "m"}}',
        ),
        (
            RecordedDefaults(provider="mock", reasoning_effort="low"),
            HEAD + ', "defaults": {"provider": "mock", "reasoning_effort": "low"}}',
        ),
        (
            RecordedDefaults(provider="openai", base_url="http://localhost:1/v1"),
            HEAD + ', "defaults": {"provider": "openai", "base_url": "http://localhost:1/v1"}}',
        ),
    ],
)
def test_they_stand_in_the_head(
    make_record: MakeRecord, defaults: RecordedDefaults | None, head: str
) -> None:
    data = encode_recordings([make_record("1")], ["a"], defaults)
    assert data.decode().splitlines()[0] == head
    assert decode_defaults(data, "f") == (defaults or RecordedDefaults())
    assert len(decode_recordings(data, "f")) == 1


def test_they_stay_until_others_are_given(make_record: MakeRecord, tmp_path: Path) -> None:
    path = tmp_path / "n.calls.jsonl"
    notebook = Notebook(id="nb", cells=[PromptCell(id="a", status="completed")])
    ledger = RecordingsLedger.load(path)
    assert ledger.defaults == RecordedDefaults()
    asyncio.run(ledger.begin(make_record("1")))
    ledger.save(path, notebook, defaults=RecordedDefaults(provider="mock", model="echo"))
    again = RecordingsLedger.load(path)
    assert again.defaults == RecordedDefaults(provider="mock", model="echo")
    again.save(path, notebook)
    assert RecordingsLedger.load(path).defaults == again.defaults
    again.save(path, notebook, defaults=RecordedDefaults(provider="openai"))
    assert RecordingsLedger.load(path).defaults == RecordedDefaults(provider="openai")


def test_a_head_may_say_more_or_nothing(tmp_path: Path) -> None:
    newer = (HEAD + ', "defaults": {"model": null, "region": "north"}, "by": "x"}\n').encode()
    assert decode_defaults(b"\n" + newer, "f") == RecordedDefaults()
    assert decode_defaults(b"", "f") == RecordedDefaults()


@pytest.mark.parametrize("value", ["3", "[]", '{"provider": 3}', '"mock"', "null"])
def test_what_they_cannot_be_is_refused(value: str) -> None:
    data = f'{HEAD}, "defaults": {value}}}\n'.encode()
    for read in (decode_defaults, decode_recordings):
        with pytest.raises(InvalidRecordings, match="Line 1 of f must be the head"):
            read(data, "f")
