"""What makes two calls the same."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidInput
from llm_repl_core.ledger.identity import attachment_reference, canonical_request, identity_of
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import (
    AnswerSchema,
    Attachment,
    Message,
    Request,
    Tool,
    ToolCall,
)

PICTURE = Attachment(media_type="image/png", data=b"\x89PNG", name="plot.png")
TOOL = Tool(name="add", description="Adds.", parameters={"type": "object", "properties": {}})
FULL = Request(
    model="m",
    messages=(
        Message("system", "Be brief."),
        Message("user", "What is 1 + 2?", attachments=(PICTURE,)),
        Message("assistant", "", tool_calls=(ToolCall(id="c", name="add", arguments="{}"),)),
        Message("tool", "3", tool_call_id="c"),
    ),
    temperature=0.5,
    options={"max_tokens": 7, "stop": ["a", None, True]},
    tools=(TOOL,),
    answer_schema=AnswerSchema(name="sum", schema={"type": "object"}),
)

# A changed golden value makes every recording that exists unfindable: do not adapt it lightly.
GOLDEN_FULL = "d8c59a61bc833de14f5c69ddb8b30c2a2a94e999b8ea1d412a446126f735c6d2"
GOLDEN_SMALL = "dbe81573dd5bddaa8931c05f0940f1bf7d1a1f621c433f17e4392205d52f7aec"

texts = st.text(st.characters(exclude_categories=()), max_size=20)  # half surrogate pairs too
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
attachments = st.builds(Attachment, media_type=texts, data=st.binary(max_size=8), name=texts)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    texts,
    attachments=st.lists(attachments, max_size=2).map(tuple),
    tool_call_id=st.none() | texts,
)
requests = st.builds(
    Request,
    model=texts,
    messages=st.lists(messages, min_size=1, max_size=3).map(tuple),
    temperature=st.none() | st.floats(0, 2),
    options=st.dictionaries(texts, json_values, max_size=3),
)


def identity(request: Request, provider: str = "p") -> str:
    return identity_of(canonical_request(provider, request))


def test_the_hash_never_changes() -> None:
    small = Request(model="gpt-4o", messages=(Message("user", "Grüße \ud83d!"),))
    assert identity(FULL) == GOLDEN_FULL
    assert identity(small, "openai") == GOLDEN_SMALL


def test_the_hash_is_the_same_in_another_process() -> None:
    code = (
        "from llm_repl_core.ledger.identity import *\n"
        "from llm_repl_core.providers.base import *\n"
        "request = Request(model='gpt-4o', messages=(Message('user', 'Grüße \\ud83d!'),))\n"
        "print(identity_of(canonical_request('openai', request)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == GOLDEN_SMALL


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"messages": FULL.messages[:-1]},
        {"messages": tuple(reversed(FULL.messages))},
        {"messages": (Message("user", "Be brief."), *FULL.messages[1:])},
        {"messages": (*FULL.messages[:-1], Message("tool", "3", tool_call_id="d"))},
        {"temperature": None},
        {"temperature": 0.0},
        {"options": {}},
        {"options": {"max_tokens": 7, "stop": ["a", None, 1]}},
        {"options": {"max_tokens": 7, "stop": [None, "a", True]}},
        {"tools": ()},
        {"tools": (msgspec.structs.replace(TOOL, description="Adds!"),)},
        {"answer_schema": None},
        {"answer_schema": AnswerSchema(name="sum", schema={})},
    ],
)
def test_any_changed_field_gives_another_hash(change: dict[str, Any]) -> None:
    assert identity(msgspec.structs.replace(FULL, **change)) != identity(FULL)


@pytest.mark.parametrize(
    "change", [{"data": b"\x89PNF"}, {"media_type": "image/gif"}, {"name": "other.png"}]
)
def test_attachments_count_by_what_is_sent_of_them(change: dict[str, Any]) -> None:
    other = msgspec.structs.replace(PICTURE, **change)
    before, after = (
        Request(model="m", messages=(Message("user", "", attachments=(one,)),))
        for one in (PICTURE, other)
    )
    assert identity(before) != identity(after)


def test_an_attachment_is_named_by_its_hash_and_not_repeated() -> None:
    document = canonical_request("p", FULL)
    assert attachment_reference(PICTURE)["size_bytes"] == 4
    assert document["messages"][1]["attachments"] == [attachment_reference(PICTURE)]  # type: ignore[index, call-overload]  # JSON
    assert "PNG" not in str(document)


@settings(max_examples=150, deadline=None)
@given(requests, requests, texts)
def test_requests_have_one_hash_exactly_if_they_are_sent_alike(
    one: Request, other: Request, provider: str
) -> None:
    copy = msgspec.structs.replace(one, options=dict(reversed(one.options.items())))
    assert identity(one, provider) == identity(copy, provider)
    assert identity(one, provider) != identity(one, provider + "x")
    same = canonical_request("p", one) == canonical_request("p", other)
    assert same or identity(one) != identity(other)


def test_whole_numbers_count_by_their_value() -> None:
    def with_seed(seed: Any) -> str:
        return identity(Request(model="m", messages=(), options={"seed": seed}))

    assert with_seed(1) == with_seed(1.0)
    assert with_seed(1) != with_seed(True)
    assert with_seed(2**53) != with_seed(2**53 + 1)
    assert len({with_seed(0.1), with_seed(0.2), with_seed("0.1"), with_seed(None)}) == 4


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "`options.x` is `nan`, which JSON cannot hold"),
        ([1, -math.inf], "`options.x[1]` is `-inf`"),
        ({"at": datetime(2025, 1, 1, tzinfo=UTC)}, "`options.x.at` is a datetime"),
        ({1: 2}, "`options.x` has the key '1'"),
        (b"", "`options.x` is a bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_name(value: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        canonical_request("p", Request(model="m", messages=(), options={"x": value}))
    assert said in str(caught.value)


def test_a_parameter_that_is_nested_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInput, match="too deeply nested"):
        canonical_request("p", Request(model="m", messages=(), options={"x": endless}))


def test_the_canonical_form_shares_nothing_with_the_request() -> None:
    stop: list[JSONValue] = ["a"]
    request = Request(model="m", messages=(), options={"stop": stop})
    document = canonical_request("p", request)
    stop.append("b")
    request.options["more"] = 1
    assert document["options"] == {"stop": ["a"]}


def test_a_default_that_is_not_sent_does_not_count() -> None:
    document = canonical_request("p", Request(model="m", messages=(Message("user", "x"),)))
    assert document == {
        "provider": "p",
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
    }
