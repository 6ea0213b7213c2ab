"""gunicorn: a threaded worker, with names for what its connections go through.

Documented are settings, hooks and the classes to name in them; how a worker keeps its connections and
reads from them is not.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from typing import Any, Protocol

from gunicorn.arbiter import Arbiter
from gunicorn.http import errors
from gunicorn.http.parser import _DRAIN_MAX_BYTES
from gunicorn.http.unreader import SocketUnreader
from gunicorn.util import close_graceful, write_nonblock
from gunicorn.workers.gthread import _DEFER
from gunicorn.workers.gthread import ThreadWorker as _ThreadWorker

__all__ = [
    "WAIT_FOR_MORE",
    "Arbiter",
    "Connection",
    "ConnectionWorker",
    "SocketUnreader",
    "errors",
]


class Connection(Protocol):
    """A client's connection: gunicorn's ``TConn``.

    Attributes:
        sock: Its socket.
        initialized: Whether its parser is there.
        parser: Reads requests, by ``parser.unreader``.
        timeout: When it is closed if nothing comes, on the monotonic clock.
    """

    sock: socket.socket
    initialized: bool
    parser: Any
    timeout: float

    def init(self) -> None:
        """Make the parser."""

    def close(self) -> None:
        """Close it."""


WAIT_FOR_MORE = _DEFER
"""What serving a connection returns where too little has come of a request to begin."""


class ConnectionWorker(_ThreadWorker):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's threaded worker, which asks a subclass what becomes of its connections.

    Attributes:
        application: The application.
        alive: Whether the worker goes on.
        cfg: The settings.
        log: gunicorn's logger.
        sockets: Where it listens.
        worker_connections: How many connections it may have.
    """

    application: Callable[..., Iterable[bytes]]
    alive: bool
    cfg: Any
    log: Any
    sockets: list[socket.socket]
    worker_connections: int
    wsgi: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._served = threading.local()

    # What a subclass decides ----------------------------------------------------------------------

    def serve(self, connection: Connection) -> object:
        """Serve a connection, in a thread.

        Returns:
            Whether it is kept; `WAIT_FOR_MORE`; or an executor that is to serve it.
        """
        return self.serve_request(connection)

    def close_overdue(self) -> None:
        """Close the connections that have waited for too long; called at least once a second."""

    def error_response(self, error: Exception, address: str | None, peer: str) -> bytes:
        """The answer to what is no good request, or at which the application failed.

        Args:
            error: What was raised.
            address: What was asked for, where that is known.
            peer: Who asked.
        """
        raise NotImplementedError

    # What it may use ------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another connection."""
        full: bool = self.nr_conns >= self.worker_connections
        return full

    @property
    def unserved(self) -> deque[Connection]:
        """The connections that a request has not come from yet, or not all of it."""
        waiting: deque[Connection] = self.pending_conns
        return waiting

    @property
    def kept(self) -> deque[Connection]:
        """The connections that wait for their next request; the one that waits longest is first."""
        waiting: deque[Connection] = self.keepalived_conns
        return waiting

    def serve_request(self, connection: Connection) -> object:
        """Serve one request, and return whether the connection is kept."""
        return super().handle(connection)

    def use_reader(self, connection: Connection, reader: SocketUnreader) -> None:
        """Have a new connection's requests read by something else."""
        connection.init()
        connection.parser.unreader = reader

    def has_more(self, connection: Connection) -> bool:
        """Whether something of the next request was read with the last one."""
        return bool(connection.parser.unreader.buf.getvalue())

    def close_when_read(self, connection: Connection, limit_bytes: int) -> None:
        """Close a connection once its client has read the answer, which it may still be sending to."""
        connection.sock.setblocking(True)
        close_graceful(connection.sock, max_drain=limit_bytes)

    def close_waiting(self, connection: Connection, response: bytes | None = None) -> None:
        """Close a connection that is `unserved` or `kept`.

        Args:
            connection: The connection.
            response: What its client is told.
        """
        for waiting in (self.pending_conns, self.keepalived_conns):
            if connection in waiting:
                waiting.remove(connection)
        if response is not None:
            self._write(connection.sock, response)
        self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close()

    # What gunicorn calls --------------------------------------------------------------------------

    def load_wsgi(self) -> None:
        """Make the application."""
        super().load_wsgi()
        made: Callable[..., Iterable[bytes]] = self.wsgi
        self.application, self.wsgi = made, self._answer

    def handle_request(self, req: Any, conn: Connection) -> object:
        """Serve a request."""
        self._served.request = req
        try:
            return super().handle_request(req, conn)
        finally:
            self._served.request = None

    def _answer(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Have an answer say that its connection ends where gunicorn would not read the request's rest."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            request = getattr(self._served, "request", None)
            if request is not None and _has_large_rest(request):
                request.force_close()
            return start_response(status, headers, exc_info)

        return self.application(environ, start)

    def handle(self, conn: Connection) -> object:
        """Serve a connection, in a thread."""
        return self.serve(conn)

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """Decide, in the main thread, what becomes of a connection; a closed one has to be counted."""
        result = None if fs.cancelled() or fs.exception() is not None else fs.result()
        if isinstance(result, Executor):
            result.submit(self.handle, conn).add_done_callback(
                lambda done: self.method_queue.defer(self.finish_request, conn, done)
            )
        elif conn.sock.fileno() < 0:
            self.nr_conns -= 1  # gunicorn's would fail at it, and count it twice
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close connections that have waited for too long."""
        self.close_overdue()
        super().murder_pending()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no good request."""
        peer = addr[0] if isinstance(addr, tuple) else "this machine"
        self._write(client, self.error_response(exc, getattr(req, "uri", None), peer))

    @staticmethod
    def _write(client: socket.socket, response: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            write_nonblock(client, response)


def _has_large_rest(request: Any) -> bool:
    """Whether so much of a body was not read that gunicorn closes the connection behind the answer."""
    reader = request.body.reader
    if (length := getattr(reader, "length", None)) is not None:
        return int(length) >= int(_DRAIN_MAX_BYTES)
    # Of pieces whose end has not come, nobody knows how many there are.
    return getattr(reader, "parser", None) is not None
