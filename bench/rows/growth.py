"""What an execution over HTTP costs does not grow with what it has nothing to do with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.harness import Sample, at_most, row, time_of
from bench.http_client import HTTPClient
from bench.listeners import socketio_listeners
from bench.ours import add_code, create_notebook, execute, our_server

_REPEATS = 30
_GOAL = at_most("1.2")


@row(what="execute: in a notebook of 1,000 cells", against="of one cell", goal=_GOAL)
def execute_by_cells() -> Iterator[tuple[Sample, Sample]]:
    with our_server() as port, HTTPClient(port) as client:
        long = _warm_cell(client)
        for _ in range(999):
            add_code(client, long[0], "y = 2")
        yield _execution(client, *long), _execution(client, *_warm_cell(client))


@row(what="execute: with 200 other notebooks", against="with none", goal=_GOAL)
def execute_by_notebooks() -> Iterator[tuple[Sample, Sample]]:
    with _two_servers() as (_, full, empty):
        crowded = _warm_cell(full)
        for _ in range(200):
            add_code(full, create_notebook(full), "y = 2")
        yield _execution(full, *crowded), _execution(empty, *_warm_cell(empty))


@row(what="execute: with 50 listeners of another notebook", against="with none", goal=_GOAL)
def execute_by_listeners() -> Iterator[tuple[Sample, Sample]]:
    with (
        _two_servers() as (port, full, empty),
        socketio_listeners(port, 50, create_notebook(full)),
    ):
        yield _execution(full, *_warm_cell(full)), _execution(empty, *_warm_cell(empty))


@contextmanager
def _two_servers() -> Iterator[tuple[int, HTTPClient, HTTPClient]]:
    """The port of one server, a client of it, and one of the other server."""
    with (
        our_server() as port,
        our_server() as other,
        HTTPClient(port) as client,
        HTTPClient(other) as other_client,
    ):
        yield port, client, other_client


def _warm_cell(client: HTTPClient) -> tuple[str, str]:
    """A notebook and its cell, which has run."""
    notebook_id = create_notebook(client)
    cell_id = add_code(client, notebook_id, "x = 1")
    execute(client, notebook_id, cell_id)
    return notebook_id, cell_id


def _execution(client: HTTPClient, notebook_id: str, cell_id: str) -> Sample:
    return lambda: time_of(lambda: execute(client, notebook_id, cell_id), times=_REPEATS)
