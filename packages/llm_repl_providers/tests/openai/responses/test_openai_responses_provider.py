"""The provider and the real SDK against a server that has Responses."""

from __future__ import annotations

import asyncio

from llm_repl_core.providers.base import Message, ProviderConfig, Request
from llm_repl_core.testing.openai_server import OpenAIServer
from llm_repl_providers.openai.provider import OpenAIProvider


def test_many_calls_share_a_provider():
    with OpenAIServer() as server:
        config = ProviderConfig(base_url=server.base_url, options={"api": "responses"})

        async def main():
            provider = OpenAIProvider(config)

            async def ask(number):
                request = Request(model="m", messages=(Message("user", f"number {number}"),))
                return "".join([delta.text async for delta in provider.stream(request)])

            try:
                return await asyncio.gather(*(ask(number) for number in range(16)))
            finally:
                await provider.close()

        assert asyncio.run(main()) == [f"number {number}" for number in range(16)]
        assert {request.path for request in server.requests} == {"/v1/responses"}
