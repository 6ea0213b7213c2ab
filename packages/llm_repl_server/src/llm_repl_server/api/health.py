"""``/api/health``: whether the server answers."""

from __future__ import annotations

from llm_repl_server import __version__
from llm_repl_server.api.resource import Resource
from llm_repl_server.api.schemas import Health

__all__ = ["health"]

health = Resource("health")


@health.operation("GET", "/api/health")
def show_health() -> Health:
    """Report that the server is up."""
    return Health(status="ok", version=__version__)
