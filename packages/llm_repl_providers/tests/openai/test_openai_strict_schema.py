from __future__ import annotations

import copy

import jsonschema
import pytest

from llm_repl_providers.openai.strict_schema import strict_schema

TEXT = {"type": "string"}


def _object(properties, **more):
    return {"type": "object", "properties": properties, "required": list(properties), **more}


STRICT = {
    "closed": _object({"a": TEXT}, additionalProperties=False),
    "open, all required": _object({"a": TEXT}),
    "nested": _object({"a": _object({"b": {"type": "array", "items": _object({"c": TEXT})}})}),
    "nullable": _object({"a": {"anyOf": [TEXT, {"type": "null"}]}}),
    "types": _object({"a": {"type": ["string", "null"]}}),
    "enum": _object({"a": {"enum": ["x", "y"]}}),
    "reference": {**_object({"a": {"$ref": "#/$defs/A"}}), "$defs": {"A": _object({"b": TEXT})}},
    "bounds": _object({"a": {"type": "integer", "minimum": 0, "multipleOf": 2}}),
    "format": _object({"a": {"type": "string", "format": "date"}}),
    "empty and closed": _object({}, additionalProperties=False),
}
LOOSE = {
    "not an object": TEXT,
    "a choice at the root": {"anyOf": [_object({"a": TEXT})]},
    "something optional": {"type": "object", "properties": {"a": TEXT}, "required": []},
    "a property that is not described": {**_object({"a": TEXT}), "required": ["a", "b"]},
    "any object": {"type": "object"},
    "any object inside": _object({"a": {"type": "object"}}),
    "a dictionary": _object({"a": {"type": "object", "additionalProperties": TEXT}}),
    "open on purpose": _object({"a": TEXT}, additionalProperties=True),
    "anything": _object({"a": {}}),
    "a boolean": _object({"a": True}),
    "unknown keyword": _object({"a": {"type": "string", "minLength": 3}}),
    "default": _object({"a": {"type": "string", "default": "x"}}),
    "unknown format": _object({"a": {"type": "string", "format": "uri"}}),
    "words beside a reference": _object({"a": {"$ref": "#", "description": "x"}}),
    "broken properties": {"type": "object", "properties": [], "required": []},
    "broken required": {"type": "object", "properties": {"a": TEXT}, "required": {"a": 1}},
    "broken choices": _object({"a": {"anyOf": {}}}),
    "broken items": _object({"a": {"type": "array", "items": [TEXT]}}),
    "broken definitions": {**_object({"a": TEXT}), "$defs": 3},
    "unhashable required": {**_object({"a": TEXT}), "required": [["a"]]},
}


@pytest.mark.parametrize("schema", STRICT.values(), ids=STRICT)
def test_what_the_mode_knows_is_strict_and_narrower_than_it_was(schema):
    before = copy.deepcopy(schema)
    strict = strict_schema(schema)
    assert schema == before
    assert strict is not None
    jsonschema.Draft202012Validator.check_schema(strict)
    assert strict["additionalProperties"] is False
    assert strict_schema(strict) == strict
    assert {**strict, "additionalProperties": 0}.keys() == {
        **schema,
        "additionalProperties": 0,
    }.keys()


@pytest.mark.parametrize("schema", LOOSE.values(), ids=LOOSE)
def test_what_it_does_not_know_is_not(schema):
    assert strict_schema(schema) is None


def test_inner_objects_are_closed_too():
    strict = strict_schema(STRICT["nested"])
    inner = strict["properties"]["a"]
    assert inner["additionalProperties"] is False
    assert inner["properties"]["b"]["items"]["additionalProperties"] is False
    assert strict_schema(STRICT["reference"])["$defs"]["A"]["additionalProperties"] is False


def test_a_schema_without_an_end_is_not_strict():
    schema = _object({})
    schema["properties"]["a"] = schema
    schema["required"] = ["a"]
    assert strict_schema(schema) is None
