"""The least that a websocket server does: it passes what one client says on to all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.programs import free_port, running

__all__ = ["broadcast_server"]


@contextmanager
def broadcast_server() -> Iterator[int]:
    """The server in a process of its own; gives its port."""
    port = free_port()
    with running([sys.executable, "-m", "bench.peers.broadcast", str(port)], port=port):
        yield port


async def _serve(port: int) -> None:
    clients: set[ServerConnection] = set()

    async def handle(client: ServerConnection) -> None:
        clients.add(client)
        try:
            async for message in client:
                broadcast(clients, message)
        finally:
            clients.discard(client)

    async with serve(handle, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
