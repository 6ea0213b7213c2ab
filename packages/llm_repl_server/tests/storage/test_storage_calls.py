"""Calls come back as they were recorded, and are found by what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from llm_repl_core.errors import InvalidInput, StorageError
from llm_repl_core.ledger.record import Attempt, CallError, CallPlace, CallRecord
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import ToolCall, Usage
from llm_repl_core.providers.parts import (
    Media,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCallPlace,
)
from llm_repl_server.storage import call_store
from llm_repl_server.storage.call_filter import CallFilter
from llm_repl_server.storage.call_rows import call_from_row, call_to_row
from llm_repl_server.storage.changes import CreateNotebook, DeleteNotebook
from llm_repl_server.storage.schema import media
from llm_repl_server.storage.store import Store

MakeCall = Callable[..., CallRecord]
any_text = st.text(st.characters(codec=None) | st.sampled_from("\x00\x1a\ud83d\ude00"))
EAST = timezone(timedelta(hours=5, minutes=30))


def ended(call: CallRecord, text: str = "Hello.", **fields: Any) -> CallRecord:
    return replace(
        call,
        **{
            "state": "completed",
            "text": text,
            "duration_s": 1.5,
            "usage": Usage(input_tokens=10, output_tokens=5, raw={"prompt_tokens": 10}),
            "price_usd": 0.25,
            **fields,
        },
    )


def record(store: Store, *calls: CallRecord) -> None:
    for call in calls:
        store.calls.begin_call(call)
    store.submit().result(10)


def ids(calls: list[CallRecord]) -> list[str]:
    return [call.id for call in calls]


def full_call() -> CallRecord:
    return CallRecord(
        id="any id\x00",
        notebook_id="any \ud800",
        run_id="r\x1a",
        place=CallPlace(cell_id="c\x00", item=3, step=1, position=7),
        identity="ab" * 32,
        provider="openai",
        model="gpt",
        request={"messages": [{"role": "user", "content": "null \ud83d\x00"}], "temperature": 0.5},
        body={"n": None, "big": 2**70, "inf": float("inf")},
        source="reuse",
        original_id="before",
        state="failed",
        started_at=datetime(2026, 1, 2, 3, 4, 5, 678, EAST),
        duration_s=1.25,
        first_token_s=0.125,
        attempts=(
            Attempt(started_at=datetime(2026, 1, 2, tzinfo=EAST), duration_s=0.5, error="slow"),
            Attempt(started_at=datetime(2026, 1, 2, 1, tzinfo=UTC), duration_s=0.75),
        ),
        text="half an \udfff",
        reasoning="Hm \ud83d\x00",
        tool_calls=(
            ToolCall(id="t", name="f", arguments='{"broken'),
            ToolCall(id="u", name="g", arguments="{}", provider_data={"extra": {"s": "x"}}),
        ),
        provider_data={"reasoning_content": "Hm", "n": [1, None]},
        answered_by="gpt-2026",
        finish_reason="length",
        provider_finish_reason="MAX_TOKENS",
        parts=(
            Reasoning(text="Hm \ud83d\x00", provider_data={"signature": "s"}),
            Text(text="half an \udfff"),
            Media(media_type="image/png", data=b"\x89PNG", name="a.png"),
            ToolCallPlace(id="u"),
        ),
        logprobs=(TokenLogprob(token="The", logprob=-0.5, top=(("The", -0.5), ("A", -1.0))),),
        usage=Usage(input_tokens=2**70, output_tokens=None, raw={"x": [1, None]}),
        price_usd=0.001,
        error=CallError(type="AnswerBroken", message="It broke \ud800 off."),
    )


def test_every_field_of_a_call_comes_back(store: Store, make_call: MakeCall) -> None:
    calls = [full_call(), make_call()]
    record(store, *calls)
    for call in calls:
        assert store.calls.load_call(call.id) == call
    found = store.calls.load_call(full_call().id)
    assert found is not None
    assert found.started_at.utcoffset() == timedelta(hours=5, minutes=30)
    assert set(CallRecord.__struct_fields__) - {"place", "provider_data"} <= set(
        call_to_row(full_call())
    )


@given(text=any_text, content=any_text, name=any_text)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back(
    store: Store, make_call: MakeCall, text: str, content: str, name: str
) -> None:
    call = make_call(content, run_id=name, body={name: content})
    assert call_from_row(call_to_row(call)) == call
    store.calls.begin_call(call).result(10)
    call = ended(
        call,
        text,
        finish_reason="other",
        provider_finish_reason=name,
        parts=(Text(text=text, provider_data={name: content}), Refusal(text=name)),
        error=CallError(type=name, message=text),
    )
    store.calls.end_call(call).result(10)
    assert store.calls.load_call(call.id) == call


def test_what_was_made_is_kept_once(store: Store, make_call: MakeCall) -> None:
    picture = Media(media_type="image/png", data=b"\x89PNG\x00", name="a.png")
    sound = Media(media_type="audio/wav", data=b"RIFF")
    calls = [
        ended(make_call(), parts=(picture, sound)),
        ended(make_call(), parts=(replace(picture, name="again.png"),)),
        ended(make_call(), parts=(Text(text="plain", provider_data={"sha256": "x"}),)),
    ]
    record(store, *calls)
    assert [store.calls.load_call(call.id) for call in calls] == calls
    assert {call.id: call for call in store.calls.list_calls()} == {call.id: call for call in calls}
    with store.connection.reading() as connection:
        kept = connection.execute(sa.select(media.c.data)).scalars().all()
    assert sorted(kept) == sorted([picture.data, sound.data])


def test_a_call_that_is_not_on_record(store: Store, make_call: MakeCall) -> None:
    assert store.calls.load_call("nowhere") is None
    with pytest.raises(StorageError, match=r"^There is no call 'call-1' on record .*\.$"):
        store.calls.end_call(make_call()).result(10)


def test_a_call_is_put_on_record_once(store: Store, make_call: MakeCall) -> None:
    call = make_call()
    store.calls.begin_call(call).result(10)
    with pytest.raises(StorageError, match="'call-1' on record already"):
        store.calls.begin_call(ended(call)).result(10)
    assert store.calls.load_call(call.id) == call


def test_a_wrong_call_fails_alone(store: Store, make_call: MakeCall) -> None:
    calls = [make_call() for _ in range(50)]
    record(store, calls[0])
    futures = [store.calls.begin_call(call) for call in calls]
    with pytest.raises(StorageError, match="already"):
        futures[0].result(10)
    for future in futures[1:]:
        future.result(10)
    futures = [store.calls.end_call(ended(call)) for call in [*calls, make_call()]]
    with pytest.raises(StorageError, match="no call"):
        futures[-1].result(10)
    for future in futures[:-1]:
        future.result(10)
    assert {call.state for call in store.calls.list_calls()} == {"completed"}


def test_what_is_paid_stays_on_record_when_its_notebook_is_deleted(
    store: Store, make_call: MakeCall
) -> None:
    store.submit(CreateNotebook(Notebook(id="n"))).result(10)
    record(store, ended(make_call()))
    store.submit(DeleteNotebook("n")).result(10)
    assert store.calls.spending("n").calls == 1


def test_the_list_is_filtered(store: Store, make_call: MakeCall) -> None:
    a = make_call(notebook_id="other", run_id="r2", model="m2")
    b = ended(make_call(provider="p2", place=CallPlace(cell_id="c2")))
    c = ended(make_call(), source="replay", original_id=b.id)
    d = ended(make_call(), state="failed")
    record(store, a, b, c, d)

    def listed(**wanted: Any) -> list[str]:
        return ids(store.calls.list_calls(CallFilter(**wanted)))

    assert listed() == [d.id, c.id, b.id, a.id]
    assert ids(store.calls.list_calls()) == listed()
    assert listed(notebook_id="other") == [a.id]
    assert listed(run_id="r2") == [a.id]
    assert listed(model="m2") == [a.id]
    assert listed(cell_id="c2") == [b.id]
    assert listed(provider="p2") == [b.id]
    assert listed(source="replay") == [c.id]
    assert listed(state="failed") == [d.id]
    assert listed(state="completed", source="live") == [b.id]
    assert listed(state="running") == [a.id]
    assert listed(state="interrupted") == []
    assert listed(since=b.started_at) == [d.id, c.id, b.id]
    assert listed(until=b.started_at) == [a.id]
    assert listed(since=b.started_at.astimezone(EAST), until=d.started_at) == [c.id, b.id]
    assert listed(limit=2) == [d.id, c.id]
    assert listed(notebook_id="nowhere") == []


def test_pages_stay_where_they_are_when_calls_are_added(store: Store, make_call: MakeCall) -> None:
    instant = datetime(2026, 5, 5, tzinfo=UTC)
    calls = [make_call(started_at=instant) for _ in range(7)]  # all at the same instant
    record(store, *calls)
    seen: list[str] = []
    before = None
    while page := store.calls.list_calls(CallFilter(limit=3, before=before)):
        seen += ids(page)
        before = page[-1].id
        record(store, make_call(started_at=instant))
    assert seen == ids(calls)[::-1]


def test_a_clock_that_is_set_back_moves_no_call_in_the_list(
    store: Store, make_call: MakeCall
) -> None:
    noon = datetime(2026, 5, 5, 12, tzinfo=UTC)
    calls = [make_call(started_at=noon - timedelta(hours=back)) for back in (0, 1, 3, 2)]
    record(store, *calls)
    assert ids(store.calls.list_calls()) == ids(calls)[::-1]
    assert ids(store.calls.list_calls(CallFilter(before=calls[2].id))) == [calls[1].id, calls[0].id]
    assert ids(store.calls.list_calls(CallFilter(since=noon - timedelta(hours=2)))) == [
        calls[3].id, calls[1].id, calls[0].id
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"limit": 0}, "1 or more"),
        ({"before": "nowhere"}, "no recorded call 'nowhere'"),
        ({"search": "word " * 51}, "50 words at most"),
        ({"since": datetime.min.replace(tzinfo=EAST)}, "out of range"),
    ],
)
def test_a_list_that_cannot_be_given(store: Store, wanted: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        store.calls.list_calls(CallFilter(**wanted))


def test_answers_are_live_completed_and_in_order(store: Store, make_call: MakeCall) -> None:
    first = ended(make_call(started_at=datetime(2027, 1, 1, tzinfo=UTC)))  # a clock that is fast
    calls = [ended(make_call()) for _ in range(3)]
    other = ended(make_call(identity="1" * 64))
    record(
        store,
        first,
        *calls,
        other,
        make_call(),
        ended(make_call(), state="failed"),
        ended(make_call(), state="interrupted"),
        ended(make_call(), source="reuse"),
        ended(make_call(notebook_id="other")),
    )
    assert store.calls.answers("n", "0" * 64) == [first, *calls]
    assert store.calls.answers("n", "2" * 64) == []
    assert store.calls.answered("n") == [first, *calls, other]
    assert store.calls.answered("n", 2) == [*calls, other][-2:]
    assert store.calls.answered("nowhere") == []


def test_spending_is_what_live_calls_cost(store: Store, make_call: MakeCall) -> None:
    assert store.calls.spending("n") == (0, 0, 0.0, 0, 0, 0.0)
    record(
        store,
        ended(make_call()),
        ended(make_call(), price_usd=None, usage=None),
        ended(make_call(), source="replay"),
        ended(make_call(), notebook_id="other"),
        make_call(),
    )
    spent = store.calls.spending("n")
    assert spent == (3, 15, 0.25, 2, 0, 0.0)
    assert (spent.calls, spent.tokens, spent.price_usd, spent.unpriced) == spent[:4]
    record(store, ended(make_call(), state="superseded"))
    assert store.calls.spending("n") == (4, 30, 0.5, 2, 1, 0.25)


def test_calls_without_a_price_by_model(store: Store, make_call: MakeCall) -> None:
    assert store.calls.unpriced("n") == []
    free = {"price_usd": None}
    record(
        store,
        ended(make_call()),
        ended(make_call(model="a"), **free),
        ended(make_call(model="a"), usage=None, **free),
        ended(make_call(model="b"), state="superseded", **free),
        # It has not ended, did not reach the model, was not sent, is somebody else's.
        make_call(model="a"),
        ended(make_call(model="c"), state="failed", usage=None, **free),
        ended(make_call(model="a"), source="replay", **free),
        ended(make_call(model="a"), notebook_id="other", **free),
    )
    unpriced = [
        (one.model, one.calls, one.input_tokens + one.output_tokens)
        for one in store.calls.unpriced("n")
    ]
    assert unpriced == [("a", 2, 15), ("b", 1, 15)]


def test_a_provider_that_counts_nonsense_loses_no_answer(store: Store, make_call: MakeCall) -> None:
    usage = Usage(input_tokens=2**80, output_tokens=-5)
    calls = [ended(make_call(), usage=usage) for _ in range(3)]
    record(store, *calls)
    assert store.calls.load_call(calls[0].id) == calls[0]
    assert store.calls.spending("n").tokens == 3 * 10**12


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (call_store._answers, "ix_calls_notebook_id_identity_number"),
        (call_store._answered, "ix_calls_notebook_id_number"),
        (call_store._running_owners, "ix_calls_state_number"),
    ],
)
def test_queries_find_their_rows_by_an_index(
    store: Store, query: sa.Select[Any], index: str
) -> None:
    with store.connection.reading() as connection:
        names = {"notebook_id": "n", "identity": "i"}
        sql = query.params(names).compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert f"INDEX {index} " in plan[0]
    assert not any("ORDER BY" in step for step in plan)


def test_calls_are_found_by_how_their_ids_begin(store: Store, make_call: MakeCall) -> None:
    for call_id in ("ab-1", "ab-2", "b%-3", "b\0-4"):
        store.calls.begin_call(make_call(id=call_id)).result(10)
    assert sorted(store.calls.call_ids("ab")) == ["ab-1", "ab-2"]
    assert store.calls.call_ids("ab-1") == ["ab-1"]
    assert store.calls.call_ids("b%") == ["b%-3"]
    assert store.calls.call_ids("b\0") == ["b\0-4"]
    assert store.calls.call_ids("c") == []
    assert len(store.calls.call_ids("", limit=3)) == 3
