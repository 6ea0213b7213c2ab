"""The mock's answer to a schema fits it, by a validator that knows nothing of the mock."""

from __future__ import annotations

import asyncio
import contextlib
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import AnswerSchema, Message, Request
from llm_repl_core.providers.streaming import deltas
from llm_repl_providers.mock.fitting import fitting_value
from llm_repl_providers.mock.provider import MockProvider

WORDS = ["red", "green", "blue"]

NODE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["name", "next"],
        }
    },
}
EXPECTED = [
    ({}, "red"),
    ({"type": "object"}, {}),
    ({"type": "array"}, []),
    ({"type": "boolean"}, False),
    ({"type": "null"}, None),
    ({"type": "integer"}, 0),
    ({"type": "integer", "minimum": 3}, 3),
    ({"type": "integer", "exclusiveMinimum": 3}, 4),
    ({"type": "integer", "maximum": -3}, -3),
    ({"type": "integer", "exclusiveMaximum": -3}, -4),
    ({"type": "integer", "exclusiveMinimum": 0}, 1),
    ({"type": "integer", "minimum": 10, "multipleOf": 4}, 12),
    ({"type": "number", "minimum": 0.2, "maximum": 0.8}, 0.5),
    ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0.25),
    ({"type": "number", "minimum": 0.15, "multipleOf": 0.1}, 0.2),
    ({"enum": ["x", "y"]}, "x"),
    ({"const": {"a": 1}}, {"a": 1}),
    ({"type": ["string", "null"]}, "red"),
    ({"type": "string", "minLength": 8}, "red green"),
    ({"type": "string", "maxLength": 2}, "re"),
    ({"type": "string", "format": "date"}, "2000-01-01"),
    ({"type": "string", "pattern": "^[0-9]{4}$"}, "0000"),
    ({"type": "array", "items": {"type": "string"}, "minItems": 4}, [*WORDS, "red"]),
    (
        {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 2, "uniqueItems": True},
        ["x", "y"],
    ),
    ({"type": "array", "prefixItems": [{"type": "integer"}, {}], "minItems": 2}, [0, "red"]),
    (NODE, {"name": "red", "next": None}),
    ({"oneOf": [{"$ref": "#/nowhere"}, {"type": "integer"}]}, 0),
    ({"allOf": [{"type": "integer", "minimum": 2}, {"minimum": 5}]}, 5),
    (
        {
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {}},
            "required": ["b", "a", "d"],
        },
        {"a": "red", "b": 0, "d": "green"},
    ),
]


@pytest.mark.parametrize(("schema", "expected"), EXPECTED)
def test_the_smallest_value_is_known(schema, expected):
    assert fitting_value(schema, WORDS) == expected
    if "nowhere" not in str(schema):
        jsonschema.Draft202012Validator(schema).validate(expected)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "hologram"},
        {"enum": []},
        {"anyOf": []},
        {"$ref": "#/$defs/x"},
        {"$ref": "https://example.org/x"},
        {"$ref": "#"},
        {"type": "integer", "minimum": 1, "maximum": 0},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0},
        {"type": "number", "multipleOf": 0},
        {"type": "integer", "minimum": 1, "maximum": 2, "multipleOf": 5},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"const": 1}},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
        {"type": "string", "pattern": "^x{77}$"},
        {"type": "string", "pattern": "("},
        {"type": "array", "minItems": 200, "items": {"type": "array", "minItems": 200}},
    ],
)
def test_where_there_is_none_one_sentence_says_so(schema):
    with pytest.raises(
        RequestRejected, match=r"^The mock provider finds no answer .*\.$"
    ) as caught:
        fitting_value(schema, WORDS)
    assert "\n" not in str(caught.value)


def test_choices_without_an_end_are_given_up_soon():
    loop = {"anyOf": [{"allOf": [{"$ref": "#/$defs/a"}]}] * 4}
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"type": "object"}, loop]}}}
    with pytest.raises(RequestRejected):
        fitting_value(schema, WORDS)


_leaf = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(
        lambda low, size, step: {
            "type": "integer",
            "minimum": low,
            "maximum": low + size,
            "multipleOf": step,
        },
        st.integers(-50, 50),
        st.integers(10, 60),
        st.integers(1, 5),
    ),
    st.builds(
        lambda low, size: {"type": "number", "exclusiveMinimum": low, "maximum": low + size},
        st.decimals(-9, 9, places=2).map(float),
        st.decimals("0.01", 3, places=2).map(float),
    ),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    st.lists(st.integers() | st.text(max_size=3), min_size=1, max_size=3).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from(["date", "uuid", "email", "ipv4"]).map(
        lambda name: {"type": "string", "format": name}
    ),
)


def _object(properties, data):
    names = list(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": names[: len(names) // 2 + data % 2],
        "additionalProperties": bool(data % 3),
        "minProperties": min(len(names), data),
    }


_schemas = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds(
            _object,
            st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
            st.integers(0, 3),
        ),
        st.builds(
            lambda items, n: {"type": "array", "items": items, "minItems": n},
            inner,
            st.integers(0, 3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        inner.map(lambda part: {"allOf": [part, {}]}),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(_schemas, st.lists(st.text(min_size=1), max_size=3))
def test_what_is_made_fits(schema, words):
    value = fitting_value(schema, words)
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)
    assert fitting_value(schema, words) == value


_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "$ref",
                    "type",
                    "properties",
                    "required",
                    "items",
                    "anyOf",
                    "oneOf",
                    "allOf",
                    "enum",
                    "minimum",
                    "multipleOf",
                    "minItems",
                    "minLength",
                    "pattern",
                    "uniqueItems",
                    "additionalProperties",
                    "prefixItems",
                    "format",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["type", "properties", "$ref", "items"]), _anything))
def test_no_schema_is_more_than_rejected(schema):
    with contextlib.suppress(RequestRejected):
        json.dumps(fitting_value(schema, WORDS))


def _ask(model, schema, text="red green"):
    request = Request(
        model=model,
        messages=(Message("user", text),),
        answer_schema=AnswerSchema(name="a", schema=schema),
    )

    async def main():
        return "".join([delta.text async for delta in deltas(MockProvider(), request)])

    return asyncio.run(main())


def test_the_default_model_answers_in_the_form_and_the_others_as_they_are_told():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert json.loads(_ask("mock", schema)) == {"a": "red"}
    assert json.loads(_ask("gpt-5", schema, "Größe 🍣")) == {"a": "Größe"}
    assert _ask("echo", schema) == "red green"
    assert _ask("list:no form|at all", schema) == "no form"
