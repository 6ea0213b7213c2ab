"""Who may open a Socket.IO session, and how many may, before a token is shown as well."""

from __future__ import annotations

import asyncio
import resource
import threading
from typing import TYPE_CHECKING, Any

from llm_repl_server.auth.middleware import ADMITTED_KEY
from llm_repl_server.compat.engineio import EngineServer
from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.sockets.session import SocketSession

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["POLLING_LIMIT", "SESSION_KEY", "UNAUTHENTICATED_LIMIT", "Handshakes"]

SESSION_KEY = "llm_repl.session"
"""Where the environment of a client's events has its session."""

SESSIONS_LIMIT = 4096
"""How many clients may be connected at once, where the system lets the process open as many files."""

POLLING_LIMIT = 256
"""How many of these may use long polling: each may have a request that waits, and that has a thread."""

UNAUTHENTICATED_LIMIT = 64
"""How many may wait before they show a token. One more, and the one that has waited longest is dropped."""

AUTHENTICATION_TIMEOUT_S = 5.0
"""How long a client may take from its handshake to its ``connect``, which holds the token."""

_RETRY_AFTER_S = 5


class Handshakes:
    """Opens Engine.IO's sessions, in the place of the library.

    Args:
        engine: The Engine.IO server.
        loop: Serves the websockets and keeps the clients' time.
    """

    def __init__(self, engine: EngineServer, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        self._unauthenticated: dict[str, SocketSession] = {}  # the one that came first is the first
        self._lock = threading.Lock()

    def open(
        self,
        environ: dict[str, Any],
        start_response: StartResponse,
        transport: str,
        jsonp_index: int | None = None,
    ) -> Any:
        """Open a session, or refuse it."""
        engine = self._engine
        if not self._has_room(transport):
            return _too_many_clients()
        sid = engine.generate_id()
        session = SocketSession(
            engine,
            sid,
            loop=self._loop,
            is_admitted=bool(environ.get(ADMITTED_KEY, False)),
            on_close=self._forget,
            authentication_timeout_s=AUTHENTICATION_TIMEOUT_S,
        )
        engine.sessions[sid] = session
        environ[SESSION_KEY] = session
        session.send(engine.open_packet(sid, transport))
        engine.connected(sid, environ)
        if not session.is_known:
            # Not before: from here on the coming of another may end it, at any moment.
            self._remember(session)
        session.start()
        if transport == "websocket":
            return session.handle_get_request(environ, start_response)
        session.connected = True
        return engine.poll_response(session.poll(), jsonp_index)

    def _has_room(self, transport: str) -> bool:
        sessions = list(self._engine.sessions.values())
        if len(sessions) >= min(SESSIONS_LIMIT, _open_files_limit() // 2):
            return False
        if transport == "websocket":
            return True
        return sum(not session.upgraded for session in sessions) < POLLING_LIMIT

    def _remember(self, session: SocketSession) -> None:
        with self._lock:
            self._unauthenticated = {
                sid: waiting
                for sid, waiting in self._unauthenticated.items()
                if not waiting.is_known
            }
            self._unauthenticated[session.sid] = session
            excess = len(self._unauthenticated) - UNAUTHENTICATED_LIMIT
            dropped = list(self._unauthenticated.values())[: max(excess, 0)]
        for waiting in dropped:
            waiting.drop()

    def _forget(self, session: SocketSession) -> None:
        with self._lock:
            self._unauthenticated.pop(session.sid, None)


def _open_files_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return SESSIONS_LIMIT * 2 if soft == resource.RLIM_INFINITY else soft


def _too_many_clients() -> dict[str, Any]:
    sentence = "Too many clients are connected: try again later, or by a websocket."
    return {
        "status": "429 Too Many Requests",
        "headers": [("Content-Type", "application/json"), ("Retry-After", str(_RETRY_AFTER_S))],
        "response": json_bytes({"error": sentence, "code": "too_many_clients"}),
    }
