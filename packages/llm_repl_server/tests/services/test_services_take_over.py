"""A notebook becomes another one by edits of its cells, and the clients can follow."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_repl_core import CodeCell, MarkdownCell, Notebook
from llm_repl_server.services.cell_editor import CellEditor
from llm_repl_server.services.take_over import differing_cells, take_over

CELLS = st.lists(
    st.tuples(st.sampled_from("ABCDEFG"), st.sampled_from(["1", "2"]), st.booleans()),
    unique_by=lambda cell: cell[0],
    max_size=7,
)


def make(cells: list[tuple[str, str, bool]]) -> Notebook:
    return Notebook(
        "N",
        cells=[
            (CodeCell if is_code else MarkdownCell)(id=cell_id, content=content)
            for cell_id, content, is_code in cells
        ],
    )


def shown(notebook: Notebook) -> list[tuple[str, str, str]]:
    return [(cell.id, cell.type, cell.content) for cell in notebook]


@pytest.fixture
def change(api):
    """Make a new notebook, and of it another; gives the notebook and what was told."""

    def change(first, second):
        async def act():
            header = await api.services.notebooks.create("N")
            opened = await api.services.open_notebooks.get(header.id)
            for cell in make(first):
                opened.notebook.insert(cell)
            editor = CellEditor(api.services.application, opened)
            wanted = make(second)
            take_over(editor, wanted, differing_cells(opened.notebook, wanted))
            return shown(opened.notebook), list(editor._events)

        return api.services.loop.call(act(), 30)

    return change


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CELLS, CELLS)
def test_whatever_it_was_it_is_the_other_and_so_it_is_for_who_follows(change, first, second):
    after, events = change(first, second)
    assert after == shown(make(second))
    order = [cell_id for cell_id, _, _ in first]
    for event in events:
        if event.wire_name == "cell_deleted":
            order.remove(event.cell_id)
        elif event.wire_name == "cell_created":
            order.insert(event.position, event.cell_id)
        elif event.wire_name == "cell_moved":
            order.remove(event.cell_id)
            order.insert(event.position, event.cell_id)
    assert order == [cell_id for cell_id, _, _ in after]


def test_no_more_cells_are_moved_than_have_to_be(change):
    cells = [(cell_id, "1", True) for cell_id in "ABCDEFG"]
    _, events = change(cells, [*cells[1:], cells[0]])
    assert [(event.wire_name, event.cell_id) for event in events] == [("cell_moved", "A")]
