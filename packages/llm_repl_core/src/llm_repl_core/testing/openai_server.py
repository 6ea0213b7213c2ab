"""A server on loopback that speaks OpenAI's protocol, for tests and benchmarks.

It echoes the last user message until it is told otherwise::

    with OpenAIServer() as server:
        server.script(Reply(text="Hello"), Reply(status=429, headers={"Retry-After": "2"}))
        ...                                   # two calls to server.base_url, then it echoes again
        server.requests[0].body["messages"]   # what was received
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Self, TypeAlias

import msgspec
from msgspec import Struct, field

from llm_repl_core.testing._openai_documents import chunks, completion, cut_at_words

__all__ = ["OpenAIServer", "ReceivedRequest", "Reply"]

_START_LIMIT_S: Final = 10.0
_HEAD_LIMIT_BYTES: Final = 1 << 20


class Reply(Struct, frozen=True, kw_only=True):
    """How the server answers one request.

    Attributes:
        text: The answer; None: the last user message.
        pieces: The answer as its events cut it, in place of ``text``; None: a word an event.
        finish_reason: The last event's; None: no event says that the answer is complete.
        delay_s: Before the first byte.
        delay_per_piece_s: Before each piece.
        status: The HTTP status; from 400 on, ``error`` is sent.
        error: What is sent under ``error``; None: a sentence made from the status.
        headers: To be sent as well, or in place of the server's own.
        body: The body as it is, in place of everything above but ``status`` and ``headers``.
        cut_bytes: The body goes out in portions of so many bytes; None: an event a portion.
        break_after: After so many portions, the connection is closed.
        stall_after: After so many portions, nothing comes until the client leaves.
        hang_up: The connection is closed without an answer.
    """

    text: str | None = None
    pieces: tuple[str, ...] | None = None
    finish_reason: str | None = "stop"
    delay_s: float = 0.0
    delay_per_piece_s: float = 0.0
    status: int = 200
    error: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_bytes: int | None = None
    break_after: int | None = None
    stall_after: int | None = None
    hang_up: bool = False


class ReceivedRequest(Struct, kw_only=True):
    """A request as it came.

    Attributes:
        method: ``POST``.
        path: With the query: ``/v1/chat/completions``.
        headers: By lower-case name.
        body: The JSON document, or None.
        received_at_s: On the clock of `time.monotonic`.
        disconnected_at_s: When the client left before the answer was complete, on that clock.
        disconnected: Is set when it does.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    received_at_s: float
    disconnected_at_s: float | None = None
    disconnected: threading.Event = field(default_factory=threading.Event)


Script: TypeAlias = Reply | Callable[[ReceivedRequest], Reply]


class OpenAIServer:
    """The server: a context manager that listens on an ephemeral port, in a thread of its own.

    Args:
        reply: How it answers where no script says otherwise.
        models: The names of its models.
        any_model: Whether it answers for every other name, too.
        key: The only key that it accepts; None: it asks for none.
    """

    def __init__(
        self,
        *,
        reply: Reply | None = None,
        models: Iterable[str] = ("test-model",),
        any_model: bool = True,
        key: str | None = None,
    ) -> None:
        self.reply = reply or Reply()
        self.models = tuple(models)
        self.models_reply: Reply | None = None
        """In place of the list of models."""
        self.any_model = any_model
        self.key = key
        self.requests: list[ReceivedRequest] = []
        self.base_url = ""
        self._script: deque[Script] = deque()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="openai-server", daemon=True
        )

    def script(self, *replies: Script) -> None:
        """Say how the next chat completions are answered, one reply each, in this order."""
        self._script.extend(replies)

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_LIMIT_S):
            raise RuntimeError("the test server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_LIMIT_S)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await self._loop.create_server(
            lambda: asyncio.StreamReaderProtocol(_Reader(limit=_HEAD_LIMIT_BYTES), self._connected),
            "127.0.0.1",
            0,
        )
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(reader, _Reader)
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            # A client may leave at any point, which ends its connection and nothing else.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            if self._stop.is_set():
                writer.transport.abort()  # what is not written yet would hold it open
            else:
                writer.close()

    async def _exchange(self, reader: _Reader, writer: asyncio.StreamWriter) -> bool:
        """Receive one request and answer it; False: the connection is to be closed."""
        request = await _receive(reader)
        self.requests.append(request)
        answer = asyncio.create_task(_send(writer, request, *self._answer(request)))
        gone = asyncio.create_task(reader.ended.wait())
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and not isinstance(answer.exception(), OSError):
                return answer.result()
            request.disconnected_at_s = time.monotonic()
            request.disconnected.set()
            return False
        finally:
            answer.cancel()
            gone.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)

    def _answer(self, request: ReceivedRequest) -> tuple[Reply, list[bytes]]:
        """The reply, and its body in portions."""
        path = request.path.partition("?")[0]
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return _failure(401, "Incorrect API key provided.", "invalid_api_key")
        if path == "/v1/models" and self.models_reply is not None:
            return self.models_reply, _portions(self.models_reply, {"messages": []})
        if path == "/v1/models":
            entries = [{"id": name, "object": "model", "owned_by": "test"} for name in self.models]
            return Reply(), [msgspec.json.encode({"object": "list", "data": entries})]
        if path != "/v1/chat/completions":
            return _failure(404, f"Unknown path: {path}", None)
        if not isinstance(request.body, dict) or not request.body.get("messages"):
            return _failure(400, "you must provide messages", None)
        model = request.body.get("model")
        if not self.any_model and model not in self.models:
            return _failure(404, f"The model `{model}` does not exist.", "model_not_found")
        chosen: Script = self._script.popleft() if self._script else self.reply
        reply = chosen if isinstance(chosen, Reply) else chosen(request)
        return reply, _portions(reply, request.body)


