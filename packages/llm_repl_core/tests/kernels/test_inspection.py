"""What runs inside kernels to look at the user's objects."""

from __future__ import annotations

import ast
import asyncio
import collections
import dataclasses
import datetime
import enum
import inspect
import pathlib
import typing
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.engine.prompts.answer_form import resolve_form
from llm_repl_core.engine.prompts.attachments import load_attachments
from llm_repl_core.engine.prompts.tools import call_tool, describe_tools
from llm_repl_core.kernels import inspection
from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.inspection.arguments import Unfit, to_annotation
from llm_repl_core.kernels.inspection.docstrings import read_docstring
from llm_repl_core.kernels.inspection.functions import (
    describe_functions,
)
from llm_repl_core.kernels.inspection.held import forget, held, hold, let_go
from llm_repl_core.kernels.inspection.parameters import SchemaWriter
from llm_repl_core.kernels.jupyter import source as jupyter_source
from llm_repl_core.kernels.shortening import shortened
from llm_repl_core.providers.base import ToolCall

# Docstrings ----------------------------------------------------------------------------------

GOOGLE = """Does it.

At length:
    with an example.

Args:
    x (int): The first,
        which goes on.
    y: The second: with a colon.

    *rest: What is left.

Returns:
    int: A number.

Afterword.
"""
NUMPY = """Does it.

At length.

Parameters
----------
x : int
    The first,
    which goes on.
y, z : float, optional
    Both.

Returns
-------
int
    A number.
"""
SPHINX = """Does it.

:param x: The first,
    which goes on.
:param int y: The second.
:type x: int
:returns: A number.
"""


@pytest.mark.parametrize(
    ("text", "description", "arguments"),
    [
        (
            GOOGLE,
            "Does it.\n\nAt length:\n    with an example.\n\nAfterword.",
            {
                "x": "The first, which goes on.",
                "y": "The second: with a colon.",
                "rest": "What is left.",
            },
        ),
        (
            NUMPY,
            "Does it.\n\nAt length.",
            {"x": "The first, which goes on.", "y": "Both.", "z": "Both."},
        ),
        (SPHINX, "Does it.", {"x": "The first, which goes on.", "y": "The second."}),
        ("Just a sentence.", "Just a sentence.", {}),
        ("Args:\n    x: It.", "", {"x": "It."}),
        ("Note: this is text.", "Note: this is text.", {}),
        ("", "", {}),
    ],
)
def test_docstrings(text, description, arguments):
    assert read_docstring(text) == (description, arguments)


@given(st.text(st.characters()) | st.lists(st.sampled_from([
    "Args:", "Parameters", "----------", "    x: y", ":param x: y", "", "text", "Returns:",
])).map("\n".join))  # fmt: skip
def test_any_docstring_is_read(text):
    read_docstring(text)


# Annotations ---------------------------------------------------------------------------------


class Color(enum.Enum):
    RED = "red"
    BLUE = 2
    OTHER = object()


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0
    tags: list[str] = dataclasses.field(default_factory=list)


class Place(typing.TypedDict):
    name: str
    zip: typing.NotRequired[int]


@dataclasses.dataclass
class Tree:
    name: str
    left: Tree | None = None
    right: Tree | None = None


