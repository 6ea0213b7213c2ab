"""gunicorn's threaded worker, taught to end: in order, in time, and whoever asks for it."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llm_repl_core.errors import LLMReplError
from llm_repl_server.compat.gunicorn import (
    WAIT_FOR_MORE,
    Arbiter,
    Connection,
    ConnectionWorker,
)
from llm_repl_server.serving.error_responses import (
    INTERNAL_ERROR,
    REQUEST_TIMEOUT,
    error_response_for,
)
from llm_repl_server.serving.request_reader import REQUEST_TIMEOUT_S, Pool, RequestReader
from llm_repl_server.serving.responsiveness import make_responsive
from llm_repl_server.serving.stopping import stop_application

__all__ = ["ThreadWorker", "child_exit"]

# How many files and connections the worker may have open at once, where the system lets it.
OPEN_FILES = 8192
# What requests get to be answered in, once the application has stopped what they wait for. The
# master kills the worker `graceful_timeout` after the signal, so the two have to fit into that.
DRAIN_S = 0.7
# How much of what a refused client still sends is read before the connection is closed: with less,
# the answer is lost to a client that is still sending.
LEFTOVER_BYTES = 4 * 1024 * 1024
# Threads besides those of `threads`, made when they are needed, so that requests that wait for
# their client take nobody's place. The second: more than `sockets.handshakes` lets poll at a time.
POOL_THREADS: dict[Pool, int] = {"body": 64, "poll": 320}
# How long what was sent may go without a sign of the other side.
UNACKNOWLEDGED_LIMIT_MS = 60_000

# How long a thread waits for the next request of a connection whose last one it has answered.
STAY_MS = 2


class ThreadWorker(ConnectionWorker):
    """A thread for every request that is here, and an end that no open connection can hold up.

    gunicorn's own waits at its end for the threads of all requests, so that a single websocket
    keeps it until it is killed, and before that the application is not told.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Shared with the master, who makes this object and then forks.
        self._boot = mmap.mmap(-1, 1)
        self._stopper: threading.Thread | None = None
        self._exit_code = 0
        self._drained = threading.Event()
        self._pools: dict[Pool, ThreadPoolExecutor] = {}
        #: The connections whose request is here, and waits for a thread of one of the pools.
        self._in_pools: set[Connection] = set()

    @property
    def boot_exit_code(self) -> int:
        """What the application's failure to start asks the server to exit with; 0: none."""
        return self._boot[0]

    def init_process(self) -> None:
        """Begin the worker's life."""
        # A new connection takes two descriptors, and as many are kept for everything else: the
        # database, kernels, their pipes.
        connections: int = self.cfg.worker_connections
        self.worker_connections = min(connections, _raise_open_files() // 4)
        # Half of the threads stay free for those who wait for one.
        self._stays = threading.BoundedSemaphore(self.cfg.threads // 2)
        self._pools = {name: ThreadPoolExecutor(count) for name, count in POOL_THREADS.items()}
        super().init_process()

    def load_wsgi(self) -> None:
        """Make the application; one that cannot start says why, without a traceback."""
        try:
            super().load_wsgi()
        except LLMReplError as error:
            sys.stderr.write(f"Error: {error}\n")
            self._boot[0] = error.exit_code
            _leave(0)
        except SystemExit as ended:  # it has said why; gunicorn would try again for ever
            code = ended.code
            self._boot[0] = code if isinstance(code, int) and 0 < code < 256 else 1
            _leave(0)
        except Exception:
            self.log.exception("The application failed to start.")
            # Threads of a half-made application could hold up an ordinary end.
            self._boot[0] = 1
            _leave(0)
        make_responsive()

    def accept(self, listener: Any) -> None:
        """Accept a connection, if there is a descriptor left for it."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            # gunicorn's would die of it, with all that it runs. This one looks again in a moment.
            self.log.warning("A connection has to wait: too many files are open.")
            time.sleep(0.1)

    def serve(self, connection: Connection) -> object:
        """Serve a connection for one request, and for those that follow at once."""
        is_in_pool = connection in self._in_pools
        kept = self._serve_one(connection)
        if kept is not True or is_in_pool or not self._stays.acquire(blocking=False):
            return kept
        try:
            # Each way through the poller is two changes of threads, which cost more than most requests.
            while kept is True and self.alive and self._next_comes(connection):
                kept = self._serve_one(connection)
        finally:
            self._stays.release()
        return kept

    def _serve_one(self, connection: Connection) -> object:
        """Serve a connection for one request, once the head of one is there."""
        is_new = not connection.initialized
        if is_new:
            _send_at_once(connection.sock)
        if connection in self._in_pools:
            self._in_pools.remove(connection)
        elif self._reads_plain_http():
            if is_new:
                self.use_reader(connection, RequestReader(connection.sock))
            reader: RequestReader = connection.parser.unreader
            if not reader.read_head():
                # It holds a place among the connections now, and no thread. At the end of the
                # worker gunicorn would take such a one for a request that has been answered.
                return WAIT_FOR_MORE if self.alive else False
            if reader.pool in self._pools:
                self._in_pools.add(connection)
                return self._pools[reader.pool]
        kept = self.serve_request(connection)
        if not kept:
            # Here, since the main thread would wait two seconds for a client that does not close,
            # and accept nobody meanwhile.
            with contextlib.suppress(OSError):
                self.close_when_read(connection, LEFTOVER_BYTES)
        return kept

    def _next_comes(self, connection: Connection) -> bool:
        """Whether a connection's next request is there, or comes in the moment that is waited for it."""
        if self.has_more(connection):
            return True
        poll = select.poll()
        poll.register(connection.sock, select.POLLIN)
        return bool(poll.poll(STAY_MS))

    def close_overdue(self) -> None:
        """Close connections that only a part of a request came from; and silent ones, for room."""
        for connection in [waiting for waiting in self.unserved if _is_overdue(waiting)]:
            self.close_waiting(connection, REQUEST_TIMEOUT.encode())
        if self.is_full:
            self._make_room()

    def _make_room(self) -> None:
        """Close some of the connections that have been silent for long; the first are the oldest."""
        latest = time.monotonic() + self.cfg.keepalive - REQUEST_TIMEOUT_S
        count = max(self.worker_connections // 16, 1)
        for connection in list(self.unserved)[:count]:
            if connection.timeout < latest:
                self.close_waiting(connection, REQUEST_TIMEOUT.encode())
        for connection in list(self.kept)[:count]:
            if connection.timeout < latest:
                self.close_waiting(connection)

    def error_response(self, error: Exception, address: str | None, peer: str) -> bytes:
        """What is no good request is answered in JSON; what it held goes into no answer and no log."""
        response = error_response_for(error)
        if response is INTERNAL_ERROR:
            # The logger takes a token out of the address.
            self.log.error("Error handling request %r", address, exc_info=error)
        else:
            self.log.warning("A request from %s was refused: %s", peer, response.message)
        return response.encode()

    def _reads_plain_http(self) -> bool:
        """Whether a client's bytes are HTTP/1, as always unless whoever calls gunicorn differs."""
        cfg = self.cfg
        return not cfg.is_ssl and cfg.protocol == "http" and cfg.http2_cleartext == "off"

    def handle_quit(self, sig: int, frame: object) -> None:
        """End in order on Ctrl-C too, which the terminal sends to the worker as to the master."""
        self.handle_exit(sig, frame)

    def init_signals(self) -> None:
        """Take the signals over, that of a closed terminal too: it is for the master to decide."""
        super().init_signals()
        signal.signal(signal.SIGHUP, self.handle_hup)

    def handle_hup(self, sig: int, frame: object) -> None:
        """Do nothing, by a handler: what is ignored would stay ignored in the kernels."""

    def is_parent_alive(self) -> bool:
        """Whether the master is there; without it the worker is to end."""
        if super().is_parent_alive():
            return True
        self.alive = False
        return False

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to accept connections; ceasing for good begins the end."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._begin_to_stop()

    def run(self) -> None:
        """Serve until told to end, then end the process."""
        try:
            super().run()
        except Exception:
            self.log.exception("The worker failed; another one takes its place.")
            self._exit_code = 1
            self._begin_to_stop()
        self._drained.set()
        if self._stopper is not None:
            self._stopper.join(self.cfg.graceful_timeout)
        _leave(self._exit_code)

    def _begin_to_stop(self) -> None:
        if self._stopper is not None:
            return
        for listener in self.sockets:
            listener.close()  # a server that is started now finds the port free
        self._stopper = threading.Thread(target=self._stop, name="stop", daemon=True)
        self._stopper.start()

    def _stop(self) -> None:
        try:
            stop_application(self.application)
        except Exception:
            self.log.exception("The application failed to stop in order.")
        self._drained.wait(DRAIN_S)
        _leave(self._exit_code)


def child_exit(server: Arbiter, worker: ThreadWorker) -> None:
    """A hook of gunicorn's: end the server where the application cannot start."""
    if worker.boot_exit_code:
        try:
            server.halt()
        except SystemExit:
            sys.exit(worker.boot_exit_code)


def _send_at_once(connection: socket.socket) -> None:
    """Have small pieces sent at once, and a connection ended whose other side is silent."""
    if connection.family == socket.AF_UNIX:
        return
    # Nagle's algorithm and delayed ACKs would hold a websocket's small frames for 40 ms.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_LIMIT_MS)


def _is_overdue(connection: Connection) -> bool:
    """Whether a request has begun to come from a client, and ought to be here by now."""
    reader = getattr(connection.parser, "unreader", None)
    return isinstance(reader, RequestReader) and reader.is_overdue


def _raise_open_files() -> int:
    """Raise the limit of open files as far as is needed and allowed, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def _leave(exit_code: int) -> None:
    """End the process at once: threads that still wait for clients would keep it forever."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(exit_code)
