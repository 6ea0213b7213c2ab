"""``/api/runs``: what was asked to run, and how far it is."""

from __future__ import annotations

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.services.queue import QueueAnswer, RemovedCell
from llm_repl_server.services.run_answers import RunAnswer, RunList

__all__ = ["runs"]

runs = Resource("runs")

_ONE = "/api/runs/<run_id>"


@runs.operation("GET", _ONE, errors=(404,))
def show_run(run_id: str) -> RunAnswer:
    """Return a run."""
    return services().loop.call(services().runs.show(run_id))


@runs.operation("POST", f"{_ONE}/interrupt", errors=(404, 409))
def interrupt_run(run_id: str) -> RunAnswer:
    """Interrupt a run, unless it has ended, and return it."""
    return services().loop.call(services().runs.interrupt(run_id))


@runs.operation("GET", "/api/notebooks/<notebook:notebook_id>/runs", errors=(404,))
def list_runs(notebook_id: str) -> RunList:
    """List the latest runs of a notebook."""
    return services().loop.call(services().runs.list(notebook_id))


@runs.operation("GET", "/api/notebooks/<notebook:notebook_id>/queue", errors=(404,))
def show_queue(notebook_id: str) -> QueueAnswer:
    """Return the cells that are still to run, in order, and what each waits for."""
    return services().loop.call(services().queue.show(notebook_id))


@runs.operation("DELETE", "/api/notebooks/<notebook:notebook_id>/queue/<cell_id>", errors=(404,))
def remove_queued_cell(notebook_id: str, cell_id: str) -> RemovedCell:
    """Remove a waiting cell from its run; the rest of the run continues."""
    return services().loop.call(services().queue.remove(notebook_id, cell_id))
