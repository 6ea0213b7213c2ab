"""What waits for a client that does not read: bounded in number and in size."""

from __future__ import annotations

from engineio import packet
from engineio.socket import Socket
from flask import Flask

from llm_repl_server.sockets import engine
from llm_repl_server.sockets.engine import make_socketio


def test_large_packets_are_bounded_by_their_size(monkeypatch):
    monkeypatch.setattr(engine, "BACKLOG_LIMIT_CHARACTERS", 1000)
    eio = make_socketio(Flask(__name__)).server.eio
    clients = {}
    for name in ("deaf", "reads"):
        clients[name] = eio.sockets[name] = Socket(eio, name)
        clients[name].connected = True
    for _ in range(50):
        for name in clients:
            eio.send_packet(name, packet.Packet(packet.MESSAGE, "x" * 100))
        clients["reads"].queue.get(block=False)
    assert clients["deaf"].closed
    assert not clients["reads"].closed
    assert clients["reads"].queue.characters == 0
    assert clients["deaf"].queue.characters <= 1200
