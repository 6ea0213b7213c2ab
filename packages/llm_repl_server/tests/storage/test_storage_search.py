"""Calls are found by words, with an index and without."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from llm_repl_core.ledger.record import CallRecord
from llm_repl_server.storage import sqlite, sqlite_search
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.call_filter import CallFilter
from llm_repl_server.storage.store import Store

MakeCall = Callable[..., CallRecord]
any_text = st.text(st.characters(codec=None) | st.sampled_from("\x00\x1a\ud83d\"'*()^:-{}% _/"))


def found(store: Store, search: str, **wanted: Any) -> list[str]:
    return [call.id for call in store.calls.list_calls(CallFilter(search=search, **wanted))]


def add(store: Store, call: CallRecord, text: str = "") -> str:
    store.calls.begin_call(call).result(10)
    store.calls.end_call(replace(call, state="completed", text=text)).result(10)
    return call.id


def index(path: Path) -> list[tuple[int, str, str]]:
    """Every word in the index: the call's number, where in the call, and the word."""
    words = "CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, call_search, instance)"
    with closing(sqlite3.connect(path)) as connection:
        # Fails where the index does not hold what the calls hold.
        connection.execute("INSERT INTO call_search (call_search) VALUES ('integrity-check')")
        connection.execute(words)
        return connection.execute("SELECT doc, col, term FROM temp.words ORDER BY rowid").fetchall()


@pytest.fixture
def path(database_url: str) -> Path:
    return Path(database_url.removeprefix("sqlite:///"))


@pytest.fixture(params=["index", "no index"])
def any_store(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "no index":
        monkeypatch.setattr(sqlite, "prepare_search", lambda engine: False)
    with Store(database_url) as store:
        yield store


def test_all_words_must_be_there(any_store: Store, make_call: MakeCall) -> None:
    first = add(any_store, make_call("Sum up the quarterly report."), "Sales rose.")
    second = add(any_store, make_call("Translate the report."), "Der Bericht.")
    assert found(any_store, "report") == [second, first]
    assert found(any_store, "REPORT sales") == [first]
    assert found(any_store, "quart") == [first]
    assert found(any_store, "report nowhere") == []
    assert found(any_store, "  ") == [second, first]
    assert found(any_store, "report", limit=1) == [second]
    assert found(any_store, "report", before=second) == [first]
    assert found(any_store, "report", model="other") == []


def test_only_messages_and_answers_are_searched(store: Store, make_call: MakeCall) -> None:
    call = make_call("hello", model="gpt", error=None)
    add(store, replace(call, request={**call.request, "options": {"stop": "purple"}}))
    for word in ("purple", "gpt", "user", "role", "messages"):
        assert found(store, word) == []


def test_accents_do_not_matter(store: Store, make_call: MakeCall) -> None:
    call = add(store, make_call("Une crème brûlée"), "GRÖSSE")
    assert found(store, "creme brulee") == [call]
    assert found(store, "grosse") == [call]


def test_words_with_quotes_are_found(any_store: Store, make_call: MakeCall) -> None:
    call = add(any_store, make_call('print("a\\b") 100% done_with it\'s'))
    assert found(any_store, 'print("a\\b") 100%') == [call]
    assert found(any_store, "done_with it's") == [call]


@pytest.mark.parametrize(
    "query",
    ['"', "a AND", "NOT", "OR OR", "a*", "^a", "NEAR(a b", "answer: a", "{a b} : c", "-a", "a + b"],
)
def test_what_means_something_to_the_index_means_nothing_here(
    any_store: Store, make_call: MakeCall, query: str
) -> None:
    call = add(any_store, make_call(query), "x")
    assert found(any_store, query) in ([call], [])
    assert found(any_store, "x OR nowhere") == []


@given(content=any_text, text=any_text, search=any_text)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_and_no_search_fails(
    any_store: Store, make_call: MakeCall, content: str, text: str, search: str
) -> None:
    add(any_store, make_call(content), text)
    found(any_store, search)


def test_a_request_of_any_form_can_be_recorded(store: Store, make_call: MakeCall) -> None:
    requests: list[Any] = [
        {},
        {"messages": "text"},
        {"messages": ["text", None, [1]]},
        {"messages": [{"content": ["deep"]}]},
        {"messages": [{"content": float("nan")}]},
        {"content": "\ud800"},
    ]
    for request in requests:
        add(store, replace(make_call(), request=request), "word")
    assert len(found(store, "word")) == len(requests)


def test_running_calls_are_found_when_they_have_ended(store: Store, make_call: MakeCall) -> None:
    call = make_call("hello")
    store.calls.begin_call(call).result(10)
    assert found(store, "hello") == []
    store.calls.end_call(replace(call, state="failed", text="half")).result(10)
    assert found(store, "hello half") == [call.id]
    # An answer from the record is written once, when all is known.
    recalled = replace(make_call("hello"), state="completed", source="reuse")
    store.calls.begin_call(recalled).result(10)
    assert found(store, "hello") == [recalled.id, call.id]


def test_the_index_follows_what_changes(store: Store, make_call: MakeCall, path: Path) -> None:
    call = make_call("before")
    add(store, call, "one")
    store.calls.end_call(replace(call, state="completed", text="two")).result(10)
    assert index(path) == [(1, "messages", "before"), (1, "text", "two")]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM calls")
    assert index(path) == []


def test_what_was_recorded_without_an_index_is_put_in_when_there_is_one(
    database_url: str, make_call: MakeCall, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_search, "_TABLE", "CREATE VIRTUAL TABLE call_search USING nothing(a)")
        with Store(database_url) as store:
            first = add(store, make_call("first word"))
            assert found(store, "first") == [first]
    with Store(database_url) as store:
        assert found(store, "first") == [first]
        assert len({number for number, _, _ in index(path)}) == 1


def test_an_index_that_this_build_cannot_use_stops_no_call(
    database_url: str, make_call: MakeCall, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(database_url) as store:
        first = add(store, make_call("first word"))
    with monkeypatch.context() as patch:
        works = sqlite_search._works
        patch.setattr(
            sqlite_search,
            "_works",
            lambda connection, statement: (
                "call_search" not in statement and works(connection, statement)
            ),
        )
        with Store(database_url) as store:
            second = add(store, make_call("second word"))
            assert found(store, "word") == [second, first]
    with Store(database_url) as store:
        assert found(store, "wor") == [second, first]
        words = {(1, "first"), (1, "word"), (2, "second"), (2, "word")}
        assert {(number, word) for number, _, word in index(path)} == words


def test_other_databases_look_for_every_word() -> None:
    backend = Backend(sa.make_url("sqlite://"))
    condition = str(backend.search_condition(["one", "two"]))
    assert condition.count("LIKE") == 4
    assert condition.count(" AND ") == 1
