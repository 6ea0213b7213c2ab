"""What an application does before its process ends."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

__all__ = ["on_stop", "stop_application"]

_KEY = "llm_repl.stop"


def on_stop(app: Flask, stop: Callable[[], None]) -> None:
    """Name what is to be called once when the process that serves an application is to end.

    No new connections are accepted by then, but requests may still be running, and those that the
    call brings to an end are answered. It has about three seconds: it should not wait for clients.

    Args:
        app: The application that is served.
        stop: To be called in a thread of its own.
    """
    app.extensions[_KEY] = stop


def stop_application(app: object) -> None:
    """Call what was named for an application, if anything was; any WSGI application will do."""
    stop = getattr(app, "extensions", {}).get(_KEY)
    if stop is not None:
        stop()
