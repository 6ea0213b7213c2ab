"""Stopping a call closes its connection at once, whatever the call is doing."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from contextlib import aclosing

import pytest

from llm_repl_core.providers.base import Message, ProviderConfig, Request
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.provider import OpenAIProvider

LIMIT_S = 10.0
GOAL_S = 0.2
REQUEST = Request(model="m", messages=(Message("user", "one two three"),))

PHASES = {
    "before the head": Reply(stall_before_head=True),
    "after the head": Reply(stall_after=0),
    "between chunks": Reply(text="word " * 1000, delay_per_piece_s=0.001),
    "inside a chunk": Reply(text="word " * 60, cut_bytes=101, stall_after=60),
    "in a flood": Reply(text="word " * 100, endless=True),
}
STOPS_IN_EACH = 40


async def _stop_by_cancelling(provider, text_came, chance):
    """Cancel the task that listens; the time of the stop is given."""

    async def listen():
        async with aclosing(deltas(provider, REQUEST)) as answer:
            async for _ in answer:
                text_came.set()

    call = asyncio.create_task(listen())
    await _ready(text_came, chance)
    stopped_s = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    return stopped_s


async def _stop_by_closing(provider, text_came, chance):
    """Stop listening, between two pieces of text."""
    async with aclosing(deltas(provider, REQUEST)) as answer:
        for _ in range(chance.randint(1, 5)):
            await anext(answer)
        return time.monotonic()


async def _ready(text_came, chance):
    await asyncio.wait_for(text_came.wait(), LIMIT_S)
    await asyncio.sleep(chance.random() * 0.005)


async def _stop(server, provider, phase, number, chance):
    server.script(PHASES[phase])
    text_came = asyncio.Event()
    count = len(server.requests)
    if phase in {"before the head", "after the head"}:
        # No text comes: the server tells when it has got that far.
        arrival = asyncio.to_thread(server.wait_for_requests, count + 1)
        watch = asyncio.create_task(arrival)
        watch.add_done_callback(lambda _: text_came.set())
        stopped_s = await _stop_by_cancelling(provider, text_came, chance)
        await watch
    elif number % 2:
        stopped_s = await _stop_by_closing(provider, text_came, chance)
    else:
        stopped_s = await _stop_by_cancelling(provider, text_came, chance)
    (*_, received) = await asyncio.to_thread(server.wait_for_requests, count + 1)
    assert await asyncio.to_thread(received.closed.wait, LIMIT_S), phase
    return received.closed_at_s - stopped_s


@pytest.mark.unmeasured
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_far_end_sees_200_stops_within_200_ms(server, api):
    chance = random.Random(1)

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url, options={"api": api}))
        await provider.models()  # the SDK is imported
        delays_s = {phase: [] for phase in PHASES}
        for number in range(STOPS_IN_EACH):
            for phase in PHASES:
                delays_s[phase].append(await _stop(server, provider, phase, number, chance))
        await provider.close()
        return delays_s

    delays_s = asyncio.run(asyncio.wait_for(main(), 60))
    every = [delay_s for phase in delays_s.values() for delay_s in phase]
    assert len(every) == 200
    p99_s = statistics.quantiles(every, n=100)[98]
    for phase, ones in delays_s.items():
        print(f"{phase}: median {statistics.median(ones):.4f} s, worst {max(ones):.4f} s")
    print(f"all: 99th percentile {p99_s:.4f} s")
    assert p99_s <= GOAL_S
    assert server.open_connections == 0


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stop_at_any_moment_leaves_no_connection_open(server, api):
    """Also while the connection is being made, and when the answer is just complete."""
    chance = random.Random(2)

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url, options={"api": api}))
        await provider.models()
        server.reply = Reply(text="word " * 20, delay_per_piece_s=0.0005)
        for _ in range(100):
            calls = [asyncio.create_task(_listen(provider)) for _ in range(3)]
            await asyncio.sleep(chance.random() * 0.02)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        server.reply = Reply()
        assert await _listen(provider) == "one two three"
        await provider.close()
        deadline_s = time.monotonic() + LIMIT_S
        while server.open_connections:
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 60))


async def _listen(provider):
    async with aclosing(deltas(provider, REQUEST)) as answer:
        return "".join([delta.text async for delta in answer])
