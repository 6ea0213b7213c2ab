"""Running cells and notebooks, and the state that they leave."""

from __future__ import annotations

from typing import TypeVar

from flask import Response, request
from werkzeug.http import parse_list_header

from llm_repl_core.engine.forecast import RunForecast
from llm_repl_server.api.resource import Resource, json_response, services
from llm_repl_server.api.run_schemas import ChosenRun, IncludeQuery, RunRequest
from llm_repl_server.services.answers import Success
from llm_repl_server.services.cell_choices import AllCells, CellChoice, OneCell, StaleCells
from llm_repl_server.services.run_answers import (
    AllExecuted,
    CellRunAnswer,
    RunAnswer,
    SomeExecuted,
    StateAnswer,
)

__all__ = ["execution"]

Answer = TypeVar("Answer")

execution = Resource("execution")

_NOTEBOOK = "/api/notebooks/<notebook:notebook_id>"
_CELL = f"{_NOTEBOOK}/cells/<cell_id>"


@execution.operation("POST", f"{_CELL}/execute", accepted=RunAnswer, errors=(404, 409))
def execute_cell(
    notebook_id: str, cell_id: str, body: RunRequest, query: IncludeQuery
) -> CellRunAnswer | Response:
    """Run a cell and respond when it has finished; `status` says whether it failed."""
    return _execute(notebook_id, OneCell(cell_id, query.include), body)


@execution.operation("POST", f"{_NOTEBOOK}/execute_all", accepted=RunAnswer, errors=(404, 409))
def execute_all(notebook_id: str, body: RunRequest) -> AllExecuted | Response:
    """Run all cells in order, up to the first one that fails."""
    return _execute(notebook_id, AllCells(), body)


@execution.operation("POST", f"{_NOTEBOOK}/execute_stale", accepted=RunAnswer, errors=(404, 409))
def execute_stale(notebook_id: str, body: RunRequest) -> SomeExecuted | Response:
    """Run the stale cells, and before them the cells they need.

    They need what the kernel lacks: after a restart, the cells above whose variables they use.
    Prompts among those are not asked again if the notebook has their answers. `cell_ids` lists all
    cells that ran.
    """
    return _execute(notebook_id, StaleCells(), body)


@execution.operation("POST", f"{_NOTEBOOK}/execute", accepted=RunAnswer, errors=(404, 409))
def execute_chosen(notebook_id: str, body: ChosenRun) -> SomeExecuted | Response:
    """Run chosen cells in order, up to the first one that fails.

    The choice is a list, or all from one cell to another; `with` adds what they need, or what needs
    them.
    """
    return _execute(notebook_id, body.choice(), body)


@execution.operation("POST", f"{_NOTEBOOK}/plan", errors=(404, 409))
def plan_run(notebook_id: str, body: ChosenRun) -> RunForecast:
    """Say what a run would do and cost; nothing is sent, run or changed.

    For each cell: whether it runs, is asked or has recorded answers, why and in which wave, what that costs
    at most, and how long it takes as earlier calls did; and what the run would come to in each
    mode. While something runs, prompts are filled with the variables as they were last seen.
    """
    return services().loop.call(
        services().execution.plan(notebook_id, body.choice(), body.options())
    )


@execution.operation("POST", f"{_NOTEBOOK}/interrupt", errors=(404, 409))
def interrupt(notebook_id: str) -> Success:
    """Interrupt running and waiting cells; the state is kept."""
    services().loop.call(services().execution.interrupt(notebook_id))
    return Success(success=True)


@execution.operation("POST", f"{_CELL}/interrupt", errors=(404, 409))
def interrupt_cell(notebook_id: str, cell_id: str) -> Success:
    """Interrupt a cell that is running or waits on its own; its run starts no further cells."""
    services().loop.call(services().execution.interrupt(notebook_id, cell_id))
    return Success(success=True)


@execution.operation("POST", f"{_NOTEBOOK}/restart", errors=(404, 409))
def restart(notebook_id: str) -> Success:
    """Interrupt everything and start a new kernel, which has only the memory."""
    services().loop.call(services().execution.restart(notebook_id))
    return Success(success=True)


@execution.operation("GET", f"{_NOTEBOOK}/state", errors=(404, 409))
def show_state(notebook_id: str) -> StateAnswer:
    """Return the variables."""
    return services().loop.call(services().execution.state(notebook_id))


def _execute(notebook_id: str, choice: CellChoice[Answer], body: RunRequest) -> Answer | Response:
    """Run cells; a client that does not want to wait is told where to look."""
    executing = services().execution.execute(
        notebook_id, choice, body.options(), in_background=_prefers_background()
    )
    executed = services().loop.call(executing)
    if not isinstance(executed, RunAnswer):
        if executed.wait():
            return executed.answer()
        return services().loop.call(executed.settle())
    response = json_response(executed, 202)
    response.headers["Location"] = f"/api/runs/{executed.id}"
    response.headers["Preference-Applied"] = "respond-async"
    return response


def _prefers_background() -> bool:
    """Whether the client asks, as in RFC 7240, not to be kept waiting."""
    preferences = parse_list_header(request.headers.get("Prefer", ""))
    names = (preference.partition(";")[0].partition("=")[0].strip() for preference in preferences)
    return any(name.lower() == "respond-async" for name in names)
