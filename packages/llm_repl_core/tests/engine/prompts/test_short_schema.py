"""The short form of a JSON Schema."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import InvalidInput
from llm_repl_core.engine.prompts.short_schema import parse_short_schema

TEXT = {"type": "string"}


def fields(text):
    schema = parse_short_schema(text)
    assert schema["required"] == list(schema["properties"])
    return schema["properties"]


def a_list(items):
    return {"type": "array", "items": items}


def or_null(schema):
    return {"anyOf": [schema, {"type": "null"}]}


def test_the_example_of_the_documents():
    assert parse_short_schema("name, age int, tags[]") == {
        "type": "object",
        "properties": {"name": TEXT, "age": {"type": "integer"}, "tags": a_list(TEXT)},
        "required": ["name", "age", "tags"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("x str", TEXT),
        ("x int", {"type": "integer"}),
        ("x float", {"type": "number"}),
        ("x bool", {"type": "boolean"}),
        ("x date", {"type": "string", "format": "date"}),
        ("x any", {}),
        ("x[]", a_list(TEXT)),
        ("x[] float", a_list({"type": "number"})),
        ("x float[]", a_list({"type": "number"})),
        ("x?", or_null(TEXT)),
        ("x int?", or_null({"type": "integer"})),
        ("x[]?", or_null(a_list(TEXT))),
        ("x any?", {}),
        ("x (happy|very sad)", {"type": "string", "enum": ["happy", "very sad"]}),
        ("x[] (a|b)", a_list({"type": "string", "enum": ["a", "b"]})),
        ("x: a word", {"type": "string", "description": "a word"}),
        ("x int?: how many", or_null({"type": "integer"}) | {"description": "how many"}),
        ("x-y2 str", None),
        ("größe str", None),
    ],
)
def test_one_field(text, schema):
    [(name, found)] = fields(text).items()
    assert name in text
    assert schema is None or found == schema


def test_objects_within():
    inner = parse_short_schema("name, age int")
    assert fields("people[] {name, age int}, where {city: so, zip int}?") == {
        "people": a_list(inner),
        "where": or_null(
            parse_short_schema("city, zip int")
            | {
                "properties": {
                    "city": {"type": "string", "description": "so"},
                    "zip": {"type": "integer"},
                }
            }
        ),
    }


def test_lines_and_what_a_description_may_hold():
    found = fields("\n name: first, last\n age int: in years\n who {\n a: x, y\n b }\n")
    assert found["name"]["description"] == "first, last"
    assert found["age"] == {"type": "integer", "description": "in years"}
    assert found["who"]["properties"]["a"]["description"] == "x, y"
    assert list(found["who"]["properties"]) == ["a", "b"]
    assert fields("a: one, b")["a"]["description"] == "one"
    assert list(fields("a,, b\n,\nc")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name", "write `name str`"),
        ("", "line 1, column 1: there is no field"),
        ("a, b foo", "line 1, column 6: there is no type `foo`"),
        ("a\nb str c", "line 2, column 7: a comma or a new line was expected, not `c`"),
        ("a {b", "line 1, column 3: nothing closes this brace"),
        ("a (b", "line 1, column 3: nothing closes this parenthesis"),
        ("a (b|)", "a choice is empty"),
        ("a (b|b)", "twice"),
        ("a, a", "line 1, column 4: there are two fields `a`"),
        ("a }", "line 1, column 3: there is `}` too much"),
        ("a {}", "there is no field"),
        ("1a, b", "line 1, column 1: a field's name was expected, not `1a, b`"),
        ("a[", "line 1, column 2"),
        ("a {" * 30, "deeper than 20"),
    ],
)
def test_what_is_no_short_form_says_where(text, said):
    with pytest.raises(InvalidInput) as caught:
        parse_short_schema(text)
    assert said in str(caught.value)


PIECES = st.sampled_from(
    ["name", "age", "é", " ", "int", "[]", "?", ":", ",", "\n", "{", "}", "(", "|", ")", "any", "1"]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=15).map("".join) | st.text(st.characters(), max_size=30))
def test_any_text_gives_a_valid_schema_or_an_error(text):
    try:
        schema = parse_short_schema(text)
    except InvalidInput:
        return
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]
