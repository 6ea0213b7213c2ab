"""JSON of the wire: whatever a file or a kernel may have given."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CodeCell, MarkdownCell, PromptCell
from llm_repl_server.services.answers import cell_tag
from llm_repl_server.services.encoding import json_bytes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def without_nan(value):
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [without_nan(one) for one in value]
    if isinstance(value, dict):
        return {name: without_nan(one) for name, one in value.items()}
    return value


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


@given(VALUES)
def test_every_value_is_json_that_says_the_same(value):
    assert json.loads(json_bytes(value), parse_constant=refuse) == without_nan(value)


@given(st.text(st.characters()), st.text(st.characters()))
def test_the_tag_changes_with_what_can_be_edited_alone(one, other):
    cell = CodeCell(content=one, id="c")
    tag = cell_tag(cell)
    assert tag == cell_tag(CodeCell(content=one, id="d", status="completed", execution_count=3))
    assert (tag == cell_tag(CodeCell(content=other))) == (one == other)
    assert tag != cell_tag(MarkdownCell(content=one))
    assert tag != cell_tag(CodeCell(content=one, metadata={"a": other}))
    prompt = cell_tag(PromptCell(content=one))
    assert prompt != cell_tag(PromptCell(content=one, temperature=0.5))
