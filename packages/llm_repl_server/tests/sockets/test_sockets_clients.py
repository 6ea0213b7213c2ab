"""Real Socket.IO clients of a real server."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time

import jsonschema
import pytest
import socketio
import websocket

from llm_repl_server.services.wire_events import EMITTED
from llm_repl_server.sockets.asyncapi import describe

RUN = ["run_started", "cell_execution_started", "cell_execution_completed", "run_ended"]
SHOWN = ["run_started", "cell_execution_started", "cell_execution_output", *RUN[2:]]
"""The same of a cell that puts something out."""
ADDRESS = "/socket.io/?EIO=4&transport=websocket"


@pytest.fixture
def raw(server):
    """Websockets that speak Engine.IO by hand."""
    with contextlib.ExitStack() as stack:

        def connect():
            connection = websocket.create_connection(
                f"ws://127.0.0.1:{server.port}{ADDRESS}", timeout=15
            )
            stack.callback(connection.shutdown)
            assert connection.recv().startswith("0{")
            return connection

        yield connect


def test_two_clients_hear_the_same_in_order(server):
    listeners = [server.listener(), server.listener()]
    path, _ = server.new_notebook("print('a')", "1 / 0")
    server("POST", f"{path}/execute_all")
    server("DELETE", path)
    for listener in listeners:
        listener.wait_for("notebook_deleted")
    mine, other = (
        [
            (event, payload)
            for event, payload in listener.heard
            if payload.get("notebook_id") == path[15:]
        ]
        for listener in listeners
    )
    assert mine == other
    assert [event for event, _ in mine] == [
        "notebook_created", "cell_created", "cell_created",
        "run_started", "notebook_execution_started",
        "cell_execution_started", "cell_execution_output", "cell_execution_completed",
        "run_progress", "cell_execution_started", "cell_execution_output",
        "cell_execution_failed", "run_progress", "notebook_execution_failed", "run_ended",
        "notebook_deleted",
    ]  # fmt: skip
    schemas = {"components": {"schemas": describe()["components"]["schemas"]}}
    for event, payload in mine:
        reference = {"$ref": f"#/components/schemas/{EMITTED[event].__name__}"}
        jsonschema.validate(payload, reference | schemas)


def test_a_subscriber_hears_its_notebooks_only(server):
    paths = [server.new_notebook("1") for _ in range(3)]
    ids = [path[15:] for path, _ in paths]
    everything, one, two = (
        server.listener(),
        server.listener(ids[0]),
        server.listener(ids[0], ids[1]),
    )
    for _, (cell,) in paths:
        server("POST", f"{cell}/execute")
    everything.wait_for("run_ended", count=3)
    two.wait_for("run_ended", count=2)
    one.wait_for("run_ended")
    answer = two.client.call("unsubscribe", {"notebook_id": ids[0]}, timeout=15)
    assert answer == {"success": True}
    for _, (cell,) in paths:
        server("POST", f"{cell}/execute")
    everything.wait_for("run_ended", count=6)
    one.wait_for("run_ended", count=2)
    two.wait_for("run_ended", count=3)
    assert [payload["notebook_id"] for _, payload in one.heard] == [ids[0]] * 2 * len(SHOWN)
    heard = [payload["notebook_id"] for _, payload in two.heard]
    assert heard == [ids[0]] * len(SHOWN) + [ids[1]] * 2 * len(SHOWN)


@pytest.mark.parametrize("message", [None, "x", 3, [], {}, {"notebook_id": 3}, {"notebook_id": ""}])
def test_an_unusable_subscription_changes_nothing(server, message):
    listener = server.listener()
    for event in ("subscribe", "unsubscribe"):
        answer = listener.client.call(event, message, timeout=15)
        assert answer["success"] is False
        assert "notebook_id" in answer["error"]
    server.new_notebook()
    listener.wait_for("notebook_created")


def test_the_token_opens_the_sockets(start_server):
    server = start_server("--auth", "token", LLM_REPL_TOKEN="opens-the-door")
    for auth in (None, {}, {"token": ""}, {"token": "wrong"}, {"token": None}, {"token": ["x"]}):
        with pytest.raises(socketio.exceptions.ConnectionError):
            server.listener(auth=auth)
    listener = server.listener(auth={"token": "opens-the-door"})
    with_header = server.listener(headers={"Authorization": "Bearer opens-the-door"})
    assert server("GET", "/api/notebooks")[0] == 401
    made = server("POST", "/api/notebooks", {}, Authorization="Bearer opens-the-door")
    assert made[0] == 201
    for admitted in (listener, with_header):
        admitted.wait_for("notebook_created")
    assert "opens-the-door" not in server.log.read_text()


def test_a_stranger_hears_nothing(start_server):
    server = start_server("--auth", "token", LLM_REPL_TOKEN="opens-the-door")
    connection = websocket.create_connection(f"ws://127.0.0.1:{server.port}{ADDRESS}", timeout=15)
    with contextlib.closing(connection):
        assert connection.recv().startswith("0{")
        connection.send('42["subscribe",{"notebook_id":"x"}]')
        connection.send("40")
        assert connection.recv().startswith("44")  # refused
        connection.send('42["subscribe",{"notebook_id":"x"}]')
        listener = server.listener(auth={"token": "opens-the-door"})
        server("POST", "/api/notebooks", {}, Authorization="Bearer opens-the-door")
        listener.wait_for("notebook_created")
        connection.settimeout(0.3)
        with pytest.raises(websocket.WebSocketTimeoutException):
            connection.recv()


def test_long_polling_hears_as_well(server):
    heard = []
    client = socketio.Client(reconnection=False)
    client.on("notebook_created", heard.append)
    client.connect(server.url, transports=["polling"], wait_timeout=15)
    try:
        server.new_notebook()
        deadline = time.monotonic() + 15
        while not heard and time.monotonic() < deadline:
            time.sleep(0.01)
        assert heard[0]["name"] == "Test"
    finally:
        client.disconnect()


def test_a_large_output_comes_whole(server):
    path, (cell,) = server.new_notebook("print('é' * 2_000_000)")
    listener = server.listener(path[15:])
    server("POST", f"{cell}/execute")
    listener.wait_for("run_ended")
    assert listener.heard[-2][1]["outputs"][0]["content"] == "é" * 2_000_000 + "\n"
    pieces = [payload["output"] for event, payload in listener.heard if event[-7:] == "_output"]
    assert "".join(piece["content"] for piece in pieces) == "é" * 2_000_000 + "\n"


def test_odd_text_comes_as_json(server):
    code = (
        "print('\\ud800')\n"
        "from IPython.display import display\n"
        "display({'application/json': {'n': float('nan'), 'h': 2**80}}, raw=True)"
    )
    path, (cell,) = server.new_notebook(code)
    listener = server.listener(path[15:])
    _, answer = server("POST", f"{cell}/execute")
    listener.wait_for("run_ended")
    assert listener.heard[-2][1]["outputs"] == answer["outputs"]
    pieces = [payload["output"] for event, payload in listener.heard if event[-7:] == "_output"]
    assert pieces == answer["outputs"]


def test_a_hundred_listeners_hear_every_event(server, raw):
    connections = [raw() for _ in range(100)]
    for connection in connections:
        connection.send("40")
    for connection in connections:
        assert connection.recv().startswith("40{")
    path, (cell,) = server.new_notebook("1")
    for _ in range(3):
        server("POST", f"{cell}/execute")
    server("DELETE", path)
    for connection in connections:
        events = []
        while "notebook_deleted" not in events:
            message = connection.recv()
            if message.startswith("42"):
                events.append(message.split('"')[1])
        assert events == ["notebook_created", "cell_created", *SHOWN * 3, "notebook_deleted"]


def test_a_client_that_does_not_read_holds_up_nobody(server, raw):
    deaf = raw()
    deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.send("40")
    path, (cell,) = server.new_notebook("print('x' * 1_000_000)")
    listener = server.listener(path[15:])
    for _ in range(30):
        status, _ = server("POST", f"{cell}/execute")
        assert status == 200
    listener.wait_for("run_ended", count=30)
    assert [name for name in listener.names() if name[-7:] != "_output"] == RUN * 30


GARBAGE = [
    "42{bad", '42["subscribe",1,2]', '42["subscribe"]', "42[{}]", "42[]", "42", '42["nobody"]',
    '451-["subscribe",{"_placeholder":true,"num":0}]', "4", "9", "x", "", "41", "40/foo,",
    '43["x"]', "42" + "[" * 3000, '42["connect"]', '42["disconnect"]', "49", "40{bad", "40[1]",
    '42["subscribe",{"notebook_id":"\\ud800"}]', '42["subscribe",' + "9" * 5000 + "]",
]  # fmt: skip


def test_garbage_harms_nobody(server, raw):
    # The server's log has no traceback: the fixture looks at it when the server has ended.
    listener = server.listener()
    for garbage in GARBAGE:
        connection = raw()
        connection.send("40")
        connection.recv()
        connection.send(garbage)
        connection.send_binary(b"\xff\x00")
    server.new_notebook()
    listener.wait_for("notebook_created")
    log = server.log.read_text()
    assert "message handler error: JSONDecodeError" in log


def test_clients_that_come_and_go_keep_no_event_from_others(server):
    path, (cell,) = server.new_notebook("1")
    listener = server.listener()
    done = threading.Event()

    def come_and_go():
        while not done.is_set():
            client = socketio.Client(reconnection=False)
            client.connect(server.url, transports=["websocket"], wait_timeout=15)
            client.emit("subscribe", {"notebook_id": path[15:]})
            client.disconnect()

    threads = [threading.Thread(target=come_and_go, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            assert server("POST", f"{cell}/execute")[0] == 200
        listener.wait_for("run_ended", count=100)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert listener.names() == SHOWN * 100


def test_everybody_is_told_that_the_server_stops(start_server):
    server = start_server()
    path, _ = server.new_notebook("1")
    listeners = [server.listener(), server.listener(path[15:])]
    server.process.terminate()
    for listener in listeners:
        listener.wait_for("server_stopping")
    assert server.process.wait(15) == 0


def test_an_answer_comes_behind_the_events_of_what_it_did(server, raw):
    """Whatever was asked: who looks at the answer first finds the events there."""
    connections = [raw() for _ in range(5)]
    for connection in connections:
        connection.send("40")
    path, (first, second) = server.new_notebook("x = 1", "print(x)")
    heard = dict.fromkeys(connections, 0)

    def hear_what_is_there(connection):
        while select.select([connection.sock], [], [], 0)[0]:
            text = connection.recv()
            if text.startswith("42"):
                payload = json.loads(text[2:])[1]
                if payload.get("notebook_id") == path[15:]:
                    heard[connection] = payload["sequence"]

    for _ in range(3):
        for method, address, body in (
            ("PUT", first, {"content": "x = 2"}),
            ("POST", f"{first}/move", {"position": 1}),
            ("POST", f"{first}/move", {"position": 0}),
            ("POST", f"{first}/execute", {}),
            ("POST", f"{path}/execute_all", {}),
            ("DELETE", second, None),
            ("POST", f"{path}/bin/{second.rpartition('/')[2]}/restore", {}),
            ("POST", f"{path}/clear_outputs", {}),
            ("POST", f"{path}/restart", {}),
            ("PUT", path, {"name": "Another"}),
        ):
            status, answer = server(method, address, body)
            for connection in connections:
                hear_what_is_there(connection)
            assert status < 300, (method, address, answer)
            told = server("GET", path)[1]["sequence"]
            assert set(heard.values()) == {told}, (method, address)
