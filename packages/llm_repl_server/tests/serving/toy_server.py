"""A small server for the tests to start, break and stop: `python toy_server.py how folder`."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_socketio import disconnect, emit

from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.errors import LLMReplError, StorageError
from llm_repl_core.providers.secret import Secret
from llm_repl_server.auth.middleware import ADMITTED_KEY, AccessMiddleware
from llm_repl_server.auth.policy import Policy
from llm_repl_server.compat.engineio import EngineServer
from llm_repl_server.serving.development import serve_for_development
from llm_repl_server.serving.production import serve
from llm_repl_server.serving.stopping import on_stop
from llm_repl_server.sockets.broadcaster import Broadcaster
from llm_repl_server.sockets.server import make_socketio
from llm_repl_server.sockets.stopping import close_connections, hold_polls
from llm_repl_server.sockets.subscriptions import handle_subscriptions

TOKEN = "a-token-of-the-tests"


def make_app() -> Flask:
    folder = Path(os.environ["TOY_FOLDER"])
    with (folder / "made").open("a") as made:
        made.write(f"{os.getpid()}\n")
    failure = os.environ.get("TOY_FAILURE")
    # What a half-made application leaves behind must not keep its process alive.
    threading.Thread(target=time.sleep, args=(30 if failure else 0,)).start()
    if failure == "storage":
        raise StorageError("The folder for notebooks cannot be written.")
    if failure == "exit":
        sys.exit(7)
    if failure == "defect":
        raise RuntimeError("a defect")

    app = Flask(__name__)
    loop = EngineLoop()
    socketio = make_socketio(
        app,
        loop.loop,
        ping_interval=float(os.environ.get("TOY_PING_INTERVAL_S", "25")),
        ping_timeout=float(os.environ.get("TOY_PING_TIMEOUT_S", "20")),
    )
    policy = Policy(os.environ.get("TOY_AUTH", "auto"), Secret(TOKEN))  # type: ignore[arg-type]
    app.wsgi_app = AccessMiddleware(app.wsgi_app, policy, body_limit_bytes=1000)  # type: ignore[method-assign]

    @app.get("/")
    def page() -> str:
        return "<h1>Hello</h1>"

    @app.get("/api/hello")
    def hello() -> dict[str, object]:
        return {"hello": True, "query": request.query_string.decode(), "pid": os.getpid()}

    @app.get("/api/thread")
    def thread() -> dict[str, object]:
        return {"thread": threading.get_ident()}

    @app.get("/api/sessions")
    def sessions() -> dict[str, object]:
        return {"sessions": len(EngineServer(socketio).sessions)}

    four = threading.Barrier(4, timeout=15)

    @app.get("/api/four-at-once")
    def four_at_once() -> dict[str, object]:
        four.wait()
        return {"thread": threading.get_ident()}

    @app.post("/api/echo")
    def echo() -> dict[str, object]:
        return {"body": request.get_json()}

    @app.get("/api/fail")
    def fail() -> str:
        raise RuntimeError("a defect")

    @app.get("/api/bad-header")
    def bad_header() -> tuple[str, dict[str, str]]:
        return "", {"not a name": "x"}

    @app.get("/api/nodelay")
    def nodelay() -> dict[str, object]:
        connection = request.environ.get("gunicorn.socket") or request.environ["werkzeug.socket"]
        return {"nodelay": connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0}

    @app.get("/api/hang")
    def hang() -> dict[str, object]:
        (folder / "hanging").touch()
        time.sleep(60)
        return {}

    @app.get("/api/slow")
    def slow() -> dict[str, object]:
        (folder / "slow").touch()
        stopping.wait(60)
        return {"stopping": stopping.is_set()}

    def admit(environ: Mapping[str, Any], auth: object) -> bool:
        token = auth.get("token") if isinstance(auth, dict) else None
        return bool(environ[ADMITTED_KEY]) or policy.token_matches(token)

    handle_subscriptions(socketio, Broadcaster(loop.loop), admit)

    @socketio.on("echo")
    def echo_event(data: object) -> object:
        # Two small frames in a row: the second is what Nagle's algorithm would hold back.
        emit("first", data)
        return data

    @socketio.on("leave")
    def leave() -> None:
        disconnect()

    stopping = threading.Event()

    def stop() -> None:
        hold_polls(socketio)
        stopping.set()
        loop.call(close_connections(socketio))
        loop.close()
        (folder / "stopped").touch()
        if os.environ.get("TOY_FAILURE") == "stop":
            time.sleep(60)

    on_stop(app, stop)
    return app


def main() -> None:
    how, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])

    def ready(url: str) -> None:
        print(f"ready {url}", flush=True)

    try:
        if how == "development":
            serve_for_development(make_app, host, port, reload=False, on_ready=ready)
        elif how == "reload":
            serve_for_development(make_app, host, port, on_ready=ready)
        else:
            threads = int(os.environ.get("TOY_THREADS", "512"))
            access_log = how == "access-log"
            serve(make_app, host, port, threads=threads, on_ready=ready, access_log=access_log)
    except LLMReplError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
