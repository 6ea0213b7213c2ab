"""The JSON document that a request becomes. It needs no SDK, so that a preview is quick."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from llm_repl_core.errors import RequestRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import AnswerSchema, Message, Request, Tool, ToolCall
from llm_repl_providers.openai.parts import content_parts
from llm_repl_providers.openai.strictness import strict_schema

__all__ = ["request_body"]

_RESERVED: Final = frozenset({"messages", "model", "stream", "stream_options"})

_BARE_KEYWORDS: Final = frozenset({"type", "properties", "required", "additionalProperties"})

_SCHEMA_NAME_LIMIT_CHARACTERS: Final = 64


def request_body(request: Request, defaults: Mapping[str, Any]) -> dict[str, JSONValue]:
    """Write a request as OpenAI's chat completions take it.

    Args:
        request: What is asked.
        defaults: Options that those of the request, and what it says itself, go before.

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
        "stream_options": {"include_usage": True},
    }
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
        turn["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    # As they came: signatures and reasoning that the server wants back, unchanged.
    turn |= message.provider_data
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _tool_call(call: ToolCall) -> dict[str, Any]:
    fields = dict(call.provider_data)
    inner = fields.pop("function", None)
    function = dict(inner) if isinstance(inner, dict) else {}
    # Servers read the arguments of earlier calls, and fail where they are broken. What was wrong
    # with them is said in the tool's message.
    arguments = call.arguments if _is_object(call.arguments) else "{}"
    function |= {"name": call.name, "arguments": arguments}
    return {**fields, "id": call.id, "type": "function", "function": function}


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    # Some servers refuse an object without properties, and OpenAI refuses one that lacks them.
    if not _is_bare(tool.parameters):
        function["parameters"] = tool.parameters
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _is_bare(parameters: dict[str, JSONValue]) -> bool:
    """Whether a schema names no argument at all."""
    return parameters.keys() <= _BARE_KEYWORDS and not (
        parameters.get("properties") or parameters.get("additionalProperties")
    )


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
