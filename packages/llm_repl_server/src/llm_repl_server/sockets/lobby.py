"""Who may open a Socket.IO session, and how many may: strangers too, for a few seconds."""

from __future__ import annotations

import asyncio
import resource
import threading
from typing import TYPE_CHECKING, Any

from engineio import packet
from engineio.packet import Packet

from llm_repl_server.auth.middleware import ADMITTED_KEY
from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.sockets.session import Session

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["POLLING_LIMIT", "STRANGERS_LIMIT", "Lobby"]

SESSIONS_LIMIT = 4096
"""How many clients may be connected at once, where the system lets the process open as many files."""

POLLING_LIMIT = 256
"""How many of these may use long polling: each may have a request that waits, and that has a thread."""

STRANGERS_LIMIT = 64
"""How many may wait to say who they are. One more, and the one that has waited longest is let go."""

PATIENCE_S = 5.0
"""How long a stranger may take from its handshake to its ``connect``, which holds the token."""

_RETRY_AFTER_S = 5


class Lobby:
    """Opens Engine.IO's sessions, in the place of the library, and remembers who is a stranger.

    Args:
        server: The Socket.IO server, which brings no types.
        loop: Serves the websockets and keeps the clients' time.
    """

    def __init__(self, server: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = server.eio
        self._manager = server.manager
        self._loop = loop
        self._strangers: dict[str, Session] = {}  # the one that came first is the first
        self._turn = threading.Lock()

    def install(self) -> None:
        """Have the library call this."""
        self._engine._handle_connect = self.open

    def open(
        self,
        environ: dict[str, Any],
        start_response: StartResponse,
        transport: str,
        jsonp_index: int | None = None,
    ) -> Any:
        """Open a session, or refuse it, as the library's own method does."""
        engine = self._engine
        if not self._has_room(transport):
            return _full()
        sid = engine.generate_id()
        admitted = bool(environ.get(ADMITTED_KEY, False))
        session = Session(
            engine,
            sid,
            loop=self._loop,
            is_known=lambda: admitted or self.has_connected(sid),
            on_close=self._forget,
            patience_s=PATIENCE_S,
        )
        engine.sockets[sid] = session
        session.send(
            Packet(
                packet.OPEN,
                {
                    "sid": sid,
                    "upgrades": engine._upgrades(sid, transport),
                    "pingTimeout": int(engine.ping_timeout * 1000),
                    "pingInterval": int(engine.ping_interval * 1000),
                    "maxPayload": engine.max_http_buffer_size,
                },
            )
        )
        engine._trigger_event("connect", sid, environ, run_async=False)
        if not admitted:
            # Not before: from here on another stranger's coming may end it, at any moment.
            self._remember(session)
        session.start()
        if transport == "websocket":
            return session.handle_get_request(environ, start_response)
        session.connected = True
        return engine._ok(session.poll(), jsonp_index=jsonp_index)

    def has_connected(self, sid: str) -> bool:
        """Whether a client has connected to the default namespace, having shown its token."""
        return self._manager.sid_from_eio_sid(sid, "/") is not None

    def _has_room(self, transport: str) -> bool:
        sessions = list(self._engine.sockets.values())
        if len(sessions) >= min(SESSIONS_LIMIT, _open_files_limit() // 2):
            return False
        if transport == "websocket":
            return True
        return sum(not session.upgraded for session in sessions) < POLLING_LIMIT

    def _remember(self, session: Session) -> None:
        with self._turn:
            self._strangers[session.sid] = session
            for sid in [sid for sid in self._strangers if self.has_connected(sid)]:
                del self._strangers[sid]
            excess = list(self._strangers.values())[: len(self._strangers) - STRANGERS_LIMIT]
        for stranger in excess:
            stranger.close(wait=False, abort=True, reason=self._engine.reason.TRANSPORT_ERROR)

    def _forget(self, session: Session) -> None:
        with self._turn:
            self._strangers.pop(session.sid, None)


def _open_files_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return SESSIONS_LIMIT * 2 if soft == resource.RLIM_INFINITY else soft


def _full() -> dict[str, Any]:
    sentence = "Too many clients are connected: try again later, or by a websocket."
    return {
        "status": "429 Too Many Requests",
        "headers": [("Content-Type", "application/json"), ("Retry-After", str(_RETRY_AFTER_S))],
        "response": json_bytes({"error": sentence, "code": "too_many_clients"}),
    }
