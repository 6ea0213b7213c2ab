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

from gunicorn.arbiter import Arbiter
from gunicorn.util import close_graceful, write_nonblock
from gunicorn.workers.gthread import _DEFER, TConn
from gunicorn.workers.gthread import ThreadWorker as GunicornThreadWorker

from llm_repl_core.errors import LLMReplError
from llm_repl_server.serving.refusal import DEFECT, OVERDUE, refusal_of
from llm_repl_server.serving.request_head import PATIENCE_S, PatientUnreader
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
# their client take nobody's place. The second: more than `sockets.lobby` lets poll at a time.
LANE_THREADS = {"body": 64, "poll": 320}
# How long what was sent may go without a sign of the other side.
UNACKNOWLEDGED_LIMIT_MS = 60_000

# How long a thread waits for the next request of a connection whose last one it has answered.
STAY_MS = 2

_TO_LANE = object()


class ThreadWorker(GunicornThreadWorker):  # type: ignore[misc]  # gunicorn brings no types
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
        self._lanes: dict[str, ThreadPoolExecutor] = {}

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
        self._staying = threading.BoundedSemaphore(self.cfg.threads // 2)
        self._lanes = {name: ThreadPoolExecutor(count) for name, count in LANE_THREADS.items()}
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

    def handle(self, conn: TConn) -> object:
        """Serve a connection for one request, and for those that follow at once."""
        if getattr(conn, "is_in_lane", False):
            return self._handle_one(conn)  # its thread is there for requests of one kind
        again = self._handle_one(conn)
        while again is True and self._stays(conn):
            again = self._handle_one(conn)
        return again

    def _stays(self, conn: TConn) -> bool:
        """Whether a connection's next request is there, or comes in the moment that its thread stays.

        Each way through the poller is two changes of threads, which cost more than most requests.
        """
        if not self.alive or not self._staying.acquire(blocking=False):
            return False
        try:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            return bool(poll.poll(STAY_MS))
        finally:
            self._staying.release()

    def _handle_one(self, conn: TConn) -> object:
        """Serve a connection for one request, once the head of one is there."""
        is_new = not conn.initialized
        if is_new and conn.sock.family != socket.AF_UNIX:
            # Nagle's algorithm and delayed ACKs would hold a websocket's small frames for 40 ms.
            conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                conn.sock.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_LIMIT_MS
                )
        if getattr(conn, "is_in_lane", False):
            conn.is_in_lane = False
        elif self._reads_plain_http():
            if is_new:
                conn.init()
                conn.parser.unreader = PatientUnreader(conn.sock)
            if not conn.parser.unreader.read_head():
                # It holds a place among the connections now, and no thread. At the end of the
                # worker gunicorn would take such a one for a request that has been answered.
                return _DEFER if self.alive else False
            if conn.parser.unreader.lane in self._lanes:
                return _TO_LANE
        again = super().handle(conn)
        if not again:
            # Here, since the main thread would wait two seconds for a client that does not close,
            # and accept nobody meanwhile.
            with contextlib.suppress(OSError):
                conn.sock.setblocking(True)
                close_graceful(conn.sock, max_drain=LEFTOVER_BYTES)
        return again

    def finish_request(self, conn: TConn, done: Any) -> None:
        """Decide what becomes of a connection; one that is closed has only to be counted."""
        if not done.cancelled() and done.exception() is None and done.result() is _TO_LANE:
            conn.is_in_lane = True
            handled = self._lanes[conn.parser.unreader.lane].submit(self.handle, conn)
            handled.add_done_callback(
                lambda future: self.method_queue.defer(self.finish_request, conn, future)
            )
        elif conn.sock.fileno() < 0:
            self.nr_conns -= 1  # gunicorn's would fail at it, and count it twice
        else:
            super().finish_request(conn, done)

    def murder_pending(self) -> None:
        """Close connections that nothing came from for long, or only a part of a request."""
        for conn in [conn for conn in self.pending_conns if _is_overdue(conn)]:
            self._drop_pending(conn)
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        super().murder_pending()

    def _make_room(self) -> None:
        """Close some of the connections that have been silent for long; the first are the oldest."""
        latest = time.monotonic() + self.cfg.keepalive - PATIENCE_S
        count = max(self.worker_connections // 16, 1)
        for conn in list(self.pending_conns)[:count]:
            if conn.timeout < latest:
                self._drop_pending(conn)
        for conn in list(self.keepalived_conns)[:count]:
            if conn.timeout < latest:
                self.keepalived_conns.remove(conn)
                self._close_idle(conn)

    def handle_error(self, req: object, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what is no good request, in JSON; what it held goes into no answer and no log."""
        refusal = refusal_of(exc)
        if refusal is DEFECT:
            address = getattr(req, "uri", None)  # the logger takes a token out
            self.log.error("Error handling request %r", address, exc_info=exc)
        else:
            host = addr[0] if isinstance(addr, tuple) else "this machine"
            self.log.warning("A request from %s was refused: %s", host, refusal.sentence)
        with contextlib.suppress(OSError):
            write_nonblock(client, refusal.response())

    def _reads_plain_http(self) -> bool:
        """Whether a client's bytes are HTTP/1, as always unless whoever calls gunicorn differs."""
        cfg = self.cfg
        return not cfg.is_ssl and cfg.protocol == "http" and cfg.http2_cleartext == "off"

    def _drop_pending(self, conn: TConn) -> None:
        self.pending_conns.remove(conn)
        with contextlib.suppress(OSError):
            write_nonblock(conn.sock, OVERDUE.response())
        self._close_idle(conn)

    def _close_idle(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

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
            stop_application(self.wsgi)
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


def _is_overdue(conn: TConn) -> bool:
    """Whether a request has begun to come from a client, and ought to be here by now."""
    unreader = getattr(conn.parser, "unreader", None)
    return isinstance(unreader, PatientUnreader) and unreader.is_overdue


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
