from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.config_text import DoubledName, read_json, read_yaml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n: 1\nm: 2\nn: 3", "names `n` twice (lines 1 and 3): leave one of them out"),
        ("a:\n  n: 1\n  n: 2", "`n` twice (lines 2 and 3)"),
        ("- {n: 1, n: 2}", "`n` twice (lines 1 and 1)"),
        ("n: 1\n'n': 2", "`n` twice (lines 1 and 2)"),
        ("1: a\n0x1: b", "`0x1` twice"),
        ("true: a\nyes: b", "`yes` twice"),
        ("&a n: 1\n*a : 2", "`n` twice"),
        ('{"n": 1, "\\u006e": 2}', "`n` twice"),
        (b"\xff\xfe" + "n: 1\nn: 2".encode("utf-16-le"), "`n` twice (lines 1 and 2)"),
    ],
)
def test_a_doubled_name_in_yaml_is_told_with_its_lines(text: str | bytes, words: str) -> None:
    with pytest.raises(DoubledName) as caught:
        read_yaml(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", ['{"n": 1, "n": 2}', '[{"a": {"n": 1, "\\u006e": 1}}]', b'{"": 1, "": 2}']
)
def test_a_doubled_name_in_json_is_told(text: str | bytes) -> None:
    with pytest.raises(DoubledName, match=r"names `n?` twice: leave one of them out"):
        read_json(text)


def test_what_is_merged_may_be_replaced() -> None:
    text = """
        base: &base {x: 1, y: 2}
        other: &other {y: 3}
        deep:
          deeper: &late {<<: *base, x: 4}
        one: {<<: *base, x: 5}
        two: {<<: [*late, *other], y: 6}
        =: 7
    """
    found = read_yaml(text)
    assert found["deep"]["deeper"] == {"x": 4, "y": 2}
    assert found["one"] == {"x": 5, "y": 2}
    assert found["two"] == {"x": 4, "y": 6}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "is not YAML at line 1"),
        ("a: 2024-99-99", "is not YAML, month must be"),
        ("a: \x00", "is not YAML"),
        (b"a: \xe9", "is not UTF-8 at byte 3"),
        ("[" * 20_000, "is too deeply nested"),
        ("a: !!python/name:os.system", "is not YAML at line 1"),
        ("? {a: 1}\n: 2", "is not YAML at line 1"),
    ],
)
def test_what_is_no_yaml_is_told(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match="^" + words):
        read_yaml(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON at line 1, column 2"),
        ("", "is not JSON at line 1, column 1"),
        ("[NaN]", "is not JSON: `NaN`"),
        (b'"\xe9"', "is not UTF-8 at byte 1"),
        ("[" * 200_000, "is too deeply nested"),
    ],
)
def test_what_is_no_json_is_told(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match="^" + words):
        read_json(text)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_values)
def test_whatever_json_says_once_is_read(value: Any) -> None:
    text = json.dumps(value)
    assert read_json(text) == value
    assert read_yaml(text) == value
