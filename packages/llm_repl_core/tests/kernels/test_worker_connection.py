from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from llm_repl_core.kernels.worker.connection import WorkerConnection, attach

LIMIT_S = 20.0

Scenario = Callable[[WorkerConnection, socket.socket], Awaitable[None]]


def connected(scenario: Scenario) -> None:
    """Run a scenario with a connection, and the worker's end of it."""

    async def whole() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            connection = await attach(ours, 1000, lambda _fault: None)
            try:
                async with asyncio.timeout(LIMIT_S):
                    await scenario(connection, theirs)
            finally:
                connection.close()
                await connection.wait_lost()

    asyncio.run(whole())


async def received(theirs: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(theirs, 100)


def test_what_can_wait_goes_with_what_is_sent_next() -> None:
    async def scenario(connection: WorkerConnection, theirs: socket.socket) -> None:
        connection.send_soon(b"1")
        connection.send_soon(b"2")
        connection.send(b"3")
        assert theirs.recv(100) == b"123"
        connection.send(b"4")
        assert theirs.recv(100) == b"4"

    connected(scenario)


def test_what_can_wait_goes_by_itself_where_nothing_is_sent() -> None:
    async def scenario(connection: WorkerConnection, theirs: socket.socket) -> None:
        for data in (b"1", b"2"):
            connection.send_soon(data)
            assert await received(theirs) == data

    connected(scenario)


def test_what_waits_goes_before_a_descriptor() -> None:
    async def scenario(connection: WorkerConnection, theirs: socket.socket) -> None:
        connection.send_soon(b"1")
        connection.send_with(b"2", theirs.fileno())
        assert await received(theirs) == b"12"

    connected(scenario)


def test_nothing_is_sent_to_a_worker_that_has_gone_meanwhile() -> None:
    async def scenario(connection: WorkerConnection, theirs: socket.socket) -> None:
        connection.send_soon(b"1")
        theirs.close()
        await connection.wait_lost()
        connection.send(b"2")

    connected(scenario)
