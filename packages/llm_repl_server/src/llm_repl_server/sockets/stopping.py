"""How Socket.IO clients learn that the server goes away, so that they come back by themselves."""

from __future__ import annotations

import asyncio

from flask_socketio import SocketIO

from llm_repl_server.compat.engineio import EngineServer

__all__ = ["close_connections", "hold_polls"]

_LIMIT_S = 0.5
"""How long clients have to read what they were still sent."""


def hold_polls(socketio: SocketIO) -> None:
    """Have long polls answered at the end only, with all that is still to come: it is their last."""
    for session in list(EngineServer(socketio).sessions.values()):
        session.begin_to_stop()


async def close_connections(socketio: SocketIO) -> None:
    """Send every client what waits for it, and close its connection; in the loop.

    Neither Socket.IO's nor Engine.IO's packet of an end is sent: clients stay away after these.
    """
    sessions = list(EngineServer(socketio).sessions.values())
    if sessions:
        ends = [asyncio.ensure_future(session.go_away()) for session in sessions]
        await asyncio.wait(ends, timeout=_LIMIT_S)
