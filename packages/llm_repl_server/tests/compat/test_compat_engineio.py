"""What is used of Engine.IO and has no documentation that promises it."""

from __future__ import annotations

import inspect
from importlib.metadata import requires, version

import engineio
import pytest
import socketio
from engineio import packet
from engineio.socket import Socket
from flask import Flask
from flask_socketio import SocketIO

SERVER_METHODS = {
    "_handle_connect": ["environ", "start_response", "transport", "jsonp_index"],
    "_trigger_event": ["event", "args", "kwargs"],
    "_upgrades": ["sid", "transport"],
    "_ok": ["packets", "headers", "jsonp_index"],
    "_bad_request": ["message"],
    "generate_id": [],
    "handle_request": ["environ", "start_response"],
}
SOCKET_METHODS = {
    "poll": [],
    "send": ["pkt"],
    "receive": ["pkt"],
    "check_ping_timeout": [],
    "schedule_ping": [],
    "handle_get_request": ["environ", "start_response"],
    "handle_post_request": ["environ"],
    "close": ["wait", "abort", "reason"],
    "_upgrade_websocket": ["environ", "start_response"],
}


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [(engineio.Server, *method) for method in SERVER_METHODS.items()]
    + [(Socket, *method) for method in SOCKET_METHODS.items()],
    ids=[*SERVER_METHODS, *SOCKET_METHODS],
)
def test_a_method_takes_what_it_is_given(owner, name, parameters):
    assert list(inspect.signature(getattr(owner, name)).parameters) == ["self", *parameters]


def test_the_attributes_are_there():
    server = SocketIO(Flask(__name__), async_mode="threading").server
    assert isinstance(server, socketio.Server)
    engine = server.eio
    assert isinstance(engine, engineio.Server)
    for name, kind in {
        "sockets": dict,
        "ping_interval": int,
        "ping_timeout": int,
        "max_http_buffer_size": int,
    }.items():
        assert isinstance(getattr(engine, name), kind), name
    assert engine.logger.exception
    for name in ("PING_TIMEOUT", "TRANSPORT_ERROR", "TRANSPORT_CLOSE", "SERVER_DISCONNECT"):
        assert isinstance(getattr(engine.reason, name), str)
    client = Socket(engine, "sid")
    for name in ("connected", "upgrading", "upgraded", "closing", "closed"):
        assert getattr(client, name) is False
    assert (client.sid, client.server) == ("sid", engine)
    assert Socket.upgrade_protocols == ["websocket"]


def test_packets_have_the_numbers_of_the_protocol():
    names = ("OPEN", "CLOSE", "PING", "PONG", "MESSAGE", "UPGRADE", "NOOP")
    assert [getattr(packet, name) for name in names] == list(range(7))
    made = packet.Packet(packet.MESSAGE, "x")
    assert (made.encode(), made.data) == ("4x", "x")
    assert packet.Packet(encoded_packet="4x").data == "x"


def test_the_versions_are_pinned_to_those_that_were_looked_at():
    pinned = [name for name in requires("llm-repl-server") if name.startswith("python-engineio")]
    assert pinned == ["python-engineio<4.16,>=4.15"]
    assert version("python-engineio").startswith("4.15.")
