"""The least that a provider's server does: it streams an answer that it has ready."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.programs import free_port, running

__all__ = ["TOKENS", "token_stream"]

TOKENS = 2000
"""How many pieces an answer has."""

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def token_stream(delay_s: float = 0.0, tokens: int = TOKENS) -> Iterator[str]:
    """The server in a process of its own; gives its address, as clients of OpenAI take it.

    Args:
        delay_s: How long each answer takes to begin.
        tokens: How many pieces it has.
    """
    port = free_port()
    program = [sys.executable, "-m", "bench.peers.token_stream", str(port)]
    with running([*program, str(delay_s), str(tokens)], port=port):
        yield f"http://127.0.0.1:{port}/v1"


def _event(**more: object) -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": None} | more
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "streamed",
        "choices": [choice],
    }
    return _chunk(b"data: " + json.dumps(document).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _serve(port: int, delay_s: float, tokens: int) -> None:
    piece = _event(delta={"content": "token "})
    end = _event(finish_reason="stop") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().splitlines()
                    if line.startswith(b"content-length:")
                )
                await reader.readexactly(length)
                await asyncio.sleep(delay_s)
                writer.write(_HEAD)
                for _ in range(tokens):
                    writer.write(piece)
                    await writer.drain()
                writer.write(end)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
