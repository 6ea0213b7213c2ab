"""What a prompt would send that is being written: what is known, what is not, and what it costs."""

from __future__ import annotations

import threading

import pytest

from llm_repl_core import Notebook, Session
from llm_repl_core.engine.prompts import draft
from llm_repl_core.errors import InvalidInput


@pytest.fixture
def notebook():
    notebook = Notebook("Drafts")
    notebook.metadata["llm_repl"] = {"model": "mock/echo", "system": "You work for {shop}."}
    notebook.add_markdown("# Notes")
    notebook.add_code("shop = 'a tea shop'\norders = [1, 2]")
    notebook.add_prompt("Hi", response_var="asked")
    notebook.add_code("later = 1")
    return notebook


def preview(session, content, **changes):
    cell = session.notebook.cells[2]
    return session.preview_draft(cell.id, content=content, **changes)


def state_of(found):
    return {field.text: (field.state, field.nearest) for field in found.fields}


def test_fields_are_known_unknown_stale_or_not_yet(notebook):
    with Session(notebook) as session:
        before = preview(session, "{orders[0]} {order} {id} {later}")
        assert before.values == "nothing"
        assert state_of(before) == {
            "{shop}": ("later", None),
            "{orders[0]}": ("later", None),
            "{order}": ("unknown", "orders"),
            "{id}": ("unknown", None),
            "{later}": ("unknown", None),
        }
        assert "cell 4, which sets it, is below" in before.fields[-1].sentence
        session.run([notebook.cells[1].id])
        now = preview(session, "{orders[0]} {order} {id} {orders[9]} {{orders}}")
        assert now.values == "now"
        assert state_of(now) == {
            "{shop}": ("known", None),
            "{orders[0]}": ("known", None),
            "{order}": ("unknown", "orders"),
            "{id}": ("unknown", None),
            "{orders[9]}": ("failed", None),
        }
        assert now.messages[0].content == "You work for a tea shop."
        assert now.messages[1].content == "1 {order} {id} {orders[9]} {orders}"
        assert [piece.field for piece in now.messages[0].pieces] == [None, "{shop}", None]
        assert [found.text for found in now.lookalikes] == ["{{orders}}"]
        assert now.is_bound is False
        notebook.change(notebook.cells[1].id, content="orders = []")
        stale = preview(session, "{orders}")
        assert state_of(stale)["{orders}"] == ("stale", None)
        assert "before cell 2 was changed" in stale.fields[-1].sentence
        assert notebook.cells[2].content == "Hi"


def test_what_is_whole_is_what_is_sent(notebook):
    with Session(notebook) as session:
        session.run([notebook.cells[1].id])
        found = preview(session, "{orders}", context="above")
        assert [message.cell_id for message in found.messages] == [
            None, notebook.cells[0].id, notebook.cells[1].id, notebook.cells[2].id,
        ]  # fmt: skip
        assert all(message.tokens > 0 for message in found.messages)
        assert (found.on_record, found.is_bound) == (0, True)
        notebook.change(notebook.cells[2].id, content="{orders}", context="above")
        session.run([notebook.cells[2].id])
        assert preview(session, "{orders}").on_record == 1
        assert preview(session, "{orders}!").on_record == 0
        # What is left out of it is said before it is sent, as when it is sent.
        assert found.notices == ()
        [notice] = preview(session, "{orders * 50_000}").notices
        assert "is not sent whole" in notice