class _Reader(asyncio.StreamReader):
    """Tells at once when the client leaves, also while nobody reads."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self.ended = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.ended.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.ended.set()


def _failure(status: int, message: str, code: str | None) -> tuple[Reply, list[bytes]]:
    reply = Reply(status=status, error={"message": message, "type": "error", "code": code})
    return reply, _portions(reply, {})


async def _receive(reader: asyncio.StreamReader) -> ReceivedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    data = await reader.readexactly(int(headers.get("content-length", "0")))
    return ReceivedRequest(
        method=method,
        path=path,
        headers=headers,
        body=msgspec.json.decode(data) if data else None,
        received_at_s=time.monotonic(),
    )


def _portions(reply: Reply, body: dict[str, Any]) -> list[bytes]:
    if reply.body is not None:
        portions = [reply.body]
    elif reply.status >= 300:
        error = reply.error if reply.error is not None else {"message": f"Status {reply.status}."}
        portions = [msgspec.json.encode({"error": error})]
    else:
        pieces = reply.pieces if reply.pieces is not None else cut_at_words(reply.text, body)
        if body.get("stream"):
            documents = chunks(body, pieces, reply.finish_reason)
            portions = [_event(msgspec.json.encode(document)) for document in documents]
            portions.append(_event(b"[DONE]"))
        else:
            portions = [msgspec.json.encode(completion(body, pieces, reply.finish_reason))]
    if reply.cut_bytes is None:
        return portions
    data, size = b"".join(portions), reply.cut_bytes
    return [data[start : start + size] for start in range(0, len(data), size)]


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


async def _send(
    writer: asyncio.StreamWriter, request: ReceivedRequest, reply: Reply, portions: list[bytes]
) -> bool:
    """Write the answer; False: the connection is to be closed."""
    await asyncio.sleep(reply.delay_s)
    if reply.hang_up:
        return False
    streams = reply.status < 300 and isinstance(request.body, dict) and request.body.get("stream")
    headers = {
        "Content-Type": "text/event-stream" if streams else "application/json",
        # A portion is a chunk, so that the client sees the cuts where they were made.
        "Transfer-Encoding": "chunked",
        **reply.headers,
    }
    head = [f"HTTP/1.1 {reply.status} Test", *(f"{key}: {headers[key]}" for key in headers)]
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1"))
    for number, portion in enumerate(portions):
        if number == reply.break_after:
            await writer.drain()
            return False
        if number == reply.stall_after:
            await asyncio.Event().wait()
        if reply.delay_per_piece_s:
            await asyncio.sleep(reply.delay_per_piece_s)
        if portion:  # an empty chunk would end the body
            writer.write(b"%x\r\n%b\r\n" % (len(portion), portion))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True
