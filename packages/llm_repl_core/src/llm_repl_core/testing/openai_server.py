"""A server on loopback that speaks OpenAI's protocol, for tests and benchmarks.

It has chat completions and Responses. What is wrong with a request to Responses, it refuses as the API
does; what is stateless there has to come back unchanged.

It echoes the last user message until it is told otherwise::

    with OpenAIServer() as server:
        server.script(Reply(text="Hello"), Reply.rate_limited(2))
        ...                                   # two calls to server.base_url, then it echoes again
        server.requests[0].body["messages"]   # what was received

    with OpenAIServer(reply=lambda request: Reply(text=request.prompt.upper())) as server:
        ...                                   # each answer is made from its request
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Final, Self

import msgspec

from llm_repl_core.testing._openai_exchange import ReceivedRequest, Reply, Script
from llm_repl_core.testing._openai_prompt_cache import ServerPromptCache
from llm_repl_core.testing._openai_responses_input import rejection

__all__ = ["OpenAIServer", "ReceivedRequest", "Reply"]

_START_LIMIT_S: Final = 10.0
_HEAD_LIMIT_BYTES: Final = 1 << 20
_WAITING_CONNECTIONS: Final = 4096
_WRITE_BYTES: Final = 1 << 16


class OpenAIServer:
    """The server: a context manager that listens on an ephemeral port, in a thread of its own.

    Args:
        reply: How it answers where no script says otherwise.
        models: The names of its models.
        any_model: Whether it answers for every other name, too.
        key: The only key that it accepts; None: it asks for none.
        caches: Whether it tells how many words of a request it has read before.
    """

    def __init__(
        self,
        *,
        reply: Script | None = None,
        models: Iterable[str] = ("test-model",),
        any_model: bool = True,
        key: str | None = None,
        caches: bool = False,
    ) -> None:
        self.reply: Script = reply or Reply()
        self.models = tuple(models)
        self.models_reply: Reply | None = None
        """In place of the list of models."""
        self.any_model = any_model
        self.key = key
        self._cache = ServerPromptCache() if caches else None
        self.base_url = ""
        self._requests: list[ReceivedRequest] = []
        self._arrival = threading.Condition()
        self._script: deque[Script] = deque()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="openai-server", daemon=True
        )

    def script(self, *replies: Script) -> None:
        """Say how the next requests are answered, one reply each, in this order."""
        self._script.extend(replies)

    @property
    def requests(self) -> list[ReceivedRequest]:
        """What has been received up to now, in order; a copy, for any thread."""
        with self._arrival:
            return list(self._requests)

    def wait_for_requests(self, count: int, *, limit_s: float = 10.0) -> list[ReceivedRequest]:
        """Wait until so many requests have been received, and return them.

        Raises:
            TimeoutError: They do not come within the limit.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._requests) >= count, limit_s):
                raise TimeoutError(f"{len(self._requests)} requests came, not {count}")
            return list(self._requests)

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
            backlog=_WAITING_CONNECTIONS,
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
        received: list[ReceivedRequest] = []
        try:
            # A client may leave at any point, which ends its connection and nothing else.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer, received):
                    pass
        finally:
            self._connections.discard(task)
            if self._stop.is_set():
                writer.transport.abort()  # what is not written yet would hold it open
            else:
                writer.close()
            for request in received:
                request.closed_at_s = reader.ended_at_s or time.monotonic()
                request.closed.set()

    async def _exchange(
        self, reader: _Reader, writer: asyncio.StreamWriter, received: list[ReceivedRequest]
    ) -> bool:
        """Receive one request and answer it; False: the connection is to be closed."""
        request = await _receive(reader)
        received.append(request)
        with self._arrival:
            self._requests.append(request)
            self._arrival.notify_all()
        answer = asyncio.create_task(_send(writer, request, *self._answer(request)))
        gone = asyncio.create_task(reader.ended.wait())
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and not isinstance(answer.exception(), OSError):
                return answer.result()
            request.disconnected_at_s = reader.ended_at_s or time.monotonic()
            request.disconnected.set()
            return False
        finally:
            answer.cancel()
            gone.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)

    def _answer(self, request: ReceivedRequest) -> tuple[Reply, Iterable[bytes]]:
        """The reply, and its body in portions."""
        path = request.path.partition("?")[0]
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return _failure(401, "Incorrect API key provided.", "invalid_api_key")
        if path == "/v1/models" and self.models_reply is not None:
            return self.models_reply, self.models_reply.portions({"messages": []})
        if path == "/v1/models":
            entries = [{"id": name, "object": "model", "owned_by": "test"} for name in self.models]
            return Reply(), [msgspec.json.encode({"object": "list", "data": entries})]
        if path not in ("/v1/chat/completions", "/v1/responses"):
            return _failure(404, f"Unknown path: {path}", None)
        if not isinstance(request.body, dict):
            return _failure(400, "you must provide a JSON object", None)
        if request.is_of_responses:
            if error := rejection(request.body):
                return _failure(400, error, None)
        elif not request.body.get("messages"):
            return _failure(400, "you must provide messages", None)
        model = request.body.get("model")
        if not isinstance(model, str) or not model:
            return _failure(400, "you must provide a model parameter", None)
        if not self.any_model and model not in self.models:
            return _failure(404, f"The model `{model}` does not exist.", "model_not_found")
        chosen = self._script.popleft() if self._script else self.reply
        reply = chosen if isinstance(chosen, Reply) else chosen(request)
        responses = request.is_of_responses
        cached = 0 if self._cache is None else self._cache.read(request.body, responses=responses)
        return reply, reply.portions(request.body, responses=responses, cached_words=cached)


