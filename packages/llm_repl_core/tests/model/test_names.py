"""What is a name, and which one: the same for cells, the graph and the engine."""

from __future__ import annotations

import pytest

from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.names import named_variable


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Person", "Person"),
        (" Person\n", "Person"),
        ("µ", "μ"),  # the sign on keyboards, and the Greek letter
        ("\tµ ", "μ"),
        ("", None),
        ("  ", None),
        ("class", None),
        ("name, age int", None),
        ("a.b", None),
        ('{"type": "object"}', None),
        ({"type": "object"}, None),
        (None, None),
    ],
)
def test_a_text_names_a_variable_or_none(text, name):
    assert named_variable(text) == name


@pytest.mark.parametrize(
    ("schema", "expected"),
    [(None, False), ("", False), (" \n", False), ("a int", True), ("Person ", True), ({}, True)],
)
def test_a_blank_schema_asks_for_no_form(schema, expected):
    assert PromptCell(content="", schema=schema).has_schema is expected
