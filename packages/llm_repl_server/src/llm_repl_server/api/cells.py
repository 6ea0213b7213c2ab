"""``/api/notebooks/<id>/cells``: the cells of a notebook."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from llm_repl_core import InvalidInput
from llm_repl_server.api.resource import (
    Resource,
    body_fields,
    idempotency_key,
    matching_versions,
    services,
)
from llm_repl_server.api.schemas import CellChange, CellStep, CellSteps, MoveCell, NewCell
from llm_repl_server.services.answers import CellAnswer, CellList, Success
from llm_repl_server.services.cell_steps import CellEdit, EditedCells
from llm_repl_server.services.decoding import to_struct

__all__ = ["cell_fields", "cells", "option_names"]

cells = Resource("cells")

_ALL = "/api/notebooks/<notebook:notebook_id>/cells"
_ONE = f"{_ALL}/<cell_id>"
_EDITS = "/api/notebooks/<notebook:notebook_id>/edit"


def option_names() -> frozenset[str]:
    """The fields that cells have beside those that every cell has, plugins' ones too."""
    return services().cells.option_names


_NOTHING_WHERE_EMPTY = frozenset({"for_each", "model", "provider", "response_var", "schema"})
"""Forms send the empty text of a field that was left empty. (An empty `system` is one of its own.)"""


_OF_STEP = frozenset({"do", "cell_id", "position", "version", "nbformat"})


@cells.operation("GET", _ALL, errors=(404,))
def list_cells(notebook_id: str) -> CellList:
    """List the cells of a notebook, in order."""
    return services().loop.call(services().cells.list(notebook_id))


@cells.operation(
    "POST",
    _ALL,
    body_required=True,
    echo=(CellAnswer,),
    more_fields=option_names,
    status=201,
    errors=(404,),
    idempotent=True,
)
def create_cell(notebook_id: str, body: NewCell) -> CellAnswer:
    """Create a cell, at the end or at index `position`.

    With `Idempotency-Key`, a UUID, the cell gets that as its id, and a request that is sent again
    makes no second one.
    """
    position = None if body.position is None else int(body.position)
    return services().loop.call(
        services().cells.create(
            notebook_id, body.type, position, cell_fields(), new_id=idempotency_key()
        )
    )


@cells.operation("GET", _ONE, errors=(404,))
def show_cell(notebook_id: str, cell_id: str) -> CellAnswer:
    """Return a cell."""
    return services().loop.call(services().cells.show(notebook_id, cell_id))


@cells.operation(
    "PUT", _ONE, echo=(CellAnswer,), more_fields=option_names, errors=(404, 412), versioned=True
)
def change_cell(notebook_id: str, cell_id: str, body: CellChange) -> CellAnswer:
    """Change a cell; changing `content` or `type` clears its outputs."""
    return services().loop.call(
        services().cells.change(
            notebook_id,
            cell_id,
            cell_fields(),
            type_word=None if body.type is UNSET else body.type,
            if_match=matching_versions(),
        )
    )


@cells.operation("DELETE", _ONE, errors=(404, 412), versioned=True)
def delete_cell(notebook_id: str, cell_id: str) -> Success:
    """Move a cell into the bin. If it is running, it runs to its end, and can still be interrupted."""
    services().loop.call(services().cells.delete(notebook_id, cell_id, matching_versions()))
    return Success(success=True)


@cells.operation("POST", f"{_ONE}/move", body_required=True, errors=(404,))
def move_cell(notebook_id: str, cell_id: str, body: MoveCell) -> CellAnswer:
    """Move a cell to index `position`."""
    return services().loop.call(services().cells.move(notebook_id, cell_id, int(body.position)))


@cells.operation("POST", f"{_ONE}/duplicate", status=201, errors=(404,))
def duplicate_cell(notebook_id: str, cell_id: str) -> CellAnswer:
    """Insert a copy of a cell after it."""
    return services().loop.call(services().cells.duplicate(notebook_id, cell_id))


@cells.operation("POST", _EDITS, body_required=True, more_fields=option_names, errors=(404, 412))
def edit_cells(notebook_id: str, body: CellSteps) -> EditedCells:
    """Make several edits as one: create, change, move, delete and restore cells, all or none.

    Sent again, it does nothing twice: a cell that is to be created is there, and one that is to be
    deleted is gone.
    """
    documents = zip(body.edits, body_fields()["edits"], strict=True)
    edits = [_edit(step, document, number) for number, (step, document) in enumerate(documents, 1)]
    return services().loop.call(services().cells.edit(notebook_id, edits))


@cells.operation("POST", f"{_ONE}/clear_outputs", errors=(404,))
def clear_cell_outputs(notebook_id: str, cell_id: str) -> Success:
    """Clear the outputs of a cell; if it is running, its outputs so far."""
    services().loop.call(services().cells.clear_outputs(notebook_id, cell_id))
    return Success(success=True)


@cells.operation("POST", "/api/notebooks/<notebook:notebook_id>/clear_outputs", errors=(404,))
def clear_all_outputs(notebook_id: str) -> Success:
    """Clear the outputs of all cells; of a running cell, its outputs so far."""
    services().loop.call(services().cells.clear_outputs(notebook_id))
    return Success(success=True)


def _edit(step: CellStep, document: dict[str, Any], number: int) -> CellEdit:
    # The body was read as a whole, which says nothing of fields that are not known inside of lists.
    to_struct(document, CellStep, what=f"edit {number}", echo=option_names())
    pasted = None
    if step.nbformat is not None:
        if step.do != "create":
            raise InvalidInput(f"Edit {number}: only a cell that is created can have `nbformat`.")
        pasted = services().cells.read_nbformat(step.nbformat, f"edit {number}")
    return CellEdit(
        do=step.do,
        cell_id=step.cell_id,
        type_word=None if step.type is UNSET else step.type,
        position=None if step.position is None else int(step.position),
        fields=_read_fields({name: document[name] for name in document if name not in _OF_STEP}),
        if_match=None if step.version is None else {step.version},
        pasted=pasted,
    )


def cell_fields() -> dict[str, Any]:
    """The fields of a cell that the request's body gives, as cells take them."""
    return _read_fields(dict(body_fields()))


def _read_fields(fields: dict[str, Any]) -> dict[str, Any]:
    limit = fields.get("tool_limit")
    if isinstance(limit, float):  # for JSON, 1.0 is as good an integer as 1; it was checked
        fields["tool_limit"] = int(limit)
    for name in _NOTHING_WHERE_EMPTY & fields.keys():
        if fields[name] == "":
            fields[name] = None
    return fields
