"""``/api/calls``: every call to a model, as it was sent and answered."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request

from llm_repl_server.api.call_schemas import CallsQuery, ExportQuery, TotalsQuery
from llm_repl_server.api.resource import Resource, services
from llm_repl_server.services.call_answers import (
    CallAnswer,
    CallList,
    CallTotalsAnswer,
    SpendingAnswer,
)

__all__ = ["calls"]

calls = Resource("calls")

_LINES = ("application/x-ndjson", "text/plain")


@calls.operation("GET", "/api/calls")
def list_calls(query: CallsQuery) -> CallList:
    """List calls, the most recently started first, one page at a time."""
    return services().loop.call(services().calls.list(query.filter()))


@calls.operation("GET", "/api/calls/export", other_types=_LINES)
def export_calls(query: ExportQuery) -> Response:
    """Export calls in full as JSON Lines, the most recently started first."""
    lines = services().calls.export(query.filter())
    # As text for those that ask for it: generated clients do not know the other.
    mimetype = request.accept_mimetypes.best_match(_LINES, default=_LINES[0])
    return Response(lines, mimetype=mimetype, headers={"Vary": "Accept"})


@calls.operation("GET", "/api/calls/totals")
def show_call_totals(query: TotalsQuery) -> CallTotalsAnswer:
    """Return what calls took and cost: in total, by cell, by model and by day."""
    offset = timedelta(minutes=query.utc_offset_minutes)
    return services().loop.call(services().calls.totals(query.filter(), offset))


@calls.operation("GET", "/api/calls/<call_id>", errors=(404,))
def show_call(call_id: str) -> CallAnswer:
    """Return a call in full."""
    return services().loop.call(services().calls.show(call_id))


@calls.operation("GET", "/api/notebooks/<notebook:notebook_id>/spending", errors=(404,))
def show_spending(notebook_id: str) -> SpendingAnswer:
    """Return what a notebook's calls have cost."""
    return services().loop.call(services().calls.spending(notebook_id))
