"""What an execution over HTTP costs does not grow with what it has nothing to do with."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

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


@row(
    what="memory of the server when 64 notebooks with outputs have come and gone",
    against="before",
    goal=at_most("1.25"),
    unit="bytes",
    rounds=3,
    limit_s=240.0,
)
def memory_after_notebooks() -> Iterator[tuple[Sample, Sample]]:
    with our_server() as port, HTTPClient(port) as client:
        _come_and_go(port, notebooks_each=1)
        before = _memory(port)
        _come_and_go(port, notebooks_each=8)
        client.ask("GET", "/api/health")
        # What nobody uses is let go, and its memory given back, within half a minute.
        limit_s = time.monotonic() + 40
        after = _memory(port)
        while time.monotonic() < limit_s and after > before:
            time.sleep(1)
            after = min(after, _memory(port))
        yield lambda: after, lambda: before


def _come_and_go(port: int, *, notebooks_each: int) -> None:
    """Eight clients, each of which makes notebooks one after the other, runs and deletes them."""

    def work() -> None:
        with HTTPClient(port) as client:
            for _ in range(notebooks_each):
                notebook_id = create_notebook(client)
                for _ in range(10):
                    cell_id = add_code(client, notebook_id, "print('x' * 50_000)")
                    execute(client, notebook_id, cell_id)
                client.ask("GET", f"/api/notebooks/{notebook_id}")
                client.ask("DELETE", f"/api/notebooks/{notebook_id}")

    with ThreadPoolExecutor(8) as clients:
        for done in [clients.submit(work) for _ in range(8)]:
            done.result()


def _memory(port: int) -> float:
    """The proportional set sizes of the server's processes, in bytes."""
    total_kb = 0
    for folder in Path("/proc").iterdir():
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if b"serve" in arguments and str(port).encode() in arguments:
                found = re.search(
                    r"^Pss: +(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE
                )
                total_kb += int(found[1]) if found else 0
        except OSError:
            continue  # no process, or it has ended
    return total_kb * 1024.0


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
