"""In which order events are shown, whatever order they come in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import (
    CellCompleted,
    CellFailed,
    CellOutput,
    CellStarted,
    CellText,
    Event,
    Output,
    RunFailed,
    RunStarted,
)
from llm_repl_server.cli.cell_order import AsItComes, CellOrder, DocumentOrder

pytestmark = pytest.mark.one_python


def event(kind: type[Event], cell_id: str = "", **fields: object) -> Event:
    cell = {"cell_id": cell_id} if cell_id else {}
    return kind(notebook_id="n", run_id="r", sequence=1, **cell, **fields)


def started(cell_id: str) -> Event:
    return event(CellStarted, cell_id)


def output(cell_id: str, text: str = "") -> Event:
    return event(CellOutput, cell_id, output=Output.stdout(text), index=0)


def piece(cell_id: str, text: str = "t", item: int | None = None) -> Event:
    return event(CellText, cell_id, text=text, item=item)


def completed(cell_id: str) -> Event:
    return event(CellCompleted, cell_id, outputs=(), execution_count=1, duration_s=0.0)


def shown(order: CellOrder, *events: Event) -> list[Event]:
    return [one for given_one in events for one in order.take(given_one)]


def run_of(*cell_ids: str) -> Event:
    return event(RunStarted, cell_ids=cell_ids, whole_notebook=True)


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[str], list[Event]]:
    """A run's cells, and their events as they may come."""
    cells = [f"c{number}" for number in range(draw(st.integers(1, 6)))]
    runs = draw(st.sets(st.sampled_from(cells)))  # the others are never started
    waiting = {
        cell: [
            started(cell),
            *(output(cell, f"{cell}.{n}") for n in range(draw(st.integers(0, 3)))),
            completed(cell),
        ]
        for cell in cells
        if cell in runs
    }
    events: list[Event] = [run_of(*cells)]
    while waiting:
        cell = draw(st.sampled_from(sorted(waiting)))
        events.append(waiting[cell].pop(0))
        if not waiting[cell]:
            del waiting[cell]
    return cells, events


@settings(max_examples=100)
@given(interleavings())
def test_the_document_orders_cells_and_nothing_is_lost(
    case: tuple[list[str], list[Event]],
) -> None:
    cells, events = case
    order = DocumentOrder()
    given_out = [*shown(order, *events), *order.rest()]
    places = [cells.index(one.cell_id) for one in given_out[1:]]
    assert places == sorted(places)
    for cell in cells:
        of_cell = [one for one in events if getattr(one, "cell_id", "") == cell]
        assert [one for one in given_out if getattr(one, "cell_id", "") == cell] == of_cell


def test_the_first_cell_that_runs_is_shown_as_it_comes() -> None:
    order = DocumentOrder()
    assert len(shown(order, run_of("a", "b"), started("b"), output("b"))) == 1
    assert shown(order, started("a"), output("a")) == [started("a"), output("a")]
    assert shown(order, completed("a")) == [completed("a"), started("b"), output("b")]
    assert shown(order, output("b")) == [output("b")]


def test_what_a_cell_of_an_earlier_run_shows_is_not_held_back() -> None:
    order = DocumentOrder()
    shown(order, run_of("b"), started("b"))
    assert shown(order, output("a"), completed("b")) == [output("a"), completed("b")]


def test_what_is_held_back_comes_before_the_end_of_the_run() -> None:
    order = DocumentOrder()
    ending = RunFailed(
        notebook_id="n",
        run_id="r",
        sequence=1,
        error="e",
        cell_id=None,
        interrupted=False,
        not_run=("a",),
    )
    shown(order, run_of("a", "b"), started("b"))
    assert shown(order, ending) == [started("b"), ending]
    assert list(order.rest()) == []


def test_an_answer_grows_while_its_cell_is_alone_and_others_wait_for_its_end() -> None:
    order = AsItComes()
    assert shown(order, started("a"), piece("a", "1")) == [started("a"), piece("a", "1")]
    assert shown(order, started("b"), output("b"), completed("b")) == []
    assert shown(order, piece("a", "2")) == [piece("a", "2")]
    assert shown(order, completed("a")) == [
        completed("a"),
        started("b"),
        output("b"),
        completed("b"),
    ]


def test_an_answer_of_which_a_piece_was_left_out_does_not_grow() -> None:
    order = AsItComes()
    assert piece("a") not in shown(order, started("a"), started("b"), piece("a"), completed("b"))
    assert shown(order, piece("a")) == []


def test_answers_over_items_do_not_grow() -> None:
    assert shown(AsItComes(), started("a"), piece("a", item=0)) == [started("a")]


def test_what_is_held_for_a_growing_answer_is_not_lost_where_the_run_breaks_off() -> None:
    order = AsItComes()
    shown(order, started("a"), piece("a"), started("b"))
    assert list(order.rest()) == [started("b")]


@pytest.mark.parametrize("ending", [CellCompleted, CellFailed])
def test_either_ending_lets_the_next_cell_be_shown(ending: type[Event]) -> None:
    more = {"error": "e", "interrupted": False} if ending is CellFailed else {}
    end = event(ending, "a", outputs=(), execution_count=1, duration_s=0.0, **more)
    order = DocumentOrder()
    shown(order, run_of("a", "b"), started("a"), started("b"))
    assert shown(order, end) == [end, started("b")]
