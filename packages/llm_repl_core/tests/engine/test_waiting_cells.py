"""What a session has still to run: in which place, and what each cell waits for."""

from __future__ import annotations

from msgspec import Struct

from llm_repl_core.dataflow.graph import Edge
from llm_repl_core.engine.waiting import WAITING_LIMIT, WaitingCell, waiting_cells
from llm_repl_core.execution.events import CellNeed


class Outlook(Struct):
    id: str
    to_come: list[str]
    under_way: list[str] = []


EDGES = [
    Edge(source="load", target="table", variable="orders"),
    Edge(source="load", target="chart", variable="orders"),
    Edge(source="table", target="chart", variable="total"),
    Edge(source="table", target="chart", variable="total"),
    Edge(source="done", target="chart", variable="colours"),
]


def test_cells_wait_for_those_of_their_run_that_have_not_ended():
    assert waiting_cells([Outlook("1", ["table", "chart"], ["load"])], EDGES) == [
        WaitingCell(
            cell_id="table", run_id="1", place=1, needs=(CellNeed(cell_id="load", variable="orders"),)
        ),
        WaitingCell(
            cell_id="chart",
            run_id="1",
            place=2,
            needs=(
                CellNeed(cell_id="load", variable="orders"),
                CellNeed(cell_id="table", variable="total"),
            ),
        ),
    ]  # fmt: skip


def test_places_go_on_over_runs_and_needs_stay_within_one():
    waiting = waiting_cells(
        [Outlook("1", ["load"]), Outlook("2", []), Outlook("3", ["table"])], EDGES
    )
    assert [(cell.cell_id, cell.run_id, cell.place, cell.needs) for cell in waiting] == [
        ("load", "1", 1, ()),
        ("table", "3", 2, ()),
    ]
    assert waiting_cells([], EDGES) == []


def test_no_more_are_told_of_than_anybody_reads():
    runs = [
        Outlook("1", [str(number) for number in range(WAITING_LIMIT - 1)]),
        Outlook("2", ["a", "b"]),
    ]
    waiting = waiting_cells(runs, [])
    assert len(waiting) == WAITING_LIMIT
    assert (waiting[-1].cell_id, waiting[-1].place) == ("a", WAITING_LIMIT)
