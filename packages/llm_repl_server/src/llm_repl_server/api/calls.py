"""``/api/calls``: every call to a model, as it was sent and answered."""

from __future__ import annotations

from typing import Any

from flask import Response

from llm_repl_server.api.call_schemas import (
    CallAnswer,
    CallList,
    CallsQuery,
    ExportQuery,
    SpendingAnswer,
)
from llm_repl_server.api.resource import Resource, house

__all__ = ["calls"]

calls = Resource("calls")


@calls.operation("GET", "/api/calls", query=CallsQuery, answer=CallList)
def list_calls(query: CallsQuery) -> dict[str, Any]:
    """List calls, the last that started first, a page at a time."""
    return house().loop.call(house().calls.list(query.filter()))


@calls.operation("GET", "/api/calls/export", query=ExportQuery)
def export_calls(query: ExportQuery) -> Response:
    """Hand out whole calls as lines of JSON, the last that started first."""
    lines = house().calls.export(query.filter())
    return Response(lines, mimetype="application/x-ndjson")


@calls.operation("GET", "/api/calls/<call_id>", answer=CallAnswer, errors=(404,))
def show_call(call_id: str) -> dict[str, Any]:
    """Show all of a call."""
    return house().loop.call(house().calls.show(call_id))


@calls.operation(
    "GET",
    "/api/notebooks/<notebook:notebook_id>/spending",
    answer=SpendingAnswer,
    errors=(404,),
)
def show_spending(notebook_id: str) -> dict[str, Any]:
    """Show what a notebook's calls have cost."""
    return house().loop.call(house().calls.spending(notebook_id))
