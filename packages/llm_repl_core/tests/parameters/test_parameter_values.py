"""What is typed becomes what the notebook's default is, or is refused in a sentence."""

from __future__ import annotations

import datetime
import enum
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CodeCell, InvalidInput
from llm_repl_core.parameters.declared import Parameter, declared_parameters
from llm_repl_core.parameters.values import fit_value, read_text, source_of


def declared(code: str) -> dict[str, Parameter]:
    return declared_parameters(CodeCell(content=code))


@pytest.mark.parametrize(
    ("default", "typed", "value"),
    [
        ("3", "9", 9),
        ("-3", " -9 ", -9),
        ("60 * 60", "10", 10),
        ("2**10", "4", 4),
        ("1_000", "2_000", 2000),
        ("0.5", "1", 1.0),
        ("1e-3", "1e-4", 1e-4),
        ("1 / 2", "3", 3.0),
        ("10**-3", "1", 1.0),
        ("False", "yes", True),
        ("True", "FALSE", False),
        ("not True", "on", True),
        ("a > 3", "0", False),
        ("'May'", "June", "June"),
        ("'May'", "", ""),
        ("'May'", "5", "5"),
        ("'May'", "0150", "0150"),
        ("'May'", '"quoted"', "quoted"),
        ("'May'", '"half', '"half'),
        ("'May'", "[1]", "[1]"),
        ("f'{a}'", "x", "x"),
        ("'a' + 'b'", "x", "x"),
        ("[]", '["Oslo", "Rome"]', ["Oslo", "Rome"]),
        ("[]", "['Oslo', 'Rome']", ["Oslo", "Rome"]),
        ("[]", "[Oslo, Rome]", ["Oslo", "Rome"]),
        ("[c for c in x]", "[1]", [1]),
        ("(1, 2)", "[3, 4]", (3, 4)),
        ("{1}", "[3, 3]", {3}),
        ("{}", '{"a": 1}', {"a": 1}),
        ("dict(a=1)", "{a: 1}", {"a": 1}),
        ("None", "9", 9),
        ("None", "None", None),
        ("None", "text", "text"),
        ("date.today()", "null", None),
        ("date.today()", "True", True),
        ("date.today()", "NaN", "NaN"),
        ("date.today()", "", ""),
    ],
)
def test_the_default_says_the_type(default: str, typed: str, value: Any) -> None:
    found = read_text(typed, declared(f"n = {default}")["n"])
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("default", "typed", "wanted"),
    [
        ("3", "nine", "a whole number (the notebook's own is 3), and got 'nine'"),
        ("3", "", "and got nothing"),
        ("3", "2.5", "'2.5'"),
        ("3", "None", "'None'"),
        ("3", "true", "'true'"),
        ("3", "9" * 5000, "a whole number"),
        ("0.5", "half", "a number"),
        ("0.5", "1e999", "a number"),
        ("True", "maybe", "true or false"),
        ("True", "2", "true or false"),
        ("True", "", "nothing"),
        ("'no'", "False", "give it by -r n=False"),
        ("'no'", "null", "give it by -r n=null"),
        ("[]", "Oslo,Rome", "a list"),
        ("[]", "{}", "a list"),
        ("[]", "[" * 5000, "a list"),
        ("[]", "", "a list"),
        ("{}", "[]", "an object"),
        ("{}", "{'a': ", "an object"),
    ],
)
def test_what_is_of_another_type_is_refused_in_a_sentence(
    default: str, typed: str, wanted: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_text(typed, declared(f"n = {default}")["n"])
    assert "`n`" in str(refused.value)
    assert wanted in str(refused.value)


@pytest.mark.parametrize(
    ("statement", "typed", "value"),
    [
        ("n: float = 1", "2", 2.0),
        ("n: int | None = None", "2", 2),
        ("n: int | None = 3", "None", None),
        ("n: None | str = None", "null", None),
        ("n: Optional[list[str]] = None", "[a]", ["a"]),
        ("n: 'float' = 1", "2", 2.0),
        ("n: typing.List[int] = None", "[1]", [1]),
        ("n: str", "2", "2"),
        ("n: Any = 1", "x", "x"),
        ("n: Path = p", "x", "x"),
    ],
)
def test_an_annotation_goes_before_the_default(statement: str, typed: str, value: Any) -> None:
    found = read_text(typed, declared(statement)["n"])
    assert (type(found), found) == (type(value), value)


def test_what_a_cell_declares() -> None:
    found = declared(
        "import os\nfrom a import b\nn = 3\nlow, high = 1, 2\n"
        "if n:\n    extra = 1\ndef f(x):\n    inner = 1\nclass C: pass\n"
    )
    assert {"n", "low", "high", "extra"} == set(found)
    assert declared("a = b = 'x'") == {
        name: Parameter(name=name, kind=str, default="'x'") for name in ("a", "b")
    }
    assert "n" in declared("%matplotlib inline\nn = 3")
    assert declared("this is no Python") == {}
    assert len(declared(f"n = '{'x' * 900}'")["n"].default) == 40


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.sets(st.text(), max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_the_source_of_a_value_gives_it(value: Any) -> None:
    source = source_of(value)
    found = eval(source)  # it was made here
    assert repr(found) == repr(value) or sorted(repr(found)) == sorted(repr(value))


@pytest.mark.parametrize(
    ("default", "given_value", "value"),
    [
        ("0.5", 2, 2.0),
        ("(1,)", [1, 2], (1, 2)),
        ("'x'", datetime.date(2026, 1, 31), "2026-01-31"),
        ("None", {"a": [datetime.date(2026, 1, 31)]}, {"a": ["2026-01-31"]}),
        ("f()", math.inf, math.inf),
    ],
)
def test_a_value_of_a_file_fits(default: str, given_value: Any, value: Any) -> None:
    found = fit_value(given_value, declared(f"n = {default}")["n"])
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("default", "given_value"),
    [("3", "9"), ("3", 2.5), ("3", True), ("True", 1), ("'x'", 1), ("[]", "a"), ("f()", b"bytes")],
)
def test_a_value_of_a_file_that_does_not_fit_is_refused(default: str, given_value: Any) -> None:
    with pytest.raises(InvalidInput, match="`n`"):
        fit_value(given_value, declared(f"n = {default}")["n"])


class Shouted(str):
    def __str__(self) -> str:
        return "SHOUTED"


class Size(enum.IntEnum):
    LARGE = 3


@pytest.mark.parametrize(
    ("given_value", "value"),
    [
        (Shouted("x"), "x"),
        (Size.LARGE, 3),
        ([Size.LARGE, {Shouted("a"): (True, 0.5)}], [3, {"a": [True, 0.5]}]),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        ({1: None}, {1: None}),
    ],
)
def test_values_of_libraries_become_python_s_own(given_value: Any, value: Any) -> None:
    found = fit_value(given_value, declared("n = None")["n"])
    assert found == value
    assert eval(source_of(found)) == value
    assert type(found) is type(value)


def test_a_number_of_a_library_is_a_number() -> None:
    numpy = pytest.importorskip("numpy")
    found = fit_value(numpy.float64(0.25), declared("n = 0.5")["n"])
    assert (found, source_of(found)) == (0.25, "0.25")


@pytest.mark.parametrize(
    ("default", "given_value", "said"),
    [
        ("{1}", [[1]], "takes a list"),
        ("{}", {(1, 2): 3}, "has a tuple as a key"),
        ("None", {"a": {frozenset(): 3}}, "has a frozenset as a key"),
        ("None", b"bytes", "is a bytes"),
    ],
)
def test_what_source_cannot_say_is_refused(default: str, given_value: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        fit_value(given_value, declared(f"n = {default}")["n"])


def test_what_is_nested_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInput, match="too deeply nested"):
        fit_value(endless, declared("n = None")["n"])


@pytest.mark.parametrize("default", ["None", "{}", "[]"])
@pytest.mark.parametrize("typed", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "a": 2}}]'])
def test_a_name_that_stands_twice_is_told(default: str, typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"`n`.*`?a"):
        read_text(typed, declared(f"n = {default}")["n"])


def test_a_name_that_stands_twice_in_python_is_told() -> None:
    with pytest.raises(InvalidInput, match="`n`"):
        read_text("{'a': 1, 'a': 2}", declared("n = {}")["n"])


@pytest.mark.parametrize(
    ("default", "typed"),
    [("{}", "[1]"), ("[]", "1"), ("1.5", "1e999"), ("True", "perhaps"), ("1", "1.5"), ("[]", "")],
)
def test_what_is_typed_and_is_none_of_the_kind_is_refused(default: str, typed: str) -> None:
    with pytest.raises(InvalidInput, match="`n` takes"):
        read_text(typed, declared(f"n = {default}")["n"])


def test_what_may_be_none_is_none() -> None:
    parameter = declared("n: int | None = 3")["n"]
    assert read_text("null", parameter) is None
    assert fit_value(None, parameter) is None
