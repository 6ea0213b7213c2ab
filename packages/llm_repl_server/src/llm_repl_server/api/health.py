"""``/api/health``: whether the server answers."""

from __future__ import annotations

from typing import Any

from llm_repl_server import __version__
from llm_repl_server.api.resource import Resource
from llm_repl_server.api.schemas import Health

__all__ = ["health"]

health = Resource("health")


@health.operation("GET", "/api/health", answer=Health)
def show_health() -> dict[str, Any]:
    """Say that the server answers."""
    return {"status": "ok", "version": __version__}
