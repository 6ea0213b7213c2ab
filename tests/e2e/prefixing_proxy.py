"""A small proxy that serves another server under a path, as nginx and its like do; websockets too."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self


class PrefixingProxy:
    """Passes on what comes under a path, a request a connection. Everything else gets a 404.

    Args:
        port: Of the server behind it, on this machine.
        prefix: The path.
        strips: Whether the path is taken away, and told in ``X-Forwarded-Prefix``.
    """

    def __init__(self, port: int, prefix: str, *, strips: bool) -> None:
        self._port, self._prefix, self._strips = port, prefix.encode(), strips
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()
        self.base = ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{port}{self._prefix.decode()}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the browser or the test has left
        finally:
            self._serving.discard(task)
            writer.transport.abort() if self._stop.is_set() else writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        method, target, version = head[0].split(b" ")
        rest = target[len(self._prefix) :]
        if not target.startswith(self._prefix) or rest[:1] not in (b"", b"/", b"?"):
            writer.write(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        await self._pass_on(method, target, version, head[1:], reader, writer)

    async def _pass_on(
        self,
        method: bytes,
        target: bytes,
        version: bytes,
        headers: list[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        headers = [b"X-Forwarded-For: 192.0.2.1", *headers]
        if self._strips:
            rest = target[len(self._prefix) :]
            target = rest if rest.startswith(b"/") else b"/" + rest
            headers = [b"X-Forwarded-Prefix: " + self._prefix, *headers]
        if not any(line.lower().startswith(b"upgrade:") for line in headers):
            headers = [line for line in headers if not line.lower().startswith(b"connection:")]
            headers = [b"Connection: close", *headers]
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        back.write(b"\r\n".join([b" ".join([method, target, version]), *headers]))
        sending = asyncio.ensure_future(_copy(reader, back))
        try:
            await _copy(there, writer)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            back.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
