"""The JSON document that a request becomes. It needs no SDK, so that a preview is quick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Message, Request, Tool, ToolCall
from llm_repl_providers.openai.answer_schema import json_schema_format
from llm_repl_providers.openai.api import RESPONSES_ITEM
from llm_repl_providers.openai.chat.parts import content_parts
from llm_repl_providers.openai.options import read_options
from llm_repl_providers.openai.tools import is_bare, sound_arguments

__all__ = ["request_body"]

_RESERVED: Final = ("messages", "model", "stream_options")


def request_body(request: Request, defaults: Mapping[str, Any]) -> dict[str, JSONValue]:
    """Write a request as OpenAI's chat completions take it.

    Args:
        request: What is asked.
        defaults: Options that those of the request, and what it says itself, go before.

    Raises:
        RequestRejected: An option is not free to be set, or an attachment cannot be sent.
    """
    fields = _fields(request)
    options = read_options(request, defaults, reserved=_RESERVED, fields=fields)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stream": options.stream,
    }
    if options.stream:
        body["stream_options"] = {"include_usage": True}
    return {**body, **options.parameters, **fields}


def _fields(request: Request) -> dict[str, Any]:
    """The parameters that a request has fields for, where they are filled."""
    fields: dict[str, Any] = {}
    if request.temperature is not None:
        fields["temperature"] = request.temperature
    if request.reasoning_effort is not None:
        fields["reasoning_effort"] = request.reasoning_effort
    if request.tools:
        fields["tools"] = [_tool(tool) for tool in request.tools]
    if request.answer_schema is not None:
        fields["response_format"] = {
            "type": "json_schema",
            "json_schema": json_schema_format(request.answer_schema),
        }
    return fields


def _message(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": content_parts(message)}
    if message.tool_calls:
        turn["content"] = turn["content"] or None
        turn["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    # As they came: signatures and reasoning that the server wants back, unchanged.
    turn |= message.provider_data
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _tool_call(call: ToolCall) -> dict[str, Any]:
    fields = {name: value for name, value in call.provider_data.items() if name != RESPONSES_ITEM}
    inner = fields.pop("function", None)
    function = dict(inner) if isinstance(inner, dict) else {}
    function |= {"name": call.name, "arguments": sound_arguments(call.arguments)}
    return {**fields, "id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    # Some servers refuse an object without properties, and OpenAI refuses one that lacks them.
    if not is_bare(tool.parameters):
        function["parameters"] = tool.parameters
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}
