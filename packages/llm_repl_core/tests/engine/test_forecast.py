"""What a run would do and cost is what it then does and costs; saying so changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import MemoryLedger, Notebook, PromptCell, Session
from llm_repl_core.errors import InvalidInput


def notebook_of(*cells, mode="reuse"):
    """Texts are code; pairs are a variable and the template of its prompt."""
    notebook = Notebook("Plan")
    notebook.metadata["llm_repl"] = {"mode": mode, "model": "mock/echo"}
    for cell in cells:
        if isinstance(cell, str):
            notebook.add_code(cell)
        else:
            notebook.add_prompt(cell[1], response_var=cell[0])
    return notebook


def prompts(plan, notebook):
    return {
        notebook[cell.cell_id].response_var: cell
        for cell in plan.cells
        if isinstance(notebook[cell.cell_id], PromptCell)
    }


def test_what_was_never_asked_comes_in_waves_and_then_is_on_record():
    notebook = notebook_of(
        "city = 'Oslo'",
        ("check", "Where is {city}?"),
        ("other", "And {city}?"),
        ("letter", "{check} {other}"),
        "size = len(letter)",
        ("last", "Size {size}"),
    )
    with Session(notebook) as session:
        before = prompts(session.plan(), notebook)
        assert {name: cell.wave for name, cell in before.items()} == {
            "check": 1, "other": 1, "letter": 2, "last": 3,
        }  # fmt: skip
        assert {cell.why for cell in before.values()} == {"never"}
        assert session.plan().values == "nothing"
        session.run()
        plan = session.plan()
        assert {cell.state for cell in prompts(plan, notebook).values()} == {"on_record"}
        assert (plan.way.asked_calls, plan.way.price_usd, plan.values) == (0, 0, "now")
        replay = next(way for way in plan.ways if way.mode == "replay")
        assert replay.missing == ()
        live = next(way for way in plan.ways if way.mode == "live")
        assert (live.asked_calls, live.waves) == (4, 3)
        assert live.expected_s is not None


def test_what_stands_below_a_prompt_with_tools_is_asked_when_that_has_ended():
    notebook = notebook_of(
        "def look():\n    return 1", ("first", "One"), ("check", "Two"), ("other", "Three"),
        ("letter", "Four"),
    )  # fmt: skip
    notebook.cells[2].tools = ["look"]
    with Session(notebook) as session:
        found = prompts(session.plan(), notebook)
        holds = [node.holds_order for node in session.live.dependencies.graph().nodes]
    assert {name: cell.wave for name, cell in found.items()} == {
        "first": 1, "check": 2, "other": 3, "letter": 3,
    }  # fmt: skip
    assert holds == [False, False, True, False, False]


def test_each_reason_is_said():
    notebook = notebook_of(
        "city = 'Oslo'",
        ("check", "Where is {city}?"),
        ("letter", "{check}, in short"),
        ("form", "Name it."),
        ("told", "Say it."),
        ("value", "{city}"),
        ("bad", "{citi}"),
    )
    notebook.cells[6].content = "Fine"
    with Session(notebook) as session:
        session.run()
        notebook.change(notebook.cells[1].id, content="Where exactly is {city}?")
        notebook.change(notebook.cells[3].id, schema="name, age int")
        notebook.change(notebook.cells[4].id, system="Be brief.")
        session.assign({"city": "Bergen"})
        notebook.change(notebook.cells[6].id, content="{citi}")
        found = prompts(session.plan([cell.id for cell in notebook.cells[1:]]), notebook)
    assert {name: (cell.state, cell.why, cell.reason) for name, cell in found.items()} == {
        "check": ("asked", "edited", "the text was edited"),
        "letter": ("asked", "needs", "needs cell 2"),
        "form": ("asked", "edited", "the form of the answer was changed"),
        "told": ("asked", "edited", "the system text was changed"),
        "value": ("asked", "changed", "a value in it was changed"),
        "bad": ("stops", "", "No variable `citi`."),
    }
    assert (found["check"].wave, found["letter"].wave) == (1, 2)


def test_items_count_one_by_one():
    notebook = notebook_of("rows = [1, 2, 3]", ("each", "Item {item}"))
    notebook.cells[1].for_each = "rows"
    with Session(notebook) as session:
        session.run()
        notebook.change(notebook.cells[0].id, content="rows = [1, 2, 3, 4]")
        session.run([notebook.cells[0].id])
        each = prompts(session.plan([notebook.cells[1].id]), notebook)["each"]
    assert (each.state, each.calls, each.asked_calls, each.why) == ("asked", 4, 1, "more")


def test_a_price_is_a_bound_where_all_that_is_sent_is_known():
    notebook = notebook_of("city = 'Oslo'", ("check", "{city}"), ("letter", "{check}"))
    notebook.metadata["llm_repl"] = {"model": "openai/gpt-4o", "mode": "live"}
    with Session(notebook) as session:
        first = session.plan()
        assert first.way.is_bound is False
        session.run([notebook.cells[0].id])
        known = prompts(session.plan([cell.id for cell in notebook.cells[1:]]), notebook)
    check, letter = known["check"], known["letter"]
    assert check.is_bound
    assert letter.is_bound
    # The answer to `check`, which may be as long as an answer may be, is sent with `letter`.
    assert letter.price_usd > check.price_usd > 0


def test_an_unknown_price_is_none_and_never_nothing():
    notebook = notebook_of(("check", "Hi"))
    notebook.metadata["llm_repl"] = {"model": "openai/nobody-knows-it"}
    with Session(notebook) as session:
        plan = session.plan()
    assert plan.way.price_usd is None
    assert plan.way.unpriced == (notebook.cells[0].id,)


def test_looking_calls_nothing_and_starts_nothing():
    notebook = notebook_of("seen = []", ("check", "Is {seen.append(1)} there? {len(seen)}"))
    with Session(notebook) as session:
        session.plan()
        assert not session.kernel.alive
        session.run([notebook.cells[0].id])
        plan = session.plan()
        assert session.state["seen"] == []
        assert prompts(plan, notebook)["check"].is_certain is False
        session.preview_draft(notebook.cells[1].id)
        assert session.state["seen"] == [1]  # a person who asks for it gets all of it


def test_stale_cells_and_chosen_ones():
    notebook = notebook_of("a = 1", ("one", "{a}"), ("two", "{one}"), "b = 2")
    ids = [cell.id for cell in notebook.cells]
    with Session(notebook) as session:
        assert session.select() is None
        assert session.select(first=ids[1], last=ids[2]) == (ids[1], ids[2])
        assert session.select([ids[2]], include="upstream") == (ids[0], ids[1], ids[2])
        assert session.select([ids[1]], include="downstream") == (ids[1], ids[2])
        with pytest.raises(InvalidInput, match="Cell 3 is below cell 1"):
            session.select(first=ids[2], last=ids[0])
        session.run()
        notebook.change(ids[0], content="a = 3")
        session.dependencies.mark_changed(ids[0])
        plan = session.plan_stale()
        assert [cell.cell_id for cell in plan.cells] == ids[:3]


@settings(max_examples=15, deadline=None)
@given(
    links=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    edited=st.integers(0, 5),
)
def test_a_run_asks_what_its_plan_says(links, edited):
    """Of a notebook that has run and was edited, the plan says exactly what reuse then asks."""
    cells = [
        (f"v{place}", f"{place}" if link >= place else f"{place} {{v{link}}}")
        for place, link in enumerate(links)
    ]
    notebook = notebook_of(*cells)
    with Session(notebook) as session:
        session.run()
        cell = notebook.cells[edited % len(cells)]
        notebook.change(cell.id, content=f"{cell.content} again")
        plan = session.plan()
        said = {cell.cell_id for cell in plan.cells if cell.state == "asked"}
        before = {record.id for record in session.live.ledger.records}
        session.run()
        asked = {
            record.place.cell_id
            for record in session.live.ledger.records
            if record.id not in before and record.source == "live"
        }
    assert asked == said


@settings(max_examples=15, deadline=None)
@given(
    links=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=6),
    again=st.lists(st.integers(0, 5), max_size=4),
)
def test_what_ran_again_with_the_same_result_is_on_record_without_a_kernel(links, again):
    """A cell that sets its variable to what it was makes stale what uses it, and changes nothing."""
    cells = []
    for place, (is_code, link) in enumerate(links):
        needs = f"{{v{link}}}" if link < place else ""
        if is_code:
            cells.append(f"v{place} = f'{place} {needs}'")
        else:
            cells.append((f"v{place}", f"{place} {needs}"))
    notebook, ledger = notebook_of(*cells), MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run()
        for place in again:
            session.run([notebook.cells[place % len(cells)].id])
    # As after a restart: what is known is in the notebook and in the record.
    with Session(notebook, ledger=ledger) as session:
        plan = session.plan()
        assert plan.values == "nothing"
        assert {cell.state for cell in prompts(plan, notebook).values()} <= {"on_record"}
        assert [way.missing for way in plan.ways if way.mode == "replay"] == [()]
        before = len(ledger.records)
        session.run()
        assert [
            record.source for record in ledger.records[before:] if record.source == "live"
        ] == []


def test_a_stale_cell_is_not_on_record_where_something_differs_or_is_not_known():
    notebook, ledger = notebook_of("n = 1", "m = n", ("one", "{m}")), MemoryLedger()
    ids = [cell.id for cell in notebook.cells]
    for code, expected in (
        ("n = 1 + 0", "on_record"),
        ("n = 2", "asked"),
        ("n = 'x' * 9000", "asked"),
    ):
        with Session(notebook, ledger=ledger) as session:
            session.run(mode="reuse")
            notebook.change(ids[0], content=code)
            session.dependencies.mark_changed(ids[0])
            session.run([ids[0]])
            if code != "n = 'x' * 9000":
                session.run([ids[1]])
        with Session(notebook, ledger=ledger) as session:
            [forecast] = prompts(session.plan(), notebook).values()
            assert (forecast.state, forecast.is_certain) == (expected, False), code
