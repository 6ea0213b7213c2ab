"""``llm-repl serve``: gunicorn with one threaded worker, in this very process and one child."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from gunicorn.app.base import BaseApplication

from llm_repl_server.compat.gunicorn import Arbiter
from llm_repl_server.serving import gunicorn_settings
from llm_repl_server.serving.listening import BACKLOG, listen, local_url
from llm_repl_server.serving.thread_worker import ThreadWorker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["serve"]


def serve(
    make_app: Callable[[], WSGIApplication],
    host: str,
    port: int,
    *,
    threads: int = gunicorn_settings.threads,
    on_ready: Callable[[str], None] | None = None,
    access_log: bool = False,
) -> NoReturn:
    """Serve an application until SIGTERM, SIGINT or SIGHUP; the process then exits with 0.

    Args:
        make_app: Makes the application, in the worker's process; once, unless the worker crashes.
            An `LLMReplError` from it is written as one sentence and becomes the exit code.
        host: Where to listen, as in `listen`.
        port: Where to listen; 0 takes any free port.
        threads: How many requests are served at once; an open websocket is none.
        on_ready: Called in the worker's process, when requests are answered from now on, with the
            URL for a browser on this machine.
        access_log: Whether every request is logged to stdout.

    Raises:
        InvalidSetting: The host or the port cannot be used.
        Conflict: Another program has the port.
        SystemExit: Always, at the end.
    """
    sockets = listen(host, port)
    url = local_url(sockets)

    def announce(worker: ThreadWorker) -> None:
        if on_ready is not None and worker.age == 1:
            on_ready(url)

    settings: dict[str, Any] = {
        name: getattr(gunicorn_settings, name) for name in gunicorn_settings.__all__
    }
    settings |= {
        "threads": threads,
        "worker_connections": max(gunicorn_settings.worker_connections, 2 * threads),
        "backlog": BACKLOG,
        "post_worker_init": announce,
        "accesslog": "-" if access_log else None,
        "loglevel": "warning",
        "proc_name": "llm-repl",
    }
    _Application(make_app, sockets, settings).run()
    raise AssertionError("gunicorn's run() ends the process")


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn brings no types
    """What gunicorn is told: our settings and nobody else's, no file, no command line."""

    def __init__(
        self,
        make_app: Callable[[], WSGIApplication],
        sockets: list[socket.socket],
        settings: dict[str, Any],
    ) -> None:
        self._make_app = make_app
        # gunicorn makes sockets of its own from the descriptors, and closes those.
        self._settings = settings | {"bind": [f"fd://{taken.detach()}" for taken in sockets]}
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        return self._make_app()

    def run(self) -> None:
        _Master(self).run()


class _Master(Arbiter):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's master, without the signals that would make it run two workers at once."""

    def __init__(self, app: _Application) -> None:
        self._outlives_terminal = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        super().__init__(app)

    def handle_hup(self) -> None:
        """The terminal was closed: end, unless started by `nohup`."""
        if not self._outlives_terminal:
            self.handle_term()

    def _ignore(self) -> None:
        """Nothing: there is one worker, and the command is not started anew."""

    handle_ttin = handle_ttou = handle_usr2 = _ignore
