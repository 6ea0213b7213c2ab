"""The JSON document that a request becomes. It needs no SDK, so that a preview is quick."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import AnswerSchema, Message, Request, Tool
from llm_repl_providers.openai.parts import content_parts
from llm_repl_providers.openai.strictness import strict_schema

__all__ = ["request_body"]

_RESERVED: Final = frozenset({"messages", "model", "stream", "stream_options"})

_SCHEMA_NAME_LIMIT_CHARACTERS: Final = 64


def request_body(
    request: Request, defaults: Mapping[str, Any], *, asks_for_usage: bool
) -> dict[str, JSONValue]:
    """Write a request as OpenAI's chat completions take it.

    Args:
        request: What is asked.
        defaults: Options that those of the request, and what it says itself, go before.
        asks_for_usage: Whether the server is asked to count.

    Raises:
        RequestRejected: An option is not free to be set, or an attachment cannot be sent.
    """
    for name in sorted(_RESERVED & {*defaults, *request.options}):
        raise RequestRejected(
            f"The option `{name}` cannot be set: LLM-REPL sets it itself. Leave it out."
        )
    said = _said(request)
    for name in sorted(said.keys() & request.options.keys()):
        raise RequestRejected(
            f"The option `{name}` says again what the request says by itself: leave it out."
        )
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
    }
    if asks_for_usage:
        body["stream_options"] = {"include_usage": True}
    return {**body, **defaults, **request.options, **said}


def _said(request: Request) -> dict[str, Any]:
    """The parameters that a request has fields for, where they are filled."""
    said: dict[str, Any] = {}
    if request.temperature is not None:
        said["temperature"] = request.temperature
    if request.tools:
        said["tools"] = [_tool(tool) for tool in request.tools]
    if request.answer_schema is not None:
        said["response_format"] = _response_format(request.answer_schema)
    return said


def _message(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": content_parts(message)}
    if message.tool_calls:
        turn["content"] = turn["content"] or None
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _response_format(answer_schema: AnswerSchema) -> dict[str, Any]:
    # The protocol allows no other characters in the name.
    name = re.sub(r"[^A-Za-z0-9_-]", "_", answer_schema.name)[:_SCHEMA_NAME_LIMIT_CHARACTERS]
    strict = strict_schema(answer_schema.schema)
    return {
        "type": "json_schema",
        "json_schema": {
            "name": name or "answer",
            "schema": answer_schema.schema if strict is None else strict,
            "strict": strict is not None,
        },
    }
