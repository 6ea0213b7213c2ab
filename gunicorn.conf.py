"""`gunicorn app:app` in this folder finds its settings here; a websocket needs more than one thread."""

from llm_repl_server.serving.gunicorn_settings import *  # noqa: F403 - gunicorn reads names
