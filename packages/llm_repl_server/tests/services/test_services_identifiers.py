"""Ids from files: kept where an address can hold them, else made anew in the same way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CodeCell, Notebook
from llm_repl_server.services.identifiers import (
    RESERVED_IDS,
    copy_notebook,
    with_addressable_ids,
)

IDS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["a1b2c3d4", "load", "import", ".", "..", "a/b", "x" * 201, "ü", "%2e", "a b"]
)


def notebook_of(notebook_id, cell_ids):
    return Notebook("N", id=notebook_id, cells=[CodeCell(id=one, content=one) for one in cell_ids])


@given(IDS.filter(bool), st.lists(IDS.filter(bool), max_size=5, unique=True))
def test_ids_can_stand_in_an_address_and_are_the_same_every_time(notebook_id, cell_ids):
    first, second = (with_addressable_ids(notebook_of(notebook_id, cell_ids)) for _ in range(2))
    assert first.id == second.id
    assert first.id not in RESERVED_IDS
    assert [cell.id for cell in first] == [cell.id for cell in second]
    assert [cell.content for cell in first] == cell_ids
    for one in (first.id, *(cell.id for cell in first)):
        assert one.isascii()
        assert one.isprintable()
        assert not set(one) & set("/?#%\\ ")
        assert one not in (".", "..")
    assert all(first[cell.id] is cell for cell in first)
    assert with_addressable_ids(first) is first


def test_ids_that_are_fine_are_kept():
    notebook = notebook_of("a1b2c3d4", ["c-1", "c_2", "load"])
    assert with_addressable_ids(notebook) is notebook


def test_a_copy_shares_nothing_changeable():
    notebook = notebook_of("n", ["c"])
    notebook.metadata["list"] = [1]
    notebook["c"].metadata["list"] = [1]
    copy = copy_notebook(notebook)
    assert copy == notebook
    notebook["c"].metadata["list"].append(2)
    notebook["c"].change(content="new")
    notebook.metadata["more"] = 1
    assert copy["c"].metadata == {"list": [1]}
    assert copy["c"].content == "c"
    assert "more" not in copy.metadata
