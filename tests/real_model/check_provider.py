"""The provider `openai`, by its conformance suite and the real SDK, at a real model."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import msgspec
import pytest

from llm_repl_core.providers.base import AnswerSchema, Message, Provider, ProviderConfig, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.provider_suite import ProviderSuite
from llm_repl_providers.openai.provider import OpenAIProvider

MODEL = "smollm2"
FEW_TOKENS = 12


def make_provider(base_url: str) -> OpenAIProvider:
    return OpenAIProvider(
        ProviderConfig(base_url=base_url, api_key=Secret("none-is-needed"), model=MODEL)
    )


def make_request(text: str, **fields: object) -> Request:
    options = {"max_tokens": FEW_TOKENS, "seed": 1}
    request = Request(model=MODEL, messages=(Message("user", text),), options=options)
    return msgspec.structs.replace(request, temperature=0.0, **fields)


class TestOpenAIAtARealModel(ProviderSuite):
    deterministic = False  # what is asked at the same time is computed together
    rejects_unknown_models = False  # the server has one, and takes it for any
    limit_s = 300.0

    @pytest.fixture(autouse=True)
    def _find(self, real_model: str) -> None:
        self.base_url = real_model

    def make_provider(self) -> Provider:
        return make_provider(self.base_url)

    def make_request(self, text: str = "Name three colours.") -> Request:
        return make_request(text)


def test_an_answer_streams_word_by_word(real_model):
    async def ask():
        provider = make_provider(real_model)
        try:
            request = make_request("Count from one to ten.")
            return [delta async for delta in deltas(provider, request)]
        finally:
            await provider.close()

    pieces = asyncio.run(ask())
    texts = [piece.text for piece in pieces if piece.text]
    assert len(texts) > 3
    usage = pieces[-1].usage
    assert usage is not None
    assert usage.output_tokens == FEW_TOKENS
    assert pieces[-1].finish_reason == "length"


def test_a_schema_is_kept(real_model):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "legs": {"type": "integer"}},
        "required": ["name", "legs"],
        "additionalProperties": False,
    }

    async def ask():
        provider = make_provider(real_model)
        request = make_request(
            "Name an animal.", answer_schema=AnswerSchema(name="animal", schema=schema)
        )
        request = msgspec.structs.replace(request, options={"max_tokens": 60, "seed": 1})
        try:
            return "".join([delta.text async for delta in deltas(provider, request)])
        finally:
            await provider.close()

    value = json.loads(asyncio.run(ask()))
    assert set(value) == {"name", "legs"}
    assert isinstance(value["legs"], int)


def test_a_stream_that_is_left_frees_its_place(real_model):
    """More are left than the server has places, and a whole answer comes after them."""

    async def leave_and_ask():
        provider = make_provider(real_model)
        endless = msgspec.structs.replace(
            make_request("Write a long story."), options={"max_tokens": 1500}
        )
        try:
            for _ in range(10):
                async with aclosing(deltas(provider, endless)) as stream:
                    await anext(stream)
            request = make_request("Name a colour.")
            return "".join([delta.text async for delta in deltas(provider, request)])
        finally:
            await provider.close()

    assert asyncio.run(asyncio.wait_for(leave_and_ask(), 300))
