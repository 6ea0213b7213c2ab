"""The variables of a notebook, and what an editor asks of its kernel."""

from __future__ import annotations

from llm_repl_core.kernels.views import Inspected
from llm_repl_server.api.resource import Resource, services
from llm_repl_server.api.variable_schemas import CodePlace, ValueQuery
from llm_repl_server.services.variables import CompletionAnswer, ValueAnswer, VariablesAnswer

__all__ = ["variables"]

variables = Resource("variables")

_NOTEBOOK = "/api/notebooks/<notebook:notebook_id>"


@variables.operation("GET", f"{_NOTEBOOK}/variables", errors=(404, 409))
def list_variables(notebook_id: str) -> VariablesAnswer:
    """List the variables: type, size, a short text, and the cells that make and use them.

    What runs is never waited for: `busy` says that the answer is of before. Values are looked at in a
    copy of the kernel where there can be one, and within a time limit.
    """
    return services().loop.call(services().variables.show(notebook_id))


@variables.operation("GET", f"{_NOTEBOOK}/variables/<name>", errors=(404, 409))
def show_value(notebook_id: str, name: str, query: ValueQuery) -> ValueAnswer:
    """Return a page of a value: rows of a table, entries, or a piece of a text."""
    return services().loop.call(
        services().variables.expand(
            notebook_id, name, query.steps(), int(query.page), int(query.per_page)
        )
    )


@variables.operation("POST", f"{_NOTEBOOK}/complete", body_required=True, errors=(404, 409))
def complete_code(notebook_id: str, body: CodePlace) -> CompletionAnswer:
    """Return what may be typed at a place of a code cell's text, saved or not.

    While the kernel is busy, it is answered from the last state that was looked at, or from the text.
    """
    return services().loop.call(
        services().variables.complete(notebook_id, body.code, int(body.cursor))
    )


@variables.operation("POST", f"{_NOTEBOOK}/inspect", body_required=True, errors=(404, 409))
def inspect_code(notebook_id: str, body: CodePlace) -> Inspected:
    """Return the signature and documentation of the function called at a place, or of the name."""
    return services().loop.call(
        services().variables.inspect(notebook_id, body.code, int(body.cursor))
    )