class _Reader(asyncio.StreamReader):
    """Tells at once when the client leaves, also while nobody reads."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self.ended = asyncio.Event()
        self.ended_at_s: float | None = None

    def feed_eof(self) -> None:
        super().feed_eof()
        self._end()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self._end()

    def _end(self) -> None:
        if self.ended_at_s is None:
            self.ended_at_s = time.monotonic()
        self.ended.set()


def _failure(status: int, message: str, code: str | None) -> tuple[Reply, Iterable[bytes]]:
    reply = Reply(status=status, error={"message": message, "type": "error", "code": code})
    return reply, reply.portions({})


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


async def _send(
    writer: asyncio.StreamWriter, request: ReceivedRequest, reply: Reply, portions: Iterable[bytes]
) -> bool:
    """Write the answer; False: the connection is to be closed."""
    await asyncio.sleep(reply.delay_s)
    if reply.hang_up:
        return False
    if reply.stall_before_head:
        await asyncio.Event().wait()
    streams = reply.status < 300 and isinstance(request.body, dict) and request.body.get("stream")
    headers = {
        "Content-Type": "text/event-stream" if streams else "application/json",
        # A portion is a chunk, so that the client sees the cuts where they were made.
        "Transfer-Encoding": "chunked",
        **reply.headers,
    }
    head = [f"HTTP/1.1 {reply.status} Test", *(f"{key}: {headers[key]}" for key in headers)]
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1"))
    one_by_one = bool(reply.delay_per_piece_s) or reply.cut_bytes is not None
    waiting: list[bytes] = []
    waiting_bytes = 0
    for number, portion in enumerate(portions):
        if number in {reply.break_after, reply.stall_after}:
            writer.write(b"".join(waiting))
            await writer.drain()
            if number == reply.break_after:
                return False
            await asyncio.Event().wait()
        if reply.delay_per_piece_s:
            await asyncio.sleep(reply.delay_per_piece_s)
        if portion:  # an empty chunk would end the body
            waiting.append(b"%x\r\n%b\r\n" % (len(portion), portion))
            waiting_bytes += len(portion)
        if one_by_one or waiting_bytes > _WRITE_BYTES:
            writer.write(b"".join(waiting))
            waiting, waiting_bytes = [], 0
            await writer.drain()
            await asyncio.sleep(0)  # to others; draining alone need not wait
    writer.write(b"".join([*waiting, b"0\r\n\r\n"]))
    await writer.drain()
    return True
