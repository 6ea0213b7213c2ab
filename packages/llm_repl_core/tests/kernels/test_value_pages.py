"""Looking into values: each kind of container, each step into one, and what cannot be looked at."""

from __future__ import annotations

import collections
import dataclasses
import time
from typing import Any, NamedTuple

import pytest

from llm_repl_core.kernels.inspection import parts, summaries
from llm_repl_core.kernels.inspection.parts import value_page
from llm_repl_core.kernels.inspection.summaries import attributes_of, list_variables, summary_of

LIMIT_S = 60.0


@pytest.fixture(autouse=True, scope="module")
def _as_long_as_it_takes():
    """On a busy machine, too, what is asked for is there, unless a test is about the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (parts, "_PAGE_TIMEOUT_S"),
            (summaries, "_VALUE_TIMEOUT_S"),
            (summaries, "_LIST_TIMEOUT_S"),
        ):
            patch.setattr(module, name, LIMIT_S / 2)
        yield


class Point(NamedTuple):
    x: int
    y: list[int]


@dataclasses.dataclass(slots=True)
class Order:
    sku: str
    lines: list[int]
    note: str = dataclasses.field(init=False)


class Raises:
    def __repr__(self) -> str:
        raise ValueError("no " * 1000)


class Acts(dict[str, int]):
    """A dictionary whose own methods are not to be called."""

    def __getitem__(self, key: str) -> int:
        raise AssertionError("called")

    __iter__ = __len__ = values = __getitem__  # type: ignore[assignment]


class Slow:
    def __repr__(self) -> str:
        time.sleep(LIMIT_S)
        return "never"


def page(value: Any, *path: str, number: int = 0, size: int = 50) -> dict[str, Any]:
    return value_page({"it": value}, "it", path, number, size)


def entries(value: Any, *path: str, number: int = 0, size: int = 50) -> list[tuple[str, str, str]]:
    found = page(value, *path, number=number, size=size)
    assert found["kind"] == "entries"
    return [(entry["label"], entry["step"], entry["text"]) for entry in found["entries"]]


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        ({"a": 1, 2: "b"}, [("a", "a", "1"), ("2", "@1", "'b'")]),
        ({"@a": 1, "b\n": 2, (1, "x"): 3}, [("@a", "@0", "1"), ("b\n", "@1", "2"), ("(1, 'x')", "@2", "3")]),
        (["a", None], [("0", "0", "'a'"), ("1", "1", "None")]),
        ((1,), [("0", "0", "1")]),
        (Point(1, [2]), [("x", "0", "1"), ("y", "1", "[2]")]),
        ({7}, [("0", "0", "7")]),
        (frozenset({7}), [("0", "0", "7")]),
        (Order("A", [1]), [("sku", "sku", "'A'"), ("lines", "lines", "[1]")]),
        (Acts(a=1), [("a", "a", "1")]),
        (collections.OrderedDict(a=1), [("a", "a", "1")]),
        ([], []),
    ],
)  # fmt: skip
def test_parts_of_containers(value, listed):
    assert entries(value) == listed


def test_parts_come_by_pages():
    assert entries(list(range(95)), number=9, size=10) == [(str(at),) * 3 for at in range(90, 95)]
    assert entries({f"k{at}": at for at in range(5)}, number=2, size=2) == [("k4", "k4", "4")]
    assert entries(list(range(5)), number=7) == []
    assert page(list(range(5)), number=7)["total"] == 5
    assert entries(set(range(5)), number=1, size=3) == [("3", "3", "3"), ("4", "4", "4")]


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ({"a": {"b": 7}}, ["a", "b"], "7"),
        ({"3": "by key"}, ["3"], "by key"),
        ({3: "by place"}, ["@0"], "by place"),
        ([[5, 6]], ["0", "1"], "6"),
        ((5, 6), ["@1"], "6"),
        ({7}, ["0"], "7"),
        (frozenset({7}), ["@0"], "7"),
        (Order("A", [1]), ["lines", "0"], "1"),
        (Order("A", [1]), ["@0"], "A"),
        (Acts(a=1), ["a"], "1"),
        (Acts(a=1), ["@0"], "1"),
        (Point(1, [2]), ["1", "0"], "2"),
    ],
)
def test_steps_into_values(value, path, text):
    assert page(value, *path)["piece"] == text


@pytest.mark.parametrize(
    ("value", "path", "shown"),
    [
        ({"a": 1}, ["b"], "There is no `b` in `it`."),
        ({"a": {"b": 1}}, ["a", "c"], "There is no `c` in `it.a`."),
        ({"a": 1}, ["@1"], "There is no `@1` in `it`."),
        ([1], ["1"], "There is no `1` in `it`."),
        ([1], ["x"], "There is no `x` in `it`."),
        ({7}, ["1"], "There is no `1` in `it`."),
        (7, ["0"], "There is no `0` in `it`."),
        (Order("A", [1]), ["note"], "There is no `note` in `it`."),
        ([1], ["9" * 30], f"There is no `{'9' * 30}` in `it`."),
        ([1], ["@"], "There is no `@` in `it`."),
        ([1], ["²"], "There is no `²` in `it`."),
    ],
)
def test_steps_that_lead_nowhere(value, path, shown):
    assert page(value, *path) == {"missing": shown}


def test_there_is_no_such_variable():
    assert value_page({}, "it", [], 0, 50) == {"missing": "There is no variable `it`."}


def test_texts_and_bytes_and_other_values_in_pieces():
    text = "é" * 25_000
    last = page(text, number=2)
    assert (last["kind"], last["total"], last["per_page"]) == ("text", 25_000, 10_000)
    assert last["piece"] == "é" * 5_000
    data = page(b"a" * 30_000)
    assert (data["kind"], data["is_cut"], len(data["piece"])) == ("value", True, 20_000)
    assert (page(b"ab")["piece"], page(b"ab")["is_cut"]) == ("b'ab'", False)
    assert page(7)["piece"] == "7"
    assert page("half \ud800")["piece"] == r"half \ud800"


def test_what_cannot_be_looked_at_says_why(monkeypatch):
    said = page(Raises())["missing"]
    assert said.startswith("`it` can't be looked at: ValueError: no no")
    assert len(said) < 1000
    monkeypatch.setattr(summaries, "_VALUE_TIMEOUT_S", 0.01)
    began = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(parts, "_PAGE_TIMEOUT_S", 0.05)
        assert page(Slow()) == {"missing": "Looking at `it` takes too long."}
    # Within a container, each has its own time.
    assert [text for _, _, text in entries([Slow(), Slow()])] == ["its text takes too long"] * 2
    assert time.monotonic() - began < LIMIT_S


def test_who_stops_the_process_stops_it():
    class Stopped:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        page(Stopped())
    with pytest.raises(KeyboardInterrupt):
        summary_of(Stopped())


# Lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\n" + "b" * 500, r"'a\n" + "b" * 196 + "…"),
        ([{"a": 1, "b": 2}, {}], "dict(a, b)"),
        ([{"a": 1}, 2], "[{'a': 1}, 2]"),
        ([{}], "dict()"),
        (Order, "class Order"),
        (page, "page(value: 'Any', *path: 'str', number: 'int' = 0, size: 'int' = 50) -> 'dict[str, Any]'"),
        (list(range(1000)), str(list(range(1000)))[:200] + "…"),
        (len, "<built-in function len>"),
    ],
)  # fmt: skip
def test_a_value_in_a_line(value, text):
    assert summary_of(value)["text"] == text


def test_without_texts_no_code_of_the_user_s_runs():
    found = list_variables({"acts": Raises(), "x": 1}, ["acts", "gone", "x"], with_texts=False)
    assert [(each["name"], each["text"]) for each in found["variables"]] == [
        ("acts", ""),
        ("x", ""),
    ]
    many = {f"x{number}": number for number in range(1005)}
    listed = list_variables(many, [*many])
    assert (len(listed["variables"]), listed["left_out"]) == (1000, 5)


def test_what_takes_all_the_time_leaves_the_others_their_types(monkeypatch):
    monkeypatch.setattr(summaries, "_LIST_TIMEOUT_S", 0.0)
    [line] = list_variables({"x": [1]}, ["x"])["variables"]
    assert (line["type_name"], line["text"]) == ("list", "")


def test_attributes_are_read_without_code_of_the_class():
    class Odd:
        __slots__ = ("__dict__", "slot", "unset")

        def __init__(self) -> None:
            self.slot = 1
            self.plain = 2
            self._hidden = 3
            self.__dict__[7] = 4  # type: ignore[index]

        def __getattribute__(self, name: str) -> Any:
            if name in ("plain", "slot"):
                raise AssertionError("called")
            return object.__getattribute__(self, name)

        @property
        def computed(self) -> int:
            raise AssertionError("called")

    assert attributes_of(Odd()) == {"plain": 2, "slot": 1}
    for leaf in (Odd, len, page, dataclasses):
        assert attributes_of(leaf) == {}


# Arrays --------------------------------------------------------------------------------------


def test_arrays_by_rows_and_axes():
    numpy = pytest.importorskip("numpy")
    deep = numpy.arange(24).reshape(2, 3, 4)
    assert summary_of(deep)["text"] == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"
    assert [(label, step) for label, step, _ in entries(deep)] == [("0", "0"), ("1", "1")]
    inner = page(deep, "1", number=1, size=2)
    assert (inner["kind"], inner["total"]) == ("table", 3)
    assert inner["rows"] == [{"label": "2", "cells": ["20", "21", "22", "23"]}]
    assert page(deep, "1", "0", "3")["piece"] in ("15", "np.int64(15)")
    line = page(numpy.arange(5), number=1, size=3)
    assert line["columns"] == [{"name": "", "dtype": "int64"}]
    assert line["rows"] == [{"label": str(at), "cells": [str(at)]} for at in (3, 4)]
    assert page(numpy.float64(1.5))["kind"] == "value"
    assert page(numpy.array(7))["kind"] == "value"  # of no axis
    wide = page(numpy.zeros((2, 70)))
    assert (len(wide["columns"]), wide["columns_left_out"]) == (50, 20)
    assert page(deep, "2") == {"missing": "There is no `2` in `it`."}


def test_frames_by_name_and_by_place():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"day": ["Mon", "Tue"], 7: [1, 2]})
    assert page(frame, "day", "1")["piece"] == "Tue"
    assert page(frame, "@1", "@0")["piece"] in ("1", "np.int64(1)")
    assert page(frame, "week") == {"missing": "There is no `week` in `it`."}
    assert page(frame, "@2") == {"missing": "There is no `@2` in `it`."}
    series = page(frame["day"], number=1, size=1)
    assert series["columns"][0]["name"] == "day"
    assert series["rows"] == [{"label": "1", "cells": ["Tue"]}]
    long = pandas.DataFrame({"a": ["x" * 500]})
    assert page(long)["rows"][0]["cells"] == ["x" * 200 + "…"]
