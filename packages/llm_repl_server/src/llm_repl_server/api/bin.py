"""``/api/bin`` and ``/api/notebooks/<id>/bin``: what was deleted."""

from __future__ import annotations

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.api.schemas import CellPlace
from llm_repl_server.services.answers import CellAnswer, NotebookHeader, Success
from llm_repl_server.services.bin import BinnedCells, BinnedNotebooks

__all__ = ["deleted"]

deleted = Resource("bin")

_NOTEBOOK = "/api/bin/<notebook:deleted_id>"
_CELLS = "/api/notebooks/<notebook:notebook_id>/bin"
_CELL = f"{_CELLS}/<deleted_id>"


@deleted.operation("GET", "/api/bin")
def list_deleted_notebooks() -> BinnedNotebooks:
    """List the deleted notebooks, the one that was deleted last first."""
    return services().loop.call(services().bin.list_notebooks())


@deleted.operation("POST", f"{_NOTEBOOK}/restore", errors=(404,))
def restore_notebook(deleted_id: str) -> NotebookHeader:
    """Bring a deleted notebook back, with its outputs, its memory and its runs.

    A notebook that is not deleted stays as it is.
    """
    return services().loop.call(services().bin.restore_notebook(deleted_id))


@deleted.operation("DELETE", _NOTEBOOK, errors=(404,))
def forget_notebook(deleted_id: str) -> Success:
    """Delete a notebook for good that is in the bin; one that is not there is gone already."""
    services().loop.call(services().bin.forget_notebook(deleted_id))
    return Success(success=True)


@deleted.operation("GET", _CELLS, errors=(404,))
def list_deleted_cells(notebook_id: str) -> BinnedCells:
    """List the deleted cells of a notebook, those that were deleted last first."""
    return services().loop.call(services().bin.list_cells(notebook_id))


@deleted.operation("POST", f"{_CELL}/restore", errors=(404,))
def restore_cell(notebook_id: str, deleted_id: str, body: CellPlace) -> CellAnswer:
    """Bring a deleted cell back, with its id and its outputs, where it was.

    A cell that is not deleted stays as it is.
    """
    position = None if body.position is None else int(body.position)
    return services().loop.call(services().cells.restore(notebook_id, deleted_id, position))


@deleted.operation("DELETE", _CELL, errors=(404,))
def forget_cell(notebook_id: str, deleted_id: str) -> Success:
    """Delete a cell for good that is in the bin; one that is not there is gone already."""
    services().loop.call(services().bin.forget_cell(notebook_id, deleted_id))
    return Success(success=True)
