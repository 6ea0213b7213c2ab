"""A stop reaches the provider: seen at the far end of the real SDK's connections."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time

import pytest

from llm_repl_core import Notebook
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

LIMIT_S = 20.0
STOPS = 200
GOAL_S = 0.2

WORDS = tuple(f"word{number} " for number in range(50))
PHASES = {
    "before the head": Reply(stall_before_head=True),
    "behind the head": Reply(pieces=WORDS, stall_after=0),
    "between deltas": Reply(pieces=WORDS, endless=True, delay_per_piece_s=0.002),
    "in a flood of deltas": Reply(pieces=WORDS, endless=True),
    "in the middle of an answer": Reply(pieces=WORDS, stall_after=7),
}


@pytest.fixture
def server():
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def session_of(open_session, server, monkeypatch):
    for name in os.environ:
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", "only-for-tests")

    def open_it(notebook, **settings):
        return open_session(
            notebook, provider="openai", model="test-model", base_url=server.base_url, **settings
        )

    return open_it


def milliseconds(duration_s):
    return f"{duration_s * 1e3:.1f} ms"


async def until(condition, what):
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, f"waited in vain for {what}"
        await asyncio.sleep(0.0005)


@pytest.mark.unmeasured
def test_200_stops_close_the_connection_within_200_ms(server, session_of):
    notebook = Notebook()
    cell = notebook.add_prompt("wait")
    session = session_of(notebook)
    drawn = random.Random(1)
    took_s = {phase: [] for phase in PHASES}

    async def stop_once(phase, how):
        before = len(server.requests)
        server.script(PHASES[phase])
        run_id, task = session.live.start([cell.id])
        await until(lambda: len(server.requests) > before, "the request")
        await asyncio.sleep(drawn.uniform(0, 0.02))  # to be at any point of the phase
        begun_s = time.monotonic()
        chosen = {"run": {"run_id": run_id}, "cell": {"cell_id": cell.id}, "session": {}}[how]
        assert await session.live.interrupt(**chosen)
        if how == "cell":
            await asyncio.wait_for(task, LIMIT_S)  # its run still waits for the disk
        assert task.done()
        [request] = server.requests[before:]
        await until(request.closed.is_set, "the end of the connection")
        took_s[phase].append((request.disconnected_at_s or request.closed_at_s) - begun_s)
        assert cell.status == "interrupted"

    async def stop_often():
        for number in range(STOPS):
            phase = list(PHASES)[number % len(PHASES)]
            await stop_once(phase, ("run", "cell", "session")[number % 3])

    session.loop.call(stop_often())
    for phase, some_s in took_s.items():
        median, longest = milliseconds(statistics.median(some_s)), milliseconds(max(some_s))
        print(f"{phase}: median {median}, longest {longest}")
    every_s = sorted(one for some_s in took_s.values() for one in some_s)
    at_99 = every_s[int(len(every_s) * 0.99) - 1]
    longest = milliseconds(every_s[-1])
    print(f"{len(every_s)} stops: 99th percentile {milliseconds(at_99)}, longest {longest}")
    assert len(every_s) == STOPS
    assert at_99 <= GOAL_S
    assert server.open_connections <= 1


def test_32_calls_at_once_are_all_closed(server, session_of):
    notebook = Notebook()
    cells = [notebook.add_prompt(f"wait {number}") for number in range(32)]
    server.reply = PHASES["between deltas"]
    session = session_of(notebook)

    async def stop():
        _, task = session.live.start(None)
        await until(lambda: len(server.requests) == 32, "the requests")
        begun_s = time.monotonic()
        await session.live.interrupt()
        assert task.done()
        for request in server.requests:
            await until(request.closed.is_set, "the end of a connection")
        return [(one.disconnected_at_s or one.closed_at_s) - begun_s for one in server.requests]

    took_s = session.loop.call(stop())
    print(f"32 at once: longest {milliseconds(max(took_s))}")
    assert max(took_s) < 2
    assert {cell.status for cell in cells} == {"interrupted"}


def test_who_waits_for_a_place_never_asks(server, session_of):
    notebook = Notebook()
    cells = [notebook.add_prompt(f"wait {number}") for number in range(4)]
    server.reply = PHASES["before the head"]
    session = session_of(notebook, provider_concurrency=1)

    async def stop():
        _, task = session.live.start(None)
        await until(lambda: server.requests, "the request")
        await session.live.interrupt()
        assert task.done()

    session.loop.call(stop())
    assert len(server.requests) == 1
    assert {cell.status for cell in cells} == {"interrupted"}
    assert server.requests[0].closed.wait(LIMIT_S)


def test_who_waits_for_a_retry_never_asks_again(server, session_of):
    notebook = Notebook()
    cell = notebook.add_prompt("wait")
    server.reply = Reply.rate_limited(30)
    session = session_of(notebook, call_attempts=4)
    heard = []
    session.live.listen(heard.append)

    async def stop():
        _, task = session.live.start(None)
        await until(lambda: any(type(one).__name__ == "CellRetried" for one in heard), "the wait")
        begun_s = time.monotonic()
        await session.live.interrupt()
        assert task.done()
        return time.monotonic() - begun_s

    assert session.loop.call(stop()) < GOAL_S * 10
    assert len(server.requests) == 1
    assert cell.status == "interrupted"


def test_what_had_come_is_kept(server, session_of):
    notebook = Notebook()
    cell = notebook.add_prompt("wait")
    server.script(PHASES["in the middle of an answer"])
    session = session_of(notebook)
    heard = []
    session.live.listen(heard.append)

    async def stop():
        _, task = session.live.start(None)
        await until(
            lambda: "word4" in "".join(getattr(one, "text", "") for one in heard), "the words"
        )
        await session.live.interrupt()
        assert task.done()

    session.loop.call(stop())
    [partial, stopped] = cell.outputs
    assert partial.content.startswith("word0 word1 word2 word3 word4")
    assert partial.fields["interrupted"] is True
    assert stopped.fields["ename"] == "Interrupted"
    told = "".join(getattr(one, "text", "") for one in heard)
    assert told == partial.content
