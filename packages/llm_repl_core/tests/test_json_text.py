"""What JSON cannot hold, read and written."""

from __future__ import annotations

import json

import pytest

from llm_repl_core.json_text import read_finite, refuse_constant, without_infinities

INFINITY = float("inf")


def test_numbers_that_json_lacks_become_null_at_any_depth():
    value = {"a": [1, 1.5, INFINITY, (-INFINITY, {"b": float("nan")})], "c": True}
    assert without_infinities(value) == {"a": [1, 1.5, None, [None, {"b": None}]], "c": True}
    json.dumps(without_infinities(value), allow_nan=False)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e400]"])
def test_numbers_that_json_lacks_are_refused_when_read(text):
    with pytest.raises(ValueError, match=r"is not a JSON number|is out of range"):
        json.loads(text, parse_constant=refuse_constant, parse_float=read_finite)


def test_numbers_that_json_has_are_read():
    found = json.loads("[1e308, -0.5, 3]", parse_constant=refuse_constant, parse_float=read_finite)
    assert found == [1e308, -0.5, 3]
