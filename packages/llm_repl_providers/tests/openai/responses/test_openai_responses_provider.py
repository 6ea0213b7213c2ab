"""The provider held to the conformance suite over Responses, and to what is said of keys."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import msgspec
import pytest

from llm_repl_core.providers.base import Message, Provider, ProviderConfig, Request, Tool, ToolCall
from llm_repl_core.providers.secret import Secret
from llm_repl_core.testing.openai_server import OpenAIServer, Reply
from llm_repl_core.testing.provider_suite import ProviderSuite
from llm_repl_providers.openai.provider import OpenAIProvider

KEY = "sk-canary-0123456789"


def _suite_reply(request):
    """Ask for the tools that are offered, until there are results."""
    tools = [tool["name"] for tool in request.body.get("tools", ())]
    if not tools or request.body["input"][-1].get("type") == "function_call_output":
        return Reply()
    arguments = '{"x": 1, "y": 2}'
    calls = (ToolCall(id=f"id_{number}", name=tools[0], arguments=arguments) for number in (1, 2))
    return Reply(reasoning="Hm.", text="Let me see.", tool_calls=tuple(calls))


class TestOpenAIProviderOverResponses(ProviderSuite):
    options: ClassVar = {"api": "responses"}

    @pytest.fixture(autouse=True)
    def _start(self):
        models = [OpenAIProvider.default_model]
        with OpenAIServer(
            reply=_suite_reply, models=models, any_model=False, key=KEY
        ) as self.server:
            yield

    def make_provider(self) -> Provider:
        config = ProviderConfig(
            base_url=self.server.base_url,
            api_key=Secret(KEY),
            timeout_s=5.0,
            options=self.options,
        )
        return OpenAIProvider(config)

    def expected_answer(self, text: str) -> str:
        return text

    def make_tool_request(self, tool: Tool) -> Request:
        return msgspec.structs.replace(self.make_request(), tools=(tool,))

    def open_connections(self) -> int:
        return self.server.open_connections


class TestOpenAIProviderOverResponsesInOnePiece(TestOpenAIProviderOverResponses):
    options: ClassVar = {"api": "responses", "stream": False}

    def open_connections(self) -> None:
        """No telling: what is complete before its first delta leaves a connection for the next."""


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
