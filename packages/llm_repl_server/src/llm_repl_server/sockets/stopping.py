"""How Socket.IO clients learn that the server goes away, so that they come back by themselves."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["close_sockets", "hold_polls"]

_LIMIT_S = 0.5
"""How long clients have to read what they were still sent."""


def hold_polls(socketio: Any) -> None:
    """Have long polls answered at the end only, with all that is still to come: it is their last.

    Args:
        socketio: Flask-SocketIO's ``SocketIO``, which brings no types.
    """
    for session in list(socketio.server.eio.sockets.values()):
        session.begin_to_stop()


async def close_sockets(socketio: Any) -> None:
    """Send every client what waits for it, and close its connection; in the loop.

    Neither Socket.IO's nor Engine.IO's packet of an end is sent: clients stay away after these.

    Args:
        socketio: Flask-SocketIO's ``SocketIO``, which brings no types.
    """
    sessions = list(socketio.server.eio.sockets.values())
    if sessions:
        ends = [asyncio.ensure_future(session.go_away()) for session in sessions]
        await asyncio.wait(ends, timeout=_LIMIT_S)
