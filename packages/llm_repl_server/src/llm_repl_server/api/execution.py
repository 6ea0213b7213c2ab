"""Running cells and notebooks, and the state that they leave."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.http import parse_list_header

from llm_repl_server.api.resource import Resource, json_response, services
from llm_repl_server.api.run_schemas import (
    CellRun,
    IncludeQuery,
    RunAnswer,
    RunRequest,
    SomeExecuted,
)
from llm_repl_server.api.schemas import AllExecuted, StateAnswer, Success
from llm_repl_server.services.execution import Background

__all__ = ["execution"]

execution = Resource("execution")

_NOTEBOOK = "/api/notebooks/<notebook:notebook_id>"
_CELL = f"{_NOTEBOOK}/cells/<cell_id>"


@execution.operation(
    "POST",
    f"{_CELL}/execute",
    body=RunRequest,
    query=IncludeQuery,
    answer=CellRun,
    accepted=RunAnswer,
    errors=(404, 409),
)
def execute_cell(
    notebook_id: str, cell_id: str, body: RunRequest, query: IncludeQuery
) -> dict[str, Any] | Response:
    """Run a cell and answer when it has run; a cell that failed says so in `status`."""
    return _answer(
        services().loop.call(
            services().execution.execute(
                notebook_id,
                cell_id,
                body.options(),
                include=query.include,
                in_background=_prefers_background(),
            )
        )
    )


@execution.operation(
    "POST",
    f"{_NOTEBOOK}/execute_all",
    body=RunRequest,
    answer=AllExecuted,
    accepted=RunAnswer,
    errors=(404, 409),
)
def execute_all(notebook_id: str, body: RunRequest) -> dict[str, Any] | Response:
    """Run all cells in order, up to the first that fails."""
    return _answer(
        services().loop.call(
            services().execution.execute_all(
                notebook_id, body.options(), in_background=_prefers_background()
            )
        )
    )


@execution.operation(
    "POST",
    f"{_NOTEBOOK}/execute_stale",
    body=RunRequest,
    answer=SomeExecuted,
    accepted=RunAnswer,
    errors=(404, 409),
)
def execute_stale(notebook_id: str, body: RunRequest) -> dict[str, Any] | Response:
    """Run the cells that would give something else now, and before them what they need.

    That is what the kernel lacks: after a restart, cells above whose variables they use. Prompts
    among those are not asked again where the notebook has their answers. `cell_ids` has all that
    ran.
    """
    return _answer(
        services().loop.call(
            services().execution.execute_stale(
                notebook_id, body.options(), in_background=_prefers_background()
            )
        )
    )


@execution.operation("POST", f"{_NOTEBOOK}/interrupt", answer=Success, errors=(404, 409))
def interrupt(notebook_id: str) -> dict[str, Any]:
    """Stop what runs and what waits; the state stays."""
    services().loop.call(services().execution.interrupt(notebook_id))
    return {"success": True}


@execution.operation("POST", f"{_CELL}/interrupt", answer=Success, errors=(404, 409))
def interrupt_cell(notebook_id: str, cell_id: str) -> dict[str, Any]:
    """Stop a cell, if it runs or waits alone; its run then starts nothing more."""
    services().loop.call(services().execution.interrupt(notebook_id, cell_id))
    return {"success": True}


@execution.operation("POST", f"{_NOTEBOOK}/restart", answer=Success, errors=(404, 409))
def restart(notebook_id: str) -> dict[str, Any]:
    """Stop what runs and begin again with an empty kernel, which has the memory only."""
    services().loop.call(services().execution.restart(notebook_id))
    return {"success": True}


@execution.operation("GET", f"{_NOTEBOOK}/state", answer=StateAnswer, errors=(404, 409))
def show_state(notebook_id: str) -> dict[str, Any]:
    """Show the variables."""
    return services().loop.call(services().execution.state(notebook_id))


def _prefers_background() -> bool:
    """Whether the client asks, as in RFC 7240, not to be kept waiting."""
    preferences = parse_list_header(request.headers.get("Prefer", ""))
    names = (preference.partition(";")[0].partition("=")[0].strip() for preference in preferences)
    return any(name.lower() == "respond-async" for name in names)


def _answer(answer: dict[str, Any] | Background) -> dict[str, Any] | Response:
    if isinstance(answer, dict):
        return answer
    response = json_response(answer.run, 202)
    response.headers["Location"] = f"/api/runs/{answer.run['id']}"
    response.headers["Preference-Applied"] = "respond-async"
    return response
