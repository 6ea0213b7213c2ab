"""``/api/housekeeping``: what the server keeps."""

from __future__ import annotations

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.services.housekeeping import ServerInventory

__all__ = ["housekeeping"]

housekeeping = Resource("housekeeping")


@housekeeping.operation("GET", "/api/housekeeping")
def show_housekeeping() -> ServerInventory:
    """Tell which kernels run, and how much is stored."""
    return services().loop.call(services().housekeeping.show())
