"""What was edited in a notebook's file while the notebook is open."""

from __future__ import annotations

from llm_repl_core import Cell, Notebook, Session
from llm_repl_core.merging.matching import match_cells
from llm_repl_core.model.staleness import StaleReason

__all__ = ["take_edits"]


def take_edits(session: Session, fresh: Notebook) -> None:
    """Give an open notebook the cells of its file, and note what that makes stale.

    Args:
        session: The session of the notebook.
        fresh: The notebook as its file has it now; outputs are left as they are here.
    """
    notebook, dependencies = session.notebook, session.dependencies
    known = match_cells(notebook, fresh)
    cells = [cell.copy(id=known.get(cell.id, cell.id)) for cell in fresh]
    staying = {cell.id for cell in cells}
    for gone in [cell.id for cell in notebook if cell.id not in staying]:
        dependencies.mark_changed(gone, happening="deleted")
        notebook.remove(gone)
    for place, cell in enumerate(cells):
        if cell.id not in notebook:
            cell.clear_outputs()
            notebook.insert(cell, place)
            dependencies.mark_changed(cell.id, happening="added")
        elif notebook.index(cell.id) != place:
            _move(session, cell.id, place)
    for cell in cells:
        _take_edit(session, cell)
    before = dict(notebook.own_metadata)
    notebook.name, notebook.metadata = fresh.name, fresh.metadata
    if notebook.own_metadata != before:
        dependencies.note_notebook_edit(before)


def _move(session: Session, cell_id: str, place: int) -> None:
    notebook, dependencies = session.notebook, session.dependencies
    cell = notebook[cell_id]
    needs = dependencies.upstream(cell_id)
    dependencies.mark_changed(cell_id, happening="moved")
    notebook.move(cell_id, place)
    dependencies.mark_changed(cell_id, happening="moved")
    if cell.status != "idle" and needs != dependencies.upstream(cell_id):
        cell.be_stale(StaleReason(kind="moved", cell_id=cell_id))


def _take_edit(session: Session, fresh: Cell) -> None:
    notebook = session.notebook
    here = notebook[fresh.id]
    if here.wire_type != fresh.wire_type:
        fresh.clear_outputs()
        notebook.replace(fresh)
    elif here.content != fresh.content or here.options() != fresh.options():
        notebook.change(fresh.id, content=fresh.content, **fresh.options())
    else:
        here.metadata = fresh.metadata
        return
    session.dependencies.mark_changed(fresh.id)
