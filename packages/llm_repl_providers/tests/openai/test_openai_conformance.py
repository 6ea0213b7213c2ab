"""The provider held to the conformance suite: over both APIs, with and without streaming."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from llm_repl_core.providers.base import Message, Provider, ProviderConfig, Request, Tool, ToolCall
from llm_repl_core.providers.secret import Secret
from llm_repl_core.testing.openai_server import OpenAIServer, Reply
from llm_repl_core.testing.provider_suite import ProviderSuite
from llm_repl_providers.openai.provider import OpenAIProvider

KEY = "sk-canary-0123456789"
REFUSED = "Say what you may not say."
DRAWN = "Draw something."


def _reply(request) -> Reply:
    """Refuse, draw, or ask for the tools that are offered, until there are results."""
    body = request.body
    if request.prompt == REFUSED:
        return Reply(refusal="I will not.")
    if request.prompt == DRAWN:
        return Reply(text="", image=b"\x89PNG\r\n\x1a\n")
    last = (body["input"] if request.is_of_responses else body["messages"])[-1]
    has_results = last.get("role") == "tool" or last.get("type") == "function_call_output"
    tools = [tool.get("function", tool)["name"] for tool in body.get("tools", ())]
    if not tools or has_results:
        return Reply()
    calls = tuple(
        ToolCall(id=f"id_{number}", name=tools[0], arguments='{"x": 1, "y": 2}')
        for number in (1, 2)
    )
    return Reply(reasoning="I have to add.", text="Let me see.", tool_calls=calls)


class _OverAnApi(ProviderSuite):
    options: ClassVar[dict[str, Any]]

    @pytest.fixture(autouse=True)
    def _start(self):
        models = [OpenAIProvider.default_model]
        with OpenAIServer(
            reply=_reply, models=models, any_model=False, key=KEY, caches=True
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

    def make_reasoning_request(self, tool: Tool) -> Request:
        return msgspec.structs.replace(self.make_tool_request(tool), reasoning_effort="low")

    def make_refusal_request(self) -> Request:
        return self.make_request(REFUSED)

    def make_media_request(self) -> Request:
        return self.make_request(DRAWN)

    def make_cached_request(self) -> Request:
        messages = (Message("system", "Be kind."), Message("user", "Hello."))
        return msgspec.structs.replace(self.make_request(), messages=messages)


class TestOverChat(_OverAnApi):
    options: ClassVar = {"api": "chat"}

    def open_connections(self) -> int:
        return self.server.open_connections


class TestOverResponses(_OverAnApi):
    options: ClassVar = {"api": "responses"}

    def open_connections(self) -> int:
        return self.server.open_connections


class TestOverChatWithoutStreaming(_OverAnApi):
    """Which connections are open is not told: a whole answer leaves one for the next call."""

    options: ClassVar = {"api": "chat", "stream": False}


class TestOverResponsesWithoutStreaming(_OverAnApi):
    options: ClassVar = {"api": "responses", "stream": False}
