"""The least that a web server in Python does: Flask, answering with a constant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response

from bench.programs import command, free_port, running

__all__ = ["app", "constant_server"]

app = Flask(__name__)


@app.post("/<path:_>")
def answer(_: str) -> Response:
    """As long as what our server answers for `x = 1`, and the same whatever is asked."""
    return Response(b'"' + b"x" * 158 + b'"', mimetype="application/json")


@contextmanager
def constant_server(threads: int) -> Iterator[int]:
    """Under gunicorn with threads; gives its port."""
    port = free_port()
    arguments = [
        *(command("gunicorn"), f"--bind=127.0.0.1:{port}", "--worker-class=gthread"),
        *(f"--threads={threads}", "--keep-alive=75", f"--chdir={Path(__file__).parents[2]}"),
        # Not of the folder that it is started in: that one has our server's settings.
        *("--config=/dev/null", "--no-control-socket", "bench.peers.flask_constant:app"),
    ]
    with running(arguments, port=port):
        yield port
