"""Prompts besides running them: their preview, their tools, and what depends on what."""

from __future__ import annotations

from typing import Any

from flask import Response

from llm_repl_core.engine.prompts.draft_preview import DraftPreview
from llm_repl_core.engine.prompts.preview import Preview
from llm_repl_server.api.cells import cell_fields, option_names
from llm_repl_server.api.prompt_schemas import Decision, DraftRequest, GraphQuery, NewDraft
from llm_repl_server.api.resource import Resource, services
from llm_repl_server.services.answers import CellAnswer, Success
from llm_repl_server.services.graph import GraphAnswer
from llm_repl_server.services.prompts import ToolQuestions

__all__ = ["prompts"]

prompts = Resource("prompts")

_NOTEBOOK = "/api/notebooks/<notebook:notebook_id>"
_CELL = f"{_NOTEBOOK}/cells/<cell_id>"

_MEDIA_TYPES = {
    "text": "text/plain",
    "mermaid": "text/vnd.mermaid",
    "svg": "image/svg+xml",
}


@prompts.operation("GET", f"{_CELL}/preview", errors=(404, 409))
def preview_prompt(notebook_id: str, cell_id: str) -> Preview:
    """Return what a prompt would send now; nothing is sent."""
    return services().loop.call(services().prompts.preview(notebook_id, cell_id))


@prompts.operation(
    "POST", f"{_CELL}/preview", echo=(CellAnswer,), more_fields=option_names, errors=(404, 409)
)
def preview_draft(notebook_id: str, cell_id: str, body: DraftRequest) -> DraftPreview:
    """Return what a prompt would send with these fields, which are not saved; nothing is sent.

    Never waits for what runs: `values` says of when the variables are. What cannot be filled stays
    as it is written, and `fields`, `problems` and `later` say why.
    """
    return services().loop.call(
        services().prompts.preview_draft(
            notebook_id,
            cell_id,
            _draft_fields(),
            mode=body.mode,
            may_call=body.fill_calls,
            models=body.models,
        )
    )


@prompts.operation(
    "POST", f"{_NOTEBOOK}/preview", echo=(CellAnswer,), more_fields=option_names, errors=(404,)
)
def preview_new_prompt(notebook_id: str, body: NewDraft) -> DraftPreview:
    """Return what a prompt would send that is not there yet; nothing is saved or sent.

    It counts as the last cell. Otherwise as `POST …/cells/<cell_id>/preview`.
    """
    return services().loop.call(
        services().prompts.preview_new(
            notebook_id, _draft_fields(), mode=body.mode, may_call=body.fill_calls
        )
    )


def _draft_fields() -> dict[str, Any]:
    fields = cell_fields()
    word = fields.pop("type", None)
    if word is not None:
        services().application.cell_types.get(word)  # refuses what is none
    return {
        name: value
        for name, value in fields.items()
        if name not in ("mode", "models", "fill_calls")
    }


@prompts.operation("POST", f"{_CELL}/tool_calls/<call_id>", body_required=True, errors=(404,))
def decide_tool_call(notebook_id: str, cell_id: str, call_id: str, body: Decision) -> Success:
    """Approve or refuse a tool call that is waiting for a decision."""
    services().loop.call(
        services().prompts.decide(
            notebook_id, cell_id, call_id, approved=body.approved, whole_run=body.whole_run
        )
    )
    return Success(success=True)


@prompts.operation("GET", f"{_NOTEBOOK}/tool_calls", errors=(404,))
def list_tool_calls(notebook_id: str) -> ToolQuestions:
    """List the tool calls that are waiting for a decision."""
    return services().loop.call(services().prompts.questions(notebook_id))


@prompts.operation(
    "GET", f"{_NOTEBOOK}/graph", other_types=tuple(_MEDIA_TYPES.values()), errors=(404,)
)
def show_graph(notebook_id: str, query: GraphQuery) -> GraphAnswer | Response:
    """Return which cells depend on which, and by which variables; also as a drawing."""
    if query.format == "json":
        return services().loop.call(services().graph.show(notebook_id))
    drawing = services().loop.call(services().graph.draw(notebook_id, query.format))
    # Opened by itself, a picture is a page of this server: it is to run nothing.
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return Response(
        drawing,
        mimetype=_MEDIA_TYPES[query.format],
        headers={"Content-Security-Policy": policy},
    )
