"""Pieces of streams: joined within an interval, nothing lost, others not held up."""

from __future__ import annotations

import asyncio

from llm_repl_core import Output
from llm_repl_server.services import stream_relay
from llm_repl_server.services.stream_relay import StreamRelay


def run(scenario):
    told = []

    async def inside():
        await scenario(StreamRelay(lambda output: told.append((output.type, output.content))))

    asyncio.run(inside())
    return told


def test_the_first_piece_is_told_at_once():
    async def scenario(relay):
        relay.add(Output("stdout", "a"))

    assert run(scenario) == [("stdout", "a")]


def test_what_follows_is_joined_and_told_at_the_end_of_the_interval():
    async def scenario(relay):
        for text in "abcd":
            relay.add(Output("stdout", text))
        relay.add(Output("stderr", "x"))
        relay.add(Output("stdout", "e"))
        await asyncio.sleep(stream_relay.INTERVAL_S * 5)
        relay.add(Output("stdout", "f"))

    assert run(scenario) == [("stdout", "a"), ("stdout", "bcde"), ("stderr", "x"), ("stdout", "f")]


def test_another_output_goes_on_at_once_behind_what_waits():
    async def scenario(relay):
        for text in "ab":
            relay.add(Output("stdout", text))
        relay.add(Output("display", "picture"))
        relay.add(Output("stdout", "c"))
        relay.flush()
        relay.flush()

    assert run(scenario) == [
        ("stdout", "a"), ("stdout", "b"), ("display", "picture"), ("stdout", "c")
    ]  # fmt: skip


def test_a_piece_with_fields_of_its_own_stays_one():
    async def scenario(relay):
        for _ in range(3):
            relay.add(Output("stdout", "a", {"of": "a newer version"}))

    assert run(scenario) == [("stdout", "a")] * 3
