from __future__ import annotations

import enum
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.kernels.evaluation import evaluate_all, user_names
from llm_repl_core.kernels.values import (
    NotJSONValue,
    TimeUp,
    cut_text,
    describe,
    describe_within,
    json_form,
    value_text,
    within_time,
)

LIMIT = 10_000

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner)
    ),
    max_leaves=12,
)
objects = st.recursive(
    scalars | st.binary(max_size=6) | st.text(max_size=5) | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=10,
)


@given(documents)
@settings(max_examples=100, deadline=None)
def test_json_documents_come_back_the_same(document: Any) -> None:
    form = json_form(document, 10**6)
    assert form == document
    assert json.loads(json.dumps(form, allow_nan=False)) == document


@given(objects)
@settings(max_examples=150, deadline=None)
def test_the_text_is_that_of_an_f_string(value: Any) -> None:
    text, truncated = value_text(value, 10**6)
    assert text == f"{value}".encode("utf-8", "backslashreplace").decode()
    assert not truncated


@given(objects, st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_texts_keep_within_the_limit(value: Any, limit: int) -> None:
    text, truncated = value_text(value, limit)
    size = len(text.encode())
    whole = f"{value}".encode("utf-8", "backslashreplace")
    assert size <= limit
    assert truncated == (len(whole) > limit)
    assert whole.startswith(text.encode())


@given(st.text(), st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_cut_text(text: str, limit: int) -> None:
    cut, was_cut = cut_text(text, limit)
    assert len(cut.encode()) <= limit
    assert was_cut == (len(text.encode("utf-8", "backslashreplace")) > limit)


class Colour(enum.IntEnum):
    RED = 3


class Point(NamedTuple):
    x: int
    y: float


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Colour.RED, 3),
        (Point(1, 2.5), [1, 2.5]),
        (OrderedDict(a=1), {"a": 1}),
        (Fraction(1, 2), 0.5),
        ((1, (2,)), [1, [2]]),
    ],
)
def test_relatives_of_json_types(value: Any, form: Any) -> None:
    converted = json_form(value, LIMIT)
    assert converted == form
    assert type(converted) is type(form)


@pytest.mark.parametrize(
    "value",
    [math.nan, -math.inf, 2**63, -(2**63) - 1, {1: 2}, "\ud800", {"\udc00": 1}, 1j, {1}, b"", ...],
    ids=repr,
)
def test_what_json_cannot_hold(value: Any) -> None:
    for candidate in (value, [value], {"a": value}):
        with pytest.raises(NotJSONValue):
            json_form(candidate, LIMIT)


def test_fractions_that_are_not_exact_are_no_json() -> None:
    with pytest.raises(NotJSONValue):
        json_form(Fraction(1, 3), LIMIT)


def test_numpy_scalars_are_converted() -> None:
    numpy = pytest.importorskip("numpy")
    for value, form in {
        numpy.int64(3): 3,
        numpy.float64(0.5): 0.5,
        numpy.float32(0.1): float(numpy.float32(0.1)),
        numpy.bool_(True): True,
    }.items():
        converted = json_form(value, LIMIT)
        assert converted == form
        assert type(converted) is type(form)
    with pytest.raises(NotJSONValue):
        json_form(numpy.zeros(3), LIMIT)
    with pytest.raises(NotJSONValue):
        json_form(numpy.float64("nan"), LIMIT)


def test_json_is_bounded_in_size_and_depth() -> None:
    with pytest.raises(NotJSONValue):
        json_form(["x" * 10] * 10_000, LIMIT)
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(NotJSONValue):
        json_form(deep, LIMIT)


class Hostile:
    def __init__(self, action: Any) -> None:
        self.action = action

    def __repr__(self) -> str:
        return self.action()  # type: ignore[no-any-return]


def raise_(error: BaseException) -> Any:
    raise error


_let_go = threading.Event()


def forever() -> Any:
    while not _let_go.is_set():
        time.sleep(0.001)


@pytest.fixture
def nobody_goes_on() -> Iterator[None]:
    """Ends the threads that are left behind, or they would slow down what comes after."""
    _let_go.clear()
    yield
    _let_go.set()


@pytest.mark.usefixtures("nobody_goes_on")
@pytest.mark.parametrize("in_main_thread", [True, False])
@pytest.mark.parametrize(
    ("action", "limit_s", "text"),
    [
        (forever, 0.1, "longer than 0.1 s"),
        (lambda: raise_(ValueError("bad")), 10, "raised ValueError: bad"),
        (lambda: raise_(SystemExit(1)), 10, "raised SystemExit"),
        # What raises at once does so within the limit also where the machine has much to do.
        (lambda: raise_(ValueError(Hostile(forever))), 1, "raised ValueError: …"),
        (lambda: 3, 10, "raised TypeError"),
    ],
    ids=["forever", "raises", "exits", "raises forever", "no text"],
)
def test_hostile_texts(action: Any, limit_s: float, text: str, in_main_thread: bool) -> None:
    results: list[dict[str, Any]] = []

    def work() -> None:
        results.append(describe_within(Hostile(action), LIMIT, limit_s))

    if in_main_thread:
        work()
    else:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(20)
    assert text in results[0]["text"]
    assert results[0]["type_name"] == "Hostile"
    assert "json" not in results[0]


def test_huge_integers_have_a_text_that_says_so() -> None:
    assert "digits" in describe_within(10**5000, LIMIT, 1)["text"]


@pytest.mark.usefixtures("nobody_goes_on")
def test_within_time_gives_results_and_errors() -> None:
    assert within_time(lambda: 5, 1) == 5
    with pytest.raises(ZeroDivisionError):
        within_time(lambda: 1 // 0, 1)
    with pytest.raises(TimeUp):
        within_time(forever, 0.05)


def test_describe_names_the_type_whatever_it_claims() -> None:
    class Liar:
        __class__ = property(lambda self: 1 / 0)  # type: ignore[assignment]

        def __str__(self) -> str:
            return "lie"

    assert describe(Liar(), LIMIT) == {
        "type": "value",
        "text": "lie",
        "type_name": "Liar",
        "truncated": False,
    }


def evaluate(source: str, namespace: dict[str, Any], **options: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"restricted": False, "extra": {}, "limit_bytes": LIMIT} | options
    (result,) = evaluate_all([{"source": source}], namespace, **arguments)
    return result


def test_restricted_expressions_change_nothing() -> None:
    namespace: dict[str, Any] = {"a": 1}
    assert evaluate("(b := a + 1)", namespace, restricted=True)["text"] == "2"
    assert namespace == {"a": 1}


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "getattr(a, 'b')",
        "().__class__",
        "[x.__class__ for x in [1]]",
        "open",
        "globals()",
        "print(1)",
        "type(1)",
    ],
)
def test_restricted_expressions_reach_nothing(source: str) -> None:
    result = evaluate(source, {"a": 1}, restricted=True)
    assert result["type"] == "failed"
    assert result["ename"] in ("NameError", "AttributeError")


@pytest.mark.parametrize("source", ["", "1 +", "x = 1", "import os", "await f()", "1)\n+(2", "\0"])
def test_what_is_no_expression_fails(source: str) -> None:
    assert evaluate(source, {})["type"] == "failed"


def test_user_names() -> None:
    namespace = {"b": 1, "a": 2, "_c": 3, "math": math, "In": [], "not a name": 4}
    assert user_names(namespace, {"In": namespace["In"]}) == ["a", "b"]
    assert user_names({"In": []}, {"In": namespace["In"]}) == ["In"]
