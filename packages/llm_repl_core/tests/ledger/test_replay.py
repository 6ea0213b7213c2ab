"""Which recorded call answers which prompt of a run."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import ReplayMiss
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_core.ledger.replay import Replay, answered_from

MakeRecord = Callable[..., CallRecord]


class CountingLedger(MemoryLedger):
    """Counts how often it is read, and answers late."""

    reads = 0

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        self.reads += 1
        await asyncio.sleep(0)
        return await super().answers(notebook_id, identity)

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        self.reads += 1
        await asyncio.sleep(0)
        return await super().answered(notebook_id)


async def ledger_of(records: Iterable[CallRecord]) -> CountingLedger:
    ledger = CountingLedger()
    for record in records:
        await ledger.begin(record)
    return ledger


def replayed(
    records: Iterable[CallRecord],
    asked: Sequence[CallRecord],
    *,
    cell_ids: Iterable[str] = (),
    order: Sequence[int] | None = None,
) -> list[str | None]:
    """Ask for calls, all at once, in an order; the ids of the records that answer them."""

    async def scenario() -> list[str | None]:
        replay = Replay(await ledger_of(records), "nb", cell_ids=cell_ids)
        found: list[str | None] = [None] * len(asked)

        async def ask(number: int) -> None:
            record = await replay.find(asked[number].identity, asked[number].place)
            found[number] = None if record is None else record.id

        await asyncio.gather(*(ask(number) for number in order or range(len(asked))))
        return found

    return asyncio.run(scenario())


def test_a_call_is_answered_by_its_own_cell_item_and_step(make_record: MakeRecord) -> None:
    records = [
        make_record(f"{cell}{item}{step}", cell=cell, item=item, step=step, position=position)
        for position, cell in enumerate("abc")
        for item in (None, 0, 1)
        for step in (0, 1)
    ]
    ids = [record.id for record in records]
    for seed in range(20):
        order = random.Random(seed).sample(range(len(records)), len(records))
        assert replayed(records, records, order=order) == ids


def test_nothing_answers_what_was_not_asked(make_record: MakeRecord) -> None:
    records = [make_record("1")]
    assert replayed(records, [make_record("x", "Another prompt.")]) == [None]
    assert replayed(records, [make_record("x", temperature=0.5)]) == [None]
    assert replayed([], [make_record("x")]) == [None]


def test_a_record_answers_once_a_run_and_again_in_the_next(make_record: MakeRecord) -> None:
    records = [make_record("1")]
    asked = [make_record("x"), make_record("y", step=1)]
    assert replayed(records, asked) == ["1", None]
    assert replayed(records, asked) == ["1", None]


def test_of_a_cell_that_was_run_several_times_the_latest_answer_counts(
    make_record: MakeRecord,
) -> None:
    records = [make_record(str(number), run=f"run-{number}") for number in range(3)]
    assert replayed(records, [make_record("x")]) == ["2"]
    # An older one is no second sample of another cell's prompt either.
    assert replayed(records, [make_record("x"), make_record("y", cell="b")]) == ["2", None]


def test_two_samples_of_one_prompt_stay_two_in_a_copied_notebook(make_record: MakeRecord) -> None:
    records = [make_record(cell, cell=cell, position=2 * n) for n, cell in enumerate("abcd")]
    asked = [make_record("x", cell=cell, position=5 + n) for n, cell in enumerate("ABCD")]
    for order in itertools.permutations(range(4)):
        assert replayed(records, asked, cell_ids="ABCD", order=order) == ["a", "b", "c", "d"]


def test_items_of_a_copied_cell_keep_their_answers_whoever_asks_first(
    make_record: MakeRecord,
) -> None:
    records = [
        make_record(f"{cell}{item}", cell=cell, item=item, position=position)
        for position, cell in enumerate("ab")
        for item in range(4)
    ]
    asked = [
        make_record("x", cell=cell, item=item, position=position)
        for position, cell in enumerate("AB", start=3)
        for item in range(4)
    ]
    ids = [record.id for record in records]
    for seed in range(20):
        order = random.Random(seed).sample(range(8), 8)
        assert replayed(records, asked, cell_ids="AB", order=order) == ids


def test_a_cell_that_still_exists_keeps_what_is_its_own(make_record: MakeRecord) -> None:
    records = [make_record("1", cell="a"), make_record("2", cell="gone", position=1)]
    new = make_record("x", cell="new", position=5)
    assert replayed(records, [new], cell_ids=["a", "new"]) == ["2"]
    assert replayed(records[:1], [new], cell_ids=["a", "new"]) == [None]
    # Where it is not known which cells there are, those that ask are.
    own = make_record("y", cell="a")
    assert replayed(records, [own, new]) == ["1", "2"]


def test_an_item_that_moved_in_its_list_finds_its_answer(make_record: MakeRecord) -> None:
    records = [make_record(word, word, item=item) for item, word in enumerate(["x", "y", "z"])]
    asked = [make_record("?", word, item=item) for item, word in enumerate(["new", "z", "x", "y"])]
    assert replayed(records, asked, cell_ids="a") == [None, "z", "x", "y"]


def test_what_the_run_itself_records_answers_nothing_in_it(make_record: MakeRecord) -> None:
    async def scenario() -> None:
        ledger = await ledger_of([])
        replay = Replay(ledger, "nb", cell_ids=["a", "b"])
        first = make_record("1")
        assert await replay.find(first.identity, first.place) is None
        await ledger.begin(first)
        assert await replay.find(first.identity, CallPlace(cell_id="b", position=1)) is None
        assert await Replay(ledger, "nb").find(first.identity, first.place) == first

    asyncio.run(scenario())


def test_records_are_read_once_an_identity(make_record: MakeRecord) -> None:
    async def scenario() -> None:
        records = [make_record(str(item), item=item) for item in range(50)]
        ledger = await ledger_of(records)
        replay = Replay(ledger, "nb")
        found = await asyncio.gather(*(replay.find(one.identity, one.place) for one in records))
        assert found == records
        assert ledger.reads == 1

    asyncio.run(scenario())


places = st.tuples(
    st.sampled_from("abAB"), st.none() | st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_record_answers_twice_and_its_own_place_comes_first(
    data: st.DataObject, make_record: MakeRecord
) -> None:
    def made(prefix: str, drawn: Iterable[tuple[str, int | None, int, int]]) -> list[CallRecord]:
        return [
            make_record(
                f"{prefix}{number}",
                f"prompt {prompt}",
                cell=cell,
                item=item,
                step=step,
                position="aAbB".index(cell),
            )
            for number, (cell, item, step, prompt) in enumerate(drawn)
        ]

    records = made("r", data.draw(st.lists(places, max_size=8)))
    asked = made("q", data.draw(st.lists(places, max_size=8, unique_by=lambda one: one[:3])))
    order = data.draw(st.permutations(range(len(asked))))
    cell_ids = data.draw(st.sampled_from(["", "ab", "AB", "abAB"]))
    found = replayed(records, asked, cell_ids=cell_ids, order=order)
    taken = [one for one in found if one is not None]
    assert len(taken) == len(set(taken))
    by_id = {record.id: record for record in records}
    for question, answer in zip(asked, found, strict=True):
        same = [
            record.id
            for record in records
            if record.identity == question.identity and record.place == question.place
        ]
        if same and cell_ids == "abAB":  # nobody else may take it, so it is there
            assert answer == same[-1] or same[-1] in taken
        if answer is not None:
            assert by_id[answer].identity == question.identity
            foreign = by_id[answer].place.cell_id != question.place.cell_id
            assert not (foreign and by_id[answer].place.cell_id in cell_ids)


def test_the_record_of_a_recalled_call(make_record: MakeRecord) -> None:
    original = make_record("1", answered_by="m-1-exactly", finish_reason="stop")
    time, place = datetime(2025, 5, 5, tzinfo=UTC), CallPlace(cell_id="b", position=4)
    record = answered_from(
        original, id="2", run_id="run-2", place=place, mode="replay", started_at=time
    )
    assert (record.id, record.run_id, record.place, record.started_at) == (
        *("2", "run-2", place, time),
    )
    assert (record.source, record.original_id, record.state) == ("replay", "1", "completed")
    assert (record.price_usd, record.duration_s, record.attempts, record.body) == (0.0, 0.0, (), {})
    for name in ("text", "usage", "identity", "request", "answered_by", "finish_reason"):
        assert getattr(record, name) == getattr(original, name)
    again = answered_from(
        record, id="3", run_id="run-3", place=place, mode="reuse", started_at=time
    )
    assert (again.original_id, again.source) == ("1", "reuse")


def missed(records: Iterable[CallRecord], asked: CallRecord) -> str:
    async def scenario() -> str:
        replay = Replay(await ledger_of(records), "nb")
        assert await replay.find(asked.identity, asked.place) is None
        error = await replay.miss(asked.request, asked.place)
        assert isinstance(error, ReplayMiss)
        assert (error.code, error.http_status, error.exit_code) == ("not_recorded", 409, 1)
        return str(error)

    return asyncio.run(scenario())


def test_a_miss_shows_how_the_same_cells_call_differs(make_record: MakeRecord) -> None:
    records = [
        make_record("other", "Say hello to Eve.\nBe kind.", cell="b", position=1),
        make_record("1", "Say hello to Ada.\nBe brief.", cell="a"),
    ]
    asked = make_record("x", "Say hello to Eve.\nBe brief.", cell="a", temperature=0.5)
    assert missed(records, asked) == (
        "Cell 1 cannot be replayed: its request has no recorded answer. The nearest "
        "recorded call, of the same cell, differs (- recorded, + asked now):\n"
        "  messages[0].content, line 1:\n"
        "    - Say hello to Ada.\n"
        "    + Say hello to Eve.\n"
        "  temperature: not sent → 0.5\n"
        'Run it with `mode="reuse"` to ask for the missing answers.'
    )


def test_a_miss_of_a_new_cell_shows_the_most_similar_call(make_record: MakeRecord) -> None:
    records = [
        make_record("1", "Name a river of Spain.", cell="a"),
        make_record("2", "List five painters of the baroque.", cell="b"),
        make_record("3", "What is the weather like?", cell="c"),
    ]
    asked = make_record("x", "List six painters of the baroque.", cell="d", item=3, position=7)
    message = missed(records, asked)
    assert "Cell 8, item 4 cannot be replayed" in message
    assert "of another cell" in message
    assert "- List five painters" in message


def test_a_miss_prefers_the_same_item_of_the_cell(make_record: MakeRecord) -> None:
    records = [make_record(str(n), f"Number {n} is it.", item=n) for n in range(5)]
    assert "- Number 2 is it." in missed(records, make_record("x", "Number two is it.", item=2))


def test_a_miss_says_so_where_nothing_is_recorded(make_record: MakeRecord) -> None:
    assert missed([], make_record("x")) == (
        "Cell 1 cannot be replayed: nothing is recorded for this notebook yet. "
        'Run it with `mode="reuse"` to ask for the missing answers.'
    )


def test_a_miss_says_so_where_the_answers_have_been_given_away(make_record: MakeRecord) -> None:
    async def scenario() -> str:
        record = make_record("1")
        replay = Replay(await ledger_of([record]), "nb")
        assert await replay.find(record.identity, record.place) == record
        place = CallPlace(cell_id="b", position=1, step=1)
        assert await replay.find(record.identity, place) is None
        return str(await replay.miss(record.request, place))

    message = asyncio.run(scenario())
    assert "Cell 2, step 1" in message
    assert "was used by another call of the run" in message


@pytest.mark.parametrize(("count", "lines"), [(3_000, 100), (3, 100_000)])
def test_a_miss_is_bounded(make_record: MakeRecord, count: int, lines: int) -> None:
    records = [make_record(str(n), f"{n} " + "a b\n" * lines, item=n) for n in range(count)]
    message = missed(records, make_record("x", "b a\n" * lines))
    assert len(message) < 5_000
