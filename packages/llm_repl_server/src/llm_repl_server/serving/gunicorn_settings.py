"""gunicorn's settings, for ``llm-repl serve`` and for whoever calls gunicorn: the one source of both.

``gunicorn app:app`` in a clone finds them through ``gunicorn.conf.py``; elsewhere
``gunicorn -c python:llm_repl_server.serving.gunicorn_settings`` does. The names are gunicorn's.
"""

from __future__ import annotations

import sys

from llm_repl_server.compat.gunicorn import Arbiter
from llm_repl_server.serving.log import RedactingLogger
from llm_repl_server.serving.thread_worker import ThreadWorker, child_exit

__all__ = [
    "child_exit",
    "control_socket_disable",
    "graceful_timeout",
    "keepalive",
    "logger_class",
    "on_starting",
    "threads",
    "timeout",
    "worker_class",
    "worker_connections",
    "workers",
]

# One process: it holds the kernels, the running cells and the Socket.IO clients.
workers = 1
worker_class = ThreadWorker
# A request that waits for its cell holds a thread. A websocket holds none.
threads = 512
# Connections that are kept alive between requests hold none.
worker_connections = 4096
keepalive = 75  # seconds
# A worker that is slow to answer the master is not to be killed with the cells that it runs.
timeout = 0
graceful_timeout = 4  # seconds
# Nothing here needs to be steered by `gunicornc`, which could add workers.
control_socket_disable = True
logger_class = RedactingLogger


def on_starting(server: Arbiter) -> None:
    """A hook of gunicorn's: refuse what cannot work before anything is started."""
    if server.cfg.workers != 1:
        sys.stderr.write(
            "Error: LLM-REPL runs in one worker, which holds the kernels and the connections: "
            "leave out --workers and WEB_CONCURRENCY, and set --threads for more clients.\n"
        )
        sys.exit(2)
