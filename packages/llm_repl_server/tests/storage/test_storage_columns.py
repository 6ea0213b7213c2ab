"""Whatever a file or a kernel may give survives the way through a column."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_server.storage.columns import (
    decode_json,
    decode_text,
    decode_time,
    encode_json,
    encode_text,
    encode_time,
)

any_text = st.text(st.characters(codec=None) | st.sampled_from("\x00\x1a\ud83d\ude00"))
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
offsets = st.integers(-86_399, 86_399).map(lambda s: timezone(timedelta(seconds=s)))


def same(left: object, right: object) -> bool:
    """Equal, where NaN equals itself and True is not 1."""
    return repr(left) == repr(right)


@given(any_text)
def test_any_text_comes_back_and_can_be_held_by_any_database(text: str) -> None:
    column = encode_text(text)
    assert decode_text(column) == text
    assert "\0" not in column.encode().decode()


@given(any_text, any_text)
def test_two_texts_never_become_one(left: str, right: str) -> None:
    assert (encode_text(left) == encode_text(right)) == (left == right)


@pytest.mark.parametrize("text", ["", "x = 1\n", "größer 🤖", '{"a": 1}', "\x01\x7f\ufffe"])
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert encode_text(text) == text


@given(any_json)
@settings(max_examples=200)
def test_any_json_value_comes_back(value: object) -> None:
    column = encode_json(value)
    assert same(decode_json(column), value)
    assert "\0" not in column.encode().decode()


@pytest.mark.parametrize("value", [{"a": [1, "ü", None]}, [], {}, [{"type": "stdout"}], 0, ""])
def test_ordinary_json_is_json_in_the_column(value: object) -> None:
    assert json.loads(encode_json(value)) == value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud83d\ude00", "\ud800", 2**70, [None, float("-inf")]]
)
def test_what_json_has_no_place_for_comes_back(value: object) -> None:
    assert same(decode_json(encode_json(value)), value)


@given(st.datetimes(timezones=st.none() | offsets))
def test_any_time_comes_back_with_its_offset(time: datetime) -> None:
    back = decode_time(encode_time(time))
    assert back == time
    assert back.utcoffset() == time.utcoffset()


@given(
    st.lists(
        st.datetimes(
            min_value=datetime(2, 1, 1),
            max_value=datetime(9998, 1, 1),
            timezones=offsets,
        )
    )
)
def test_times_sort_by_the_instant(times: list[datetime]) -> None:
    columns = sorted(encode_time(time) for time in times)
    assert [decode_time(column) for column in columns] == sorted(times)


def test_time_of_utc_reads_well() -> None:
    time = datetime(2026, 1, 31, 10, 0, 0, 5, UTC)
    assert encode_time(time) == "2026-01-31T10:00:00.000005Z"
    east = time.astimezone(timezone(timedelta(hours=2)))
    assert encode_time(east) == "2026-01-31T10:00:00.000005Z+02:00"
