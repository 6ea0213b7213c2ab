"""The recorded call that is nearest to one that misses, for many that miss."""

from __future__ import annotations

import pytest

from llm_repl_core.ledger import nearest
from llm_repl_core.ledger.nearest import RecordedCalls

ITEMS = 1_000


@pytest.fixture
def compared(monkeypatch):
    """The ids of the records that were compared with a call, one entry a comparison."""
    ids = []
    look = RecordedCalls._words_of

    def counted(self, record):
        ids.append(record.id)
        return look(self, record)

    monkeypatch.setattr(RecordedCalls, "_words_of", counted)
    return ids


@pytest.fixture
def read(monkeypatch):
    """How many requests were taken apart into words."""
    requests = []
    words = nearest._words

    def counted(canonical):
        requests.append(canonical)
        return words(canonical)

    monkeypatch.setattr(nearest, "_words", counted)
    return requests


def test_a_changed_word_in_each_of_a_thousand_items_costs_one_look_an_item(
    make_record, compared, read
):
    recorded = RecordedCalls([make_record(str(n), f"Item {n}, old", item=n) for n in range(ITEMS)])
    for n in range(ITEMS):
        asked = make_record("x", f"Item {n}, new", item=n)
        assert recorded.nearest(asked.request, asked.place).id == str(n)
    assert len(compared) == ITEMS
    assert len(read) == 2 * ITEMS


def test_a_thousand_items_of_a_new_cell_take_no_record_apart_twice(make_record, compared, read):
    recorded = RecordedCalls([make_record(str(n), f"Item {n}, old", item=n) for n in range(ITEMS)])
    found = []
    for n in range(ITEMS):
        asked = make_record("x", f"Item {n}, new", cell="another", item=n)
        found.append(recorded.nearest(asked.request, asked.place).id)
    assert found[:10] == [str(n) for n in range(10)]
    assert len(read) <= 2 * ITEMS
    assert len(compared) <= 100 * ITEMS


def test_of_equals_the_latest_is_nearest(make_record):
    records = [make_record(str(n), "The same.") for n in range(5)]
    asked = make_record("x", "Another.")
    assert RecordedCalls(records).nearest(asked.request, asked.place).id == "4"


def test_none_are_recorded():
    assert not RecordedCalls([])
    assert not RecordedCalls([]).has("an identity")
