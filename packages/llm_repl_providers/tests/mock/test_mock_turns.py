"""What the mock provider puts into a turn besides text."""

from __future__ import annotations

import asyncio
import io
import wave

import pytest
from msgspec import structs
from PIL import Image

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Message, Request, Tool
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    ToolCallPlace,
)
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.providers.turn import TurnBuilder
from llm_repl_providers.mock.provider import MockProvider

ADD = Tool(name="add", description="Adds.", parameters={"type": "object"})


def ask(model, *messages, provider=None, **fields):
    async def listen():
        builder = TurnBuilder()
        request = Request(model=model, messages=messages or (Message("user", "One two"),), **fields)
        async for delta in deltas(provider or MockProvider(), request):
            builder.add(delta)
        return builder.turn()

    return asyncio.run(listen())


def test_it_thinks_first_and_signs_it():
    turn = ask("echo+think=Hm, well.")
    reasoning, text = turn.parts
    assert (reasoning.text, text) == ("Hm, well.", Text(text="One two"))
    assert reasoning.provider_data.keys() == {"signature"}
    assert (turn.reasoning, turn.text) == ("Hm, well.", "One two")
    assert (turn.usage.reasoning_tokens, turn.usage.output_tokens) == (2, 4)


def test_what_it_thought_must_come_back_unchanged():
    turn = ask("call:add+think=Hm.", tools=(ADD,))
    assert [type(part) for part in turn.parts] == [Reasoning, ToolCallPlace]
    said = Message("assistant", "", tool_calls=turn.tool_calls, parts=turn.parts)
    result = Message("tool", "3", tool_call_id=turn.tool_calls[0].id)
    again = ask("call:add+think=Hm.", Message("user", "a"), said, result, tools=(ADD,))
    assert again.text == "3"
    changed = structs.replace(turn.parts[0], text="Hm!")
    said = structs.replace(said, parts=(changed, *turn.parts[1:]))
    with pytest.raises(RequestRejected, match=r"reasoning in message 2: it must come back"):
        ask("call:add+think=Hm.", Message("user", "a"), said, result, tools=(ADD,))


@pytest.mark.parametrize(
    ("model", "effort", "thought"),
    [
        ("echo", None, ""),
        ("echo", "none", ""),
        ("echo", "low", "I think with low effort."),
        ("echo+think=Hm.", "high", "Hm."),
        ("echo+think=Hm.", "none", ""),
    ],
)
def test_the_effort_is_seen(model, effort, thought):
    assert ask(model, reasoning_effort=effort).reasoning == thought


def test_it_refuses_with_its_words():
    turn = ask("echo+refuse=Not that.")
    assert turn.parts == (Refusal(text="Not that."),)
    assert (turn.text, turn.finish_reason, turn.usage.output_tokens) == ("", "refusal", 2)


def test_it_says_where_it_is_from_and_what_the_server_did():
    turn = ask("echo+cite=https://example.org/a+search=mock turtles")
    search, text, citation = turn.parts
    assert isinstance(search, ServerToolCall)
    assert (search.name, search.arguments) == ("web_search", '{"query": "mock turtles"}')
    assert text == Text(text="One two")
    assert isinstance(citation, Citation)
    assert (citation.url, citation.start, citation.end) == ("https://example.org/a", 0, 7)


def test_what_it_makes_can_be_opened():
    [picture] = ask("list:+make=image/png").of_kind(Media)
    image = Image.open(io.BytesIO(picture.data))
    image.verify()
    assert (image.format, image.size) == ("PNG", (16, 16))
    [sound] = ask("list:+make=audio/wav").of_kind(Media)
    with wave.open(io.BytesIO(sound.data)) as opened:
        assert opened.getnframes() == 800
    with pytest.raises(RequestRejected, match="makes image/png and audio/wav, and no `image/gif`"):
        ask("echo+make=image/gif")


def test_log_probabilities_come_with_each_piece():
    turn = ask("echo", options={"logprobs": True, "top_logprobs": 2})
    assert [one.token for one in turn.logprobs] == ["One ", "two"]
    assert all(one.logprob < 0 and len(one.top) == 2 for one in turn.logprobs)
    assert ask("echo", options={"logprobs": False}).logprobs == ()


def test_the_cache_fills_with_what_was_asked():
    provider = MockProvider()
    system, first = Message("system", "Be kind."), Message("user", "One")

    def counts(*messages, model="echo+cache=1"):
        usage = ask(model, *messages, provider=provider).usage
        return usage.cached_input_tokens, usage.cache_write_tokens

    assert counts(system, first) == (0, 3)
    assert counts(system, Message("user", "Two three")) == (2, 2)
    assert counts(system, first) == (3, 0)
    assert counts(first) == (0, 1)
    assert ask("echo", system).usage.cached_input_tokens is None


def test_the_servers_word_stands_beside_ours():
    turn = ask("echo+finish=MAX_TOKENS")
    assert (turn.finish_reason, turn.provider_finish_reason) == ("length", "MAX_TOKENS")


def test_options_say_the_same():
    turn = ask("echo", options={"reasoning_text": "a+b=c", "citation_url": "u"})
    assert turn.reasoning == "a+b=c"
    assert turn.of_kind(Citation)[0].url == "u"
