"""Functions that a model may call: what they take, which calls fit, and what comes of a call."""

from __future__ import annotations

import asyncio
import functools
import json
from typing import Any

import pytest

from llm_repl_core.kernels.inspection.functions import (
    await_call,
    callable_names,
    describe_functions,
    prepare_call,
    run_call,
    take_result,
)

# Docstrings ----------------------------------------------------------------------------------


class RaisesWhenShown:
    def __repr__(self):
        raise ValueError("no")


def odd_default(x: int, y: Any = RaisesWhenShown()): ...  # noqa: B008  that is the point


def test_what_a_function_takes_is_told_whatever_its_defaults_do():
    found = describe_functions({"f": odd_default}, ["f"])
    assert found[0]["parameters"]["properties"] == {"x": {"type": "integer"}, "y": {}}
    told = prepare_call({"f": odd_default}, "f", "{}", 100)
    assert told["problem"].startswith("`f` was not called: `x` is missing. It takes: x: int, y: ")
    assert told["problem"].endswith("Any = ….")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (json, "is a module, and no function"),
        (7, "is a int, and no function"),
        (lambda *rest: 0, "takes `*rest`, and a model has to know the name of each argument"),
        (dict.fromkeys, "takes"),
        (type("Odd", (), {"__call__": None})(), ""),
    ],
)
def test_what_no_model_can_call(value, problem):
    [described] = describe_functions({"it": value}, ["it"])
    if problem == "takes":
        assert described["parameters"]["type"] == "object"
    else:
        assert problem in described["problem"]


def test_a_function_that_cannot_be_described_says_why():
    class Odd:
        @property
        def __signature__(self):
            raise RuntimeError("no signature today")

        def __call__(self): ...

    [described] = describe_functions({"odd": Odd()}, ["odd"])
    assert described == {"problem": "cannot be described: RuntimeError: no signature today"}
    assert describe_functions({}, ["gone"]) == [{"problem": ""}]


def test_annotations_that_cannot_be_evaluated_are_passed_over():
    def f(x: Unknown, y: int = 1): ...  # noqa: F821  of a name that is gone

    [described] = describe_functions({"f": f}, ["f"])
    assert described["parameters"]["properties"] == {"x": {}, "y": {"default": 1}}


def test_a_partial_takes_what_is_left():
    def f(x: int, y: str):
        "Does it."

    [described] = describe_functions({"g": functools.partial(f, 1)}, ["g"])
    assert described["description"] == "Does it."
    assert described["parameters"]["properties"] == {"y": {"type": "string"}}


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("gone", "{}", "There is no function `gone`."),
        ("f", "[]", "the arguments must be an object. It takes: x: int, y: str = 'a'."),
        ("f", "{", "`f` was not called: JSONDecodeError: "),
        ("f", '{"z": 1}', "there is no argument `z`"),
        ("f", '{"x": "a"}', "`x` must be a whole number"),
        ("g", '{"x": 1}', "It takes: nothing."),
        ("h", '{"x": 1}', "`h` was not called: "),
    ],
)
def test_calls_that_do_not_fit_are_not_made(name, arguments, problem):
    def f(x: int, y: str = "a"):
        raise AssertionError("called")

    def g():
        raise AssertionError("called")

    namespace = {"f": f, "g": g, "h": dict.update}
    told = prepare_call(namespace, name, arguments, 100)
    assert problem in told["problem"]


def called(function, arguments="{}", limit=100):
    word = prepare_call({"f": function}, "f", arguments, limit)["word"]
    run_call(word)
    return take_result(word)


def test_results_are_texts_json_or_what_they_show_of_themselves():
    assert called(lambda: "as it is") == {"state": "returned", "text": "as it is", "notice": ""}
    assert called(lambda: {"é": [1]})["text"] == '{"é": [1]}'
    assert called(lambda: {1, 2})["text"] == "{1, 2}"
    assert called(lambda: "half \ud800")["text"] == r"half \ud800"
    long = called(lambda: "x" * 500)
    assert len(long["text"]) <= 100
    assert long["notice"].startswith("has 500 characters, and its middle is left out")


def test_arguments_are_given_by_name_or_by_place():
    def f(x, /, y=2, *, z=3):
        return [x, y, z]

    assert called(f, '{"x": 1}')["text"] == "[1, 2, 3]"
    assert called(f, '{"x": 1, "z": 9}')["text"] == "[1, 2, 9]"


class OddError(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "evalue"),
    [(ValueError("no"), "no"), (SystemExit(3), "3"), (OddError(), "<its text is not to be had: RuntimeError>")],
)  # fmt: skip
def test_what_a_call_raises_is_told(error, evalue):
    def f():
        raise error

    told = called(f)
    assert (told["state"], told["ename"], told["evalue"]) == (
        "raised",
        type(error).__name__,
        evalue,
    )
    assert type(error).__name__ in told["traceback"]


def test_a_call_that_is_interrupted_is_stopped():
    def f():
        raise KeyboardInterrupt

    word = prepare_call({"f": f}, "f", "{}", 100)["word"]
    with pytest.raises(KeyboardInterrupt):
        run_call(word)
    assert take_result(word) == {"state": "stopped"}


def test_what_is_to_be_awaited_is_awaited():
    async def f():
        return "waited"

    def g():
        return f()

    async def fails():
        raise ValueError("no")

    prepared = prepare_call({"f": f, "g": g, "fails": fails}, "f", "{}", 100)
    assert prepared["awaits"]
    asyncio.run(await_call(prepared["word"]))
    assert take_result(prepared["word"])["text"] == "waited"
    prepared = prepare_call({"g": g}, "g", "{}", 100)
    assert not prepared["awaits"]
    run_call(prepared["word"])
    assert take_result(prepared["word"]) == {"state": "awaitable"}
    asyncio.run(await_call(prepared["word"]))
    assert take_result(prepared["word"])["text"] == "waited"
    prepared = prepare_call({"fails": fails}, "fails", "{}", 100)
    asyncio.run(await_call(prepared["word"]))
    assert take_result(prepared["word"])["evalue"] == "no"


def test_names_that_can_be_called():
    namespace = {"f": len, "x": 1, "C": dict}
    assert callable_names(namespace, ["f", "x", "C", "gone"]) == ["f", "C"]
