"""What of a prompt a provider's cache may have already."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import MemoryLedger, Notebook
from llm_repl_core.engine.cache_hints import cache_hint
from llm_repl_core.engine.prompts.shared_prefix import find_shared_prefix
from llm_repl_core.ledger.identity import canonical_request
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_core.providers.base import Message, Request, Tool
from llm_repl_core.settings import ModelPrice

SYSTEM = Message("system", "Be kind. " * 200)
TOOL = Tool(name="f", description="", parameters={"type": "object"})
PRICES = Prices({"m": ModelPrice(input=1_000_000, output=1, cached_input=100_000)})


def request(*messages, model="m", **fields):
    return Request(model=model, messages=messages, **fields)


def record(id, asked, provider="p", when=None):
    return CallRecord(
        id=id,
        notebook_id="n",
        run_id="r",
        place=CallPlace(cell_id=f"cell-{id}"),
        identity="",
        provider=provider,
        model=asked.model,
        request=canonical_request(provider, asked),
        body={},
        started_at=when or datetime(2026, 1, 1, tzinfo=UTC),
    )


def find(asked, *records):
    return find_shared_prefix(records, "p", asked, canonical_request("p", asked), PRICES)


def test_whole_messages_and_the_beginning_of_the_next():
    asked = request(SYSTEM, Message("user", "What is 7 times 8?"))
    found = find(asked, record("a", request(SYSTEM, Message("user", "What is 7 less 8?"))))
    assert (found.call_id, found.cell_id, found.messages) == ("a", "cell-a", 1)
    alone = find(asked, record("b", request(SYSTEM, Message("user", "Where?"))))
    assert 0 < alone.tokens < found.tokens
    assert found.saving_usd == pytest.approx(found.tokens * 0.9)


def test_the_longest_counts_and_of_equals_the_latest():
    asked = request(SYSTEM, Message("user", "a"), Message("user", "b"))
    short = record("short", request(SYSTEM))
    long = record("long", request(SYSTEM, Message("user", "a")))
    assert find(asked, long, short).call_id == "long"
    assert find(asked, record("first", request(SYSTEM)), short).call_id == "short"


@pytest.mark.parametrize(
    "other",
    [
        record("a", request(SYSTEM, model="another")),
        record("a", request(SYSTEM), provider="another"),
        record("a", request(SYSTEM, tools=(TOOL,))),
        record("a", request(Message("user", SYSTEM.content))),
        record("a", request(Message("system", "x"), SYSTEM)),
    ],
)
def test_what_stands_before_has_to_be_the_same(other):
    assert find(request(SYSTEM, Message("user", "Hello")), other) is None


def test_the_time_of_a_call_from_a_file_is_not_known():
    asked = request(SYSTEM)
    assert find(asked, record("a", asked, when=datetime(1970, 1, 1, tzinfo=UTC))).asked_at is None
    assert find(asked, record("a", asked)).asked_at == datetime(2026, 1, 1, tzinfo=UTC)


@given(st.text(), st.text(), st.text())
def test_no_more_is_shared_than_there_is(start, one, other):
    asked = request(Message("user", start + one))
    found = find(asked, record("a", request(Message("user", start + other))))
    if start:
        assert found is not None
    if found is not None:
        assert found.messages == (one == other)
        whole = find(asked, record("a", asked))
        assert found.tokens <= whole.tokens


def test_a_preview_says_it(open_session):
    notebook = Notebook()
    first = notebook.add_prompt("What is 7 times 8?", system="Be kind. " * 50)
    second = notebook.add_prompt("What is 7 less 8?", system="Be kind. " * 50)
    session = open_session(notebook, ledger=MemoryLedger())
    assert session.preview(second.id).shared_prefix is None
    session.run([first.id])
    shared = session.preview(second.id).shared_prefix
    assert (shared.cell_id, shared.messages, shared.saving_usd) == (first.id, 1, 0.0)


def test_the_hint_marks_what_comes_before_the_prompt():
    notebook, other = Notebook(), Notebook()
    ask = Message("user", "Hello")
    hint = cache_hint(notebook, request(SYSTEM, ask))
    assert hint.prefixes == (1,)
    assert hint.key == cache_hint(notebook, request(ask)).key != cache_hint(other, request(ask)).key
    assert len(hint.key) <= 64
    assert cache_hint(notebook, request(ask)).prefixes == ()
    assert cache_hint(notebook, request(SYSTEM, ask, tools=(TOOL,))).prefixes == (1, 2)
    turn = (Message("assistant", ""), Message("tool", "3", tool_call_id="c"))
    assert cache_hint(notebook, request(SYSTEM, ask, *turn)).prefixes == (1, 4)
    assert cache_hint(notebook, request()).prefixes == ()
