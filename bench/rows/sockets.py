"""Events at websocket clients."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from bench.harness import Sample, at_most, row, time_of
from bench.http_client import HTTPClient
from bench.listeners import Crowd, SocketIOListener, connect, crowd_of, socketio_listeners
from bench.memory import memory_of_server
from bench.ours import add_code, create_notebook, execute, execute_path, our_server
from bench.peers.broadcast import broadcast_server
from bench.peers.jupyter_server import jupyter_server

_LISTENERS = 100
_IDLE_LISTENERS = 1000
_REPEATS = 20


@row(
    what="websocket: execute `x = 1` → `cell_execution_completed`",
    against="jupyter_server's websocket: execute → reply and idle, quick ACKs",
    goal=at_most("0.35"),
)
def websocket_completed() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(our_server())
        server = stack.enter_context(jupyter_server())
        client = stack.enter_context(HTTPClient(port))
        notebook_id = create_notebook(client)
        cell_id = add_code(client, notebook_id, "x = 1")
        execute(client, notebook_id, cell_id)
        listener = stack.enter_context(SocketIOListener(port, notebook_id))
        path = execute_path(notebook_id, cell_id)

        def execute_until_told() -> None:
            client.send("POST", path)
            assert listener.wait_for("cell_execution_completed")["cell_id"] == cell_id

        def ours() -> float:
            took_s = 0.0
            for _ in range(_REPEATS):
                took_s += time_of(execute_until_told)
                client.receive()
            return took_s / _REPEATS

        peers_client = stack.enter_context(server.http())
        channel = server.channel(server.create_session(peers_client))
        stack.callback(channel.close)
        channel.execute("x = 1")

        def peers() -> float:
            return time_of(lambda: channel.execute("x = 1"), times=_REPEATS)

        yield ours, peers


@row(
    what="websocket: execute → `cell_execution_started` at the last of 100 listeners",
    against="a raw asyncio websocket server: one says it → the last of 100",
    goal=at_most("1.5"),
)
def websocket_fan_out() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(our_server())
        client = stack.enter_context(HTTPClient(port))
        notebook_id = create_notebook(client)
        # It runs until all have heard that it began, so that its end is not in the way.
        cell_id = add_code(client, notebook_id, "import time; time.sleep(0.05)")
        execute(client, notebook_id, cell_id)
        listeners = stack.enter_context(socketio_listeners(port, _LISTENERS, notebook_id))
        crowd = stack.enter_context(crowd_of([listener.websocket for listener in listeners]))
        path = execute_path(notebook_id, cell_id)

        def tell_ours() -> None:
            client.send("POST", path)
            crowd.wait_until_all_have(b"cell_execution_started")

        def ours() -> float:
            took_s = time_of(tell_ours)
            crowd.wait_until_all_have(b"cell_execution_completed")
            client.receive()
            return took_s

        peers_port = stack.enter_context(broadcast_server())
        sockets = [connect(f"ws://127.0.0.1:{peers_port}") for _ in range(_LISTENERS)]
        for peer in sockets:
            stack.callback(peer.close)
        peers_crowd: Crowd = stack.enter_context(crowd_of(sockets))
        names = {"notebook_id": notebook_id, "run_id": notebook_id, "cell_id": cell_id}
        message = "42" + json.dumps(["cell_execution_started", names])

        def tell_peers() -> None:
            sockets[0].send(message)
            peers_crowd.wait_until_all_have(b"cell_execution_started")

        yield ours, lambda: time_of(tell_peers)


@row(
    what="memory an idle listener, 1,000 connected",
    against="the same of a raw asyncio websocket server",
    goal=None,
    unit="bytes",
    rounds=3,
)
def websocket_memory() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(our_server())
        peers_port = stack.enter_context(broadcast_server())
        notebook_id = create_notebook(stack.enter_context(HTTPClient(port)))
        before, peers_before = memory_of_server(port), memory_of_server(peers_port)
        stack.enter_context(socketio_listeners(port, _IDLE_LISTENERS, notebook_id))
        for _ in range(_IDLE_LISTENERS):
            stack.callback(connect(f"ws://127.0.0.1:{peers_port}").close)
        yield (
            lambda: (memory_of_server(port) - before) / _IDLE_LISTENERS,
            lambda: (memory_of_server(peers_port) - peers_before) / _IDLE_LISTENERS,
        )
