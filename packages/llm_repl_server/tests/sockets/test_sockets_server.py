"""Flask-SocketIO, set up so that no client can hurt the others."""

from __future__ import annotations

import logging

import pytest
from engineio import packet
from flask import Flask

from llm_repl_core.engine.loop import EngineLoop
from llm_repl_server.compat.engineio import EngineServer
from llm_repl_server.sockets import handshakes, session
from llm_repl_server.sockets.server import make_socketio
from llm_repl_server.sockets.session import SocketSession


@pytest.fixture
def loop():
    with EngineLoop() as engine_loop:
        yield engine_loop.loop


@pytest.fixture
def socketio(loop):
    return make_socketio(Flask(__name__), loop)


@pytest.fixture
def client_of(socketio, loop):
    def make(sid):
        engine = EngineServer(socketio)
        made = SocketSession(
            engine,
            sid,
            loop=loop,
            is_admitted=True,
            on_close=lambda _: None,
            authentication_timeout_s=5,
        )
        made.connected = True
        engine.sessions[sid] = made
        return made

    return make


def test_a_client_that_does_not_read_is_dropped(socketio, client_of, monkeypatch):
    monkeypatch.setattr(session, "BACKLOG_LIMIT", 10)
    eio = socketio.server.eio
    deaf, other = client_of("deaf"), client_of("other")
    message = packet.Packet(packet.MESSAGE, "x")
    for _ in range(20):
        for sid in ("deaf", "other"):
            eio.send_packet(sid, message)
        other.queue.get(block=False)
    assert deaf.closed
    assert not other.closed
    assert deaf.queue.qsize() <= 12


def test_large_packets_are_bounded_by_their_size(socketio, client_of, monkeypatch):
    monkeypatch.setattr(session, "BACKLOG_LIMIT_CHARACTERS", 1000)
    eio = socketio.server.eio
    deaf, reads = client_of("deaf"), client_of("reads")
    for _ in range(50):
        for sid in ("deaf", "reads"):
            eio.send_packet(sid, packet.Packet(packet.MESSAGE, "x" * 100))
        reads.queue.get(block=False)
    assert deaf.closed
    assert not reads.closed
    assert reads.queue.characters == 0
    assert deaf.queue.characters <= 1200


def test_a_client_that_is_gone_is_passed_over(socketio, client_of):
    eio = socketio.server.eio
    closed = client_of("closed")
    message = packet.Packet(packet.MESSAGE, "x")
    closed.closed = True
    eio._get_socket = lambda sid: closed  # closed between being looked up and being sent to
    eio.send_packet("closed", message)
    eio.send_packet("never there", message)


def test_what_clients_send_is_not_logged(socketio, caplog):
    logger = socketio.server.logger
    assert logger is socketio.server.eio.logger
    with caplog.at_level(logging.DEBUG):
        logger.info("received event with a token")
        try:
            raise ValueError("a secret detail")
        except ValueError:
            logger.exception("message handler error")
    assert [record.getMessage() for record in caplog.records] == [
        "message handler error: ValueError"
    ]
    assert "Traceback" not in caplog.text


def test_a_client_that_is_dropped_at_once_is_answered_and_leaves_nothing(socketio, monkeypatch):
    # As where others come in between its coming and the answer to its handshake.
    monkeypatch.setattr(handshakes, "UNAUTHENTICATED_LIMIT", 0)
    server = socketio.server
    statuses = []
    body = server.handle_request(
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "EIO=4&transport=polling"},
        lambda status, _: statuses.append(status),
    )
    assert statuses == ["200 OK"]
    assert b"".join(body).startswith(b'0{"sid":')
    assert (server.eio.sockets, server.environ) == ({}, {})
