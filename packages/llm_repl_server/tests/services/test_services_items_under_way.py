"""Who comes while a prompt over items is asked sees how far it is, and goes on without a gap."""

from __future__ import annotations

from llm_repl_core import CellStarted, ItemsProgress, ItemsStarted
from llm_repl_core.execution.events import EXCERPTS
from llm_repl_server.services.items_under_way import ItemsUnderWay

ANSWERS = 'list:{"n": 1}|none|none|none|none'


def test_of_many_items_the_first_are_kept_and_all_are_counted():
    items = ItemsUnderWay()
    items.note(ItemsProgress(cell_id="a", ended=1, failed=0, total=2, item=0))
    assert items.list() == [], "nothing was heard of its start"
    items.note(ItemsStarted(cell_id="a", total=EXCERPTS + 2, excerpts=("x",)))
    for item in (EXCERPTS + 1, 7):
        items.note(ItemsProgress(cell_id="a", ended=1, failed=1, total=EXCERPTS + 2, item=item))
    (told,) = items.list()
    assert (told.total, told.ended, told.failed) == (EXCERPTS + 2, 1, 1)
    assert [ended.item for ended in told.items] == [7]
    items.note(CellStarted(cell_id="a"))
    assert items.list() == []


def test_a_notebook_that_is_read_in_the_middle_says_how_each_item_ended(api, until, in_thread):
    path = api.new_notebook()
    slow = f"{ANSWERS}+delay=0.15"
    fields = {"for_each": "['x', 'y', 'z']", "schema": "n int", "model": slow}
    cell = api.new_cell(path, "prompt", "Count {item}", **fields)
    running = in_thread(api.post, f"{cell}/execute", {"concurrency": 1})

    def middle():
        answer = api.get(path).json
        return answer if any(one["ended"] for one in answer["items_under_way"]) else None

    answer = until(middle, "an item has ended")
    (items,) = answer["items_under_way"]
    assert (items["total"], items["excerpts"]) == (3, ["x", "y", "z"])
    assert items["items"][0] == {
        "item": 0, "ename": None, "error": None, "price_usd": items["items"][0]["price_usd"],
        "is_asked": True,
    }  # fmt: skip
    running.result()
    told = [event.payload for event in api.events("cell_item_ended")]
    later = [one for one in told if one["sequence"] > answer["sequence"]]
    assert len(items["items"]) + len(later) == 3
    assert [one["ename"] for one in told] == [None, "AnswerMisfit", "AnswerMisfit"]
    assert told[-1]["failed"] == 2
    (started,) = api.events("cell_items_started")
    assert started.payload["total"] == 3
    assert api.get(path).json["items_under_way"] == []
    assert {event.payload["mode"] for event in api.events("run_started")} == {"live"}