def schema_of(annotation):
    return SchemaWriter().schema_of(annotation)


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (Any, {}),
        (object, {}),
        (lambda: 0, {}),
        (None, {"type": "null"}),
        (list, {"type": "array", "items": {}}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (set[str], {"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
        (dict, {"type": "object"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (typing.Union[str, None], {"anyOf": [{"type": "string"}, {"type": "null"}]}),  # noqa: UP007  old, and met
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Color, {"enum": ["red", 2, "OTHER"]}),
        (datetime.date, {"type": "string", "format": "date"}),
        (pathlib.Path, {"type": "string"}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (
            Place,
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "zip": {"type": "integer"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        ),
    ],
)
def test_annotations_as_schemas(annotation, schema):
    assert schema_of(annotation) == schema


def test_a_class_that_holds_its_own_kind_has_a_schema_with_an_end():
    left = schema_of(Tree)["properties"]["left"]
    assert left == {"anyOf": [{"type": "object"}, {"type": "null"}]}


def test_definitions_of_models_go_to_the_top():
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        x: int

    class Outer(pydantic.BaseModel):
        inner: Inner

    def take(outer: Outer, more: list[Outer]): ...

    take.__annotations__ = {"outer": Outer, "more": list[Outer]}
    [described] = describe_functions({"take": take}, ["take"])
    schema = described["parameters"]
    jsonschema.validate({"outer": {"inner": {"x": 1}}, "more": []}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"outer": {"inner": {"x": "y"}}, "more": []}, schema)
    assert to_annotation({"inner": {"x": 1}}, Outer, "outer") == Outer(inner=Inner(x=1))
    with pytest.raises(Unfit):
        to_annotation({"inner": {}}, Outer, "outer")


@pytest.mark.parametrize(
    ("value", "annotation", "made"),
    [
        (1, float, 1.0),
        (2.0, int, 2),
        (1, float | int, 1),
        ("red", Color, Color.RED),
        ("OTHER", Color, Color.OTHER),
        ([1, 2], tuple[int, ...], (1, 2)),
        (["a", "a"], set[str], {"a"}),
        ({"x": 1, "tags": ["t"]}, Point, Point(1, 0.0, ["t"])),
        ([{"x": 1}], list[Point], [Point(1)]),
        ({"name": "a", "left": {"name": "b"}}, Tree, Tree("a", Tree("b"))),
        ("2024-02-29", datetime.date, datetime.date(2024, 2, 29)),
        ("a/b", pathlib.Path, pathlib.Path("a/b")),
        ({"anything": 1}, Any, {"anything": 1}),
    ],
)
def test_arguments_as_what_is_asked_for(value, annotation, made):
    got = to_annotation(value, annotation, "x")
    assert got == made
    assert type(got) is type(made)


@pytest.mark.parametrize(
    ("value", "annotation", "said"),
    [
        (True, int, "x must be a whole number"),
        (1.5, int, "x must be a whole number"),
        ("1", int, "x must be a whole number"),
        (1, bool, "x must be true or false"),
        ([1, "a"], list[int], "x[1] must be a whole number"),
        ({"a": {"b": 1}}, dict[str, dict[str, str]], "x.a.b must be a text"),
        ([1], tuple[int, int], "x must have 2 items"),
        ([[1]], set[list[int]], "texts or numbers only"),
        (True, Literal[1], "x must be one of 1"),
        ("green", Color, "x must be one of 'red', 2, 'OTHER'"),
        ("a", int | None, "x must be a whole number, or null"),
        ({"y": 1}, Point, "x must have `x`"),
        ({"x": 1, "z": 1}, Point, "x must not have `z`: there are x, y, tags"),
        ("2024-02-30", datetime.date, "x must be a date of ISO 8601"),
    ],
)
def test_arguments_that_do_not_fit(value, annotation, said):
    with pytest.raises(Unfit) as caught:
        to_annotation(value, annotation, "x")
    assert said in str(caught.value)


LEAVES = st.sampled_from([str, int, float, bool, None, Literal["a", "b"], Any, Place, Point])
ANNOTATIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda one: list[one]),
        inner.map(lambda one: dict[str, one]),
        inner.map(lambda one: tuple[one, ...]),
        st.tuples(inner, inner).map(lambda two: tuple[two]),
        st.tuples(inner, inner).map(lambda two: typing.Union[two]),  # noqa: UP007  of a value
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 2.0, "a", "b", "c"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["x", "y", "name", "zip"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(ANNOTATIONS, VALUES)
def test_what_fits_the_schema_fits_the_function_and_the_reverse(annotation, value):
    schema = schema_of(annotation)
    jsonschema.Draft202012Validator.check_schema(schema)
    fits = jsonschema.Draft202012Validator(schema).is_valid(value)
    try:
        to_annotation(value, annotation, "x")
    except Unfit:
        assert not fits
    else:
        assert fits


# Holding, shortening -------------------------------------------------------------------------


def test_what_is_held_is_found_until_it_is_let_go():
    word = hold("thing")
    assert held(word) == "thing"
    assert let_go(word) == "thing"
    assert let_go(word) is None
    with pytest.raises(LookupError):
        held(word)
    other = hold("other")
    forget(other)
    assert let_go(other) is None


def test_what_nobody_comes_back_for_goes():
    first = hold("first")
    words = [hold(number) for number in range(1000)]
    assert let_go(first) is None
    assert let_go(words[-1]) == 999
    assert sum(let_go(word) is not None for word in words) < 100


@given(st.text(max_size=300), st.integers(60, 200))
def test_a_text_is_shortened_in_the_middle(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
        return
    mark = "characters are left out here]\n"
    start = short.rindex("\n[", 0, short.rindex(mark))
    assert text.startswith(short[:start])
    assert text.endswith(short[short.rindex(mark) + len(mark) :])


# In kernels of another environment -----------------------------------------------------------


def test_what_is_sent_to_jupyter_kernels_defines_each_name_once():
    homes = collections.defaultdict(list)
    for module in jupyter_source._MODULES:
        for statement in ast.parse(inspect.getsource(module)).body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names = [statement.name]
            elif isinstance(statement, ast.Assign | ast.AnnAssign):
                names = [
                    node.id
                    for node in ast.walk(statement)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                ]
            else:
                names = []
            for name in set(names):
                homes[name].append(module.__name__)
    del homes["__all__"]
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}
    assert set(inspection.__all__) <= homes.keys()


def test_a_jupyter_kernel_has_it_all_without_this_package(tmp_path):
    pytest.importorskip("ipykernel")
    from llm_repl_core.kernels.jupyter import JupyterKernel

    code = """
import dataclasses, sys
# As where it is not installed.
assert "llm_repl_core" not in sys.modules
sys.modules["llm_repl_core"] = None
@dataclasses.dataclass
class Point:
    x: int
def double(point: Point) -> int:
    "Doubles."
    print("doubling")
    return 2 * point.x
async def wait(): return "waited"
def fail(): raise ValueError("no")
data = b"%PDF-"
"""

    async def check():
        kernel = JupyterKernel(KernelOptions(kernelspec="python3", cwd=str(tmp_path)))
        async with asyncio.timeout(90):
            await kernel.start()
            try:
                assert [one async for one in kernel.execute(code)] == []
                before = await kernel.names()
                [tool] = await describe_tools(["double"], kernel)
                assert tool.description == "Doubles."
                call = ToolCall(id="1", name="double", arguments='{"point": {"x": 3}}')
                result = await call_tool(call, kernel)
                assert (result.text, result.outputs[0].content) == ("6", "doubling\n")
                wait = await call_tool(ToolCall(id="2", name="wait", arguments=""), kernel)
                assert wait.text == "waited"
                fail = await call_tool(ToolCall(id="3", name="fail", arguments=""), kernel)
                assert (fail.text, fail.failed) == ("ValueError: no", True)
                assert "<llm-repl>" not in fail.outputs[-1].content
                [attachment] = await load_attachments(["data"], kernel, root=tmp_path)
                assert attachment.data == b"%PDF-"
                form = await resolve_form("Point", kernel)
                await form.deliver(kernel, "point", await form.read('{"x": 1}', kernel))
                assert set(await kernel.names()) == {*before, "point"}
            finally:
                await kernel.shutdown()

    asyncio.run(check())
