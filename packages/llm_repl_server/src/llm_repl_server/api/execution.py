"""Running cells and notebooks, and the state that they leave."""

from __future__ import annotations

from typing import Any

from llm_repl_server.api.resource import Resource, house
from llm_repl_server.api.schemas import AllExecuted, Executed, StateAnswer, Success

__all__ = ["execution"]

execution = Resource("execution")

_NOTEBOOK = "/api/notebooks/<notebook:notebook_id>"


@execution.operation(
    "POST", f"{_NOTEBOOK}/cells/<cell_id>/execute", answer=Executed, errors=(404, 409)
)
def execute_cell(notebook_id: str, cell_id: str) -> dict[str, Any]:
    """Run a cell and answer when it has run; a cell that failed says so in `status`."""
    return house().loop.call(house().execution.execute(notebook_id, cell_id))


@execution.operation("POST", f"{_NOTEBOOK}/execute_all", answer=AllExecuted, errors=(404, 409))
def execute_all(notebook_id: str) -> dict[str, Any]:
    """Run all cells in order, up to the first that fails."""
    return house().loop.call(house().execution.execute_all(notebook_id))


@execution.operation("POST", f"{_NOTEBOOK}/interrupt", answer=Success, errors=(404, 409))
def interrupt(notebook_id: str) -> dict[str, Any]:
    """Stop what runs and what waits; the state stays."""
    house().loop.call(house().execution.interrupt(notebook_id))
    return {"success": True}


@execution.operation("POST", f"{_NOTEBOOK}/restart", answer=Success, errors=(404, 409))
def restart(notebook_id: str) -> dict[str, Any]:
    """Stop what runs and begin again with an empty kernel, which has the memory only."""
    house().loop.call(house().execution.restart(notebook_id))
    return {"success": True}


@execution.operation("GET", f"{_NOTEBOOK}/state", answer=StateAnswer, errors=(404, 409))
def show_state(notebook_id: str) -> dict[str, Any]:
    """Show the variables."""
    return house().loop.call(house().execution.state(notebook_id))
