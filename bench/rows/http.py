"""Executing cells over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.harness import Sample, at_least, at_most, row, time_of
from bench.http_client import HTTPClient
from bench.load import requests_per_second
from bench.ours import add_code, create_notebook, execute, execute_path, our_server
from bench.peers.flask_constant import constant_server
from bench.peers.jupyter_server import jupyter_server

_CLIENTS = 8


@row(
    what="HTTP: new notebook, new code cell, its result",
    against="jupyter_server: session, websocket, result",
    goal=at_most("1/30"),
)
def http_cold_cell() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(our_server())
        server = stack.enter_context(jupyter_server())
        our_client = stack.enter_context(HTTPClient(port))
        peers_client = stack.enter_context(server.http())

        def ours() -> float:
            created: list[str] = []

            def first_result() -> None:
                notebook_id = create_notebook(our_client)
                created.append(notebook_id)
                answer = execute(our_client, notebook_id, add_code(our_client, notebook_id, "1+1"))
                assert answer["outputs"][0]["content"] == "2"

            took_s = time_of(first_result)
            our_client.ask("DELETE", f"/api/notebooks/{created[0]}")
            return took_s

        def peers() -> float:
            sessions: list[str] = []

            def first_result() -> None:
                session = server.create_session(peers_client)
                sessions.append(session["id"])
                channel = server.channel(session)
                assert channel.execute("1+1") == {"text/plain": "2"}
                channel.close()

            took_s = time_of(first_result)
            peers_client.ask("DELETE", f"/api/sessions/{sessions[0]}")
            return took_s

        yield ours, peers


@row(
    what="HTTP: `x = 1`, durable, 8 clients of 8 warm notebooks",
    against="Flask answering a constant, gunicorn gthread",
    goal=at_least("0.5"),
    unit="1/s",
    rounds=7,
)
def http_throughput() -> Iterator[tuple[Sample, Sample]]:
    yield from _throughput(notebooks=_CLIENTS)


@row(
    what="HTTP: `x = 1`, durable, 8 clients of one warm notebook",
    against="Flask answering a constant, gunicorn gthread",
    goal=None,
    unit="1/s",
    rounds=7,
)
def http_throughput_of_one() -> Iterator[tuple[Sample, Sample]]:
    yield from _throughput(notebooks=1)


def _throughput(notebooks: int) -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(our_server())
        peers_port = stack.enter_context(constant_server(threads=_CLIENTS))
        client = stack.enter_context(HTTPClient(port))
        created = [create_notebook(client) for _ in range(notebooks)]
        paths = []
        # A cell a client, as people who work at the same notebook have.
        for number in range(_CLIENTS):
            notebook_id = created[number % notebooks]
            cell_id = add_code(client, notebook_id, "x = 1")
            execute(client, notebook_id, cell_id)
            paths.append(execute_path(notebook_id, cell_id))
        yield (
            lambda: requests_per_second(port, paths, must_have='"completed"'),
            lambda: requests_per_second(peers_port, paths, must_have="xxx"),
        )