def test_other_models_say_what_they_would_take(notebook):
    with Session(notebook) as session:
        session.run([notebook.cells[1].id])
        cell = notebook.cells[2]
        found = session.loop.call(
            session.live.preview_draft(
                cell, models=["mock/echo", "openai/gpt-4o", "openai/nobody-knows", "no/such"]
            )
        )
    prices = {offer.model: offer.price_usd for offer in found.models}
    assert prices["mock/echo"] == 0
    assert prices["openai/nobody-knows"] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"for_each": "nothing"}, "`for_each`"),
        ({"for_each": "[]"}, "`for_each` has no items"),
        ({"tools": ["missing"]}, "no function `missing`"),
        ({"attachments": ["./gone.txt"]}, "gone.txt"),
        ({"context": ["no-such-cell"]}, "no-such-cell"),
        ({"schema": "name, ]"}, "schema"),
        ({"provider": "nobody"}, "nobody"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_shown(notebook, changes, said):
    with Session(notebook) as session:
        session.run([notebook.cells[1].id])
        found = preview(session, "{orders}", **changes)
    assert said in " ".join(found.problems)
    assert found.messages[-1].content == "[1, 2]"


def test_it_never_waits_for_what_runs(notebook):
    gate, inside = threading.Event(), threading.Event()
    notebook.add_code("inside.set(); gate.wait(60)")
    with Session(notebook) as session:
        session.run([notebook.cells[1].id])
        session.kernel.live_namespace().update(gate=gate, inside=inside)
        preview(session, "{orders}")
        running = threading.Thread(target=session.run, args=([notebook.cells[4].id],))
        running.start()
        try:
            assert inside.wait(60)
            found = preview(session, "{orders} {orders[1]} {order}")
            plan = session.plan()
        finally:
            gate.set()
            running.join(60)
    assert (found.values, plan.values) == ("before", "before")
    assert state_of(found) == {
        "{shop}": ("known", None),
        "{orders}": ("known", None),
        "{orders[1]}": ("later", None),
        "{order}": ("unknown", "orders"),
    }
    assert found.messages[-1].content == "[1, 2] {orders[1]} {order}"


def test_only_a_prompt_is_previewed(notebook):
    with Session(notebook) as session, pytest.raises(InvalidInput, match="cell 1 is a markdown"):
        session.preview_draft(notebook.cells[0].id, content="x")


def test_items_are_filled_together(notebook):
    with Session(notebook) as session:
        session.run([notebook.cells[1].id])
        found = preview(session, "Item {item} of {orders}", for_each="orders")
    assert (found.calls, found.is_bound) == (2, True)
    assert state_of(found) == {
        "{shop}": ("known", None),
        "{item}": ("item", None),
        "{orders}": ("known", None),
    }
    assert found.messages[-1].content == "Item 1 of [1, 2]"


def test_what_only_the_kernel_could_say_is_said_to_come_later(notebook):
    with Session(notebook) as session:
        found = preview(
            session,
            "{item}",
            for_each="orders",
            tools=["len"],
            schema="Order",
            attachments=["picture", "./notes.md"],
        )
    assert found.values == "nothing"
    later = " ".join(found.later)
    for said in ("How many items", "Its tools", "The form of the answer", "from variables"):
        assert said in later
    assert "notes.md" in " ".join(found.problems)
    assert not found.is_bound


def test_items_that_call_something_are_counted_where_somebody_asks_for_it(notebook):
    cell = notebook.cells[2].copy()
    cell.change(content="{item}", for_each="orders.copy()")
    with Session(notebook) as session:
        session.run([notebook.cells[1].id])
        unasked = session.loop.call(session.live.preview_draft(cell))
        assert "How many items" in " ".join(unasked.later)
        asked = session.loop.call(session.live.preview_draft(cell, may_call=True))
        assert (asked.later, asked.calls) == ((), 2)


def test_what_takes_long_is_given_up_and_said(notebook, monkeypatch):
    notebook.add_code("import time\ndef slow():\n    while True: time.sleep(0.01)")
    with Session(notebook) as session:
        session.run([notebook.cells[1].id, notebook.cells[-1].id])
        with monkeypatch.context() as patch:
            patch.setattr(draft, "_LOOK_LIMIT_S", 0.3)
            found = preview(session, "{slow()} {orders}")
        assert "takes long" in " ".join(found.problems)
        assert found.messages[-1].content.startswith("{slow()}")
        # The kernel is there for what follows.
        assert preview(session, "{orders}").messages[-1].content == "[1, 2]"
