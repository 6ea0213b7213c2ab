"""Connections that are kept for the next request, and that a server lets go without a word."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from typing import Self

import pytest

from llm_repl_core.errors import AnswerBroken, ProviderError
from llm_repl_core.providers.base import Message, ProviderConfig, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.streaming import deltas
from llm_repl_providers.openai.provider import OpenAIProvider

REQUEST = Request(model="m", messages=(Message("user", "one"),))
DOCUMENT = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}
LIMIT_S = 10.0


class KeepingServer:
    """Answers some requests of each connection, and then closes it on the next one.

    Args:
        answers: How many, of the first connection, the second, and so on; the last one's number
            holds for all that follow.
        hard: Whether it closes with a reset.
        parting: What it sends before it closes.
    """

    def __init__(self, *answers: int, hard: bool = False, parting: bytes = b"") -> None:
        self._answers, self._hard, self._parting = answers, hard, parting
        self.connections = 0
        self.requests: list[tuple[int, str]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    def _accept(self) -> None:
        threads = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            number = self.connections
            self.connections += 1
            connection.settimeout(LIMIT_S)
            answers = self._answers[min(number, len(self._answers) - 1)]
            threads.append(threading.Thread(target=self._serve, args=(connection, number, answers)))
            threads[-1].start()
        for thread in threads:
            thread.join(LIMIT_S)

    def _serve(self, connection: socket.socket, number: int, answers: int) -> None:
        with connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                length = 0
                while (header := reader.readline()) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                reader.read(length)
                self.requests.append((number, line.split()[0].decode()))
                if answers == 0:
                    connection.sendall(self._parting)
                    if self._hard:
                        connection.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                        )
                    return
                answers -= 1
                document = {"data": [{"id": "m"}]} if line.startswith(b"GET") else DOCUMENT
                body = json.dumps(document).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                connection.sendall(head + body)


def _provider(server: KeepingServer) -> OpenAIProvider:
    config = ProviderConfig(base_url=server.base_url, api_key=Secret("sk-1"), timeout_s=LIMIT_S)
    return OpenAIProvider(config)


async def _text(provider: OpenAIProvider) -> str:
    return "".join([delta.text async for delta in deltas(provider, REQUEST)])


async def _ask(server: KeepingServer, times: int) -> list[str]:
    provider = _provider(server)
    try:
        return [await _text(provider) for _ in range(times)]
    finally:
        await provider.close()


@pytest.mark.parametrize("hard", [False, True], ids=["closed", "reset"])
def test_a_kept_connection_that_is_closed_costs_no_attempt(hard):
    with KeepingServer(1, hard=hard) as server:
        assert asyncio.run(_ask(server, 4)) == ["hello"] * 4
    # What is sent again goes over a connection that is not kept.
    assert [number for number, _ in server.requests] == [0, 0, 1, 2, 2, 3]


def test_it_is_sent_again_on_a_new_connection_not_on_another_kept_one():
    """Of several that are kept, all are closed when the server has been started anew."""

    async def main(server):
        provider = _provider(server)
        try:
            at_once = await asyncio.gather(*(_text(provider) for _ in range(4)))
            return [*at_once, await _text(provider)]
        finally:
            await provider.close()

    with KeepingServer(1) as server:
        assert asyncio.run(main(server)) == ["hello"] * 5


def test_the_models_are_asked_for_again_too():
    async def main(server):
        provider = _provider(server)
        try:
            return [*await provider.models(), *await provider.models()]
        finally:
            await provider.close()

    with KeepingServer(1) as server:
        assert asyncio.run(main(server)) == ["m", "m"]


def test_a_new_connection_that_is_closed_is_a_failed_attempt():
    with KeepingServer(0) as server:
        with pytest.raises(AnswerBroken, match="closed the connection without an answer"):
            asyncio.run(_ask(server, 1))
        assert server.requests == [(0, "POST")]


def test_it_is_sent_again_once_only():
    with KeepingServer(1, 0) as server:
        with pytest.raises(AnswerBroken, match="closed the connection without an answer"):
            asyncio.run(_ask(server, 2))
        assert [number for number, _ in server.requests] == [0, 0, 1]


def test_an_answer_that_had_begun_is_not_asked_for_again():
    parting = b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"choices": [{"mess'
    with KeepingServer(1, 5, parting=parting) as server:
        with pytest.raises(ProviderError, match="broke off in the middle"):
            asyncio.run(_ask(server, 2))
        assert [number for number, _ in server.requests] == [0, 0]
