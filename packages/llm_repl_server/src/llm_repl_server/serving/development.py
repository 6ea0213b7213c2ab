"""``llm-repl serve --debug``: Werkzeug's server, which starts anew when a source file changes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, is_running_from_reloader, make_server, run_simple

from llm_repl_server.auth.redaction import redact_tokens
from llm_repl_server.serving.listening import listen, local_url
from llm_repl_server.serving.stopping import stop_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

__all__ = ["serve_for_development"]

# How the process that watches tells the one that serves where it listens.
_URL_VARIABLE = "LLM_REPL_DEVELOPMENT_URL"


def serve_for_development(
    make_app: Callable[[], WSGIApplication],
    host: str,
    port: int,
    *,
    reload: bool = True,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve an application while it is being worked on, until SIGTERM or Ctrl-C.

    Tracebacks go to the terminal. Werkzeug's debugger in the browser stays off: it would answer
    before anybody has been asked for a token, and it runs whatever it is sent.

    Args:
        make_app: Makes the application, in the process that serves it.
        host: Where to listen, as in `listen`.
        port: Where to listen; 0 takes any free port.
        reload: Whether the process starts anew when a source file changes.
        on_ready: Called in the process that serves, whenever it starts, with the URL for a browser
            on this machine.

    Raises:
        InvalidSetting: The host or the port cannot be used.
        Conflict: Another program has the port.
    """
    if reload and not is_running_from_reloader():
        with _listen(host, port) as (_, url):
            os.environ[_URL_VARIABLE] = url
        # Takes the port anew and watches; a child of this process serves.
        run_simple(host, _port(url), _nothing, use_reloader=True)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    if not reload:
        with _listen(host, port) as (taken, url), _running(make_app, on_ready, url) as app:
            options: dict[str, Any] = {"threaded": True, "request_handler": _RequestHandler}
            make_server(host, _port(url), app, fd=taken.fileno(), **options).serve_forever()
        return
    url = os.environ[_URL_VARIABLE]
    with _running(make_app, on_ready, url) as app:
        run_simple(
            host,
            _port(url),
            app,
            use_reloader=True,
            use_debugger=False,
            threaded=True,
            request_handler=_RequestHandler,
        )


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Take the port on one address, which is what Werkzeug's server can do."""
    first, *others = listen(host, port)
    for taken in others:
        taken.close()
    with first:
        yield first, local_url([first])


@contextlib.contextmanager
def _running(
    make_app: Callable[[], WSGIApplication], on_ready: Callable[[str], None] | None, url: str
) -> Iterator[WSGIApplication]:
    app = make_app()
    try:
        if on_ready is not None:
            on_ready(url)
        yield app
    finally:
        stop_application(app)


def _port(url: str) -> int:
    return urllib.parse.urlsplit(url).port or 80


class _RequestHandler(WSGIRequestHandler):
    """Werkzeug's, with small frames sent at once and no token in the log."""

    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """Answer a request; a websocket's connection is then the engine's, and not read from."""
        super().handle_one_request()
        if self.connection.fileno() < 0:
            self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log a request."""
        super().log(type, "%s", redact_tokens(message % args if args else message))


def _nothing(_environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """Stand in for an application where none is served."""
    start_response("503 Service Unavailable", [])
    return []
