"""The JSON document that a request to Responses becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Request, Tool
from llm_repl_providers.openai.answer_schema import json_schema_format
from llm_repl_providers.openai.options import read_options
from llm_repl_providers.openai.responses.includes import REASONING, RESULTS
from llm_repl_providers.openai.responses.input import input_items, instructions
from llm_repl_providers.openai.responses.options import responses_parameters

__all__ = ["request_body"]

_RESERVED: Final = ("input", "messages", "model", "stream_options")

_KEPT_ON_THE_SERVER: Final = ("background", "conversation", "previous_response_id")


def request_body(request: Request, defaults: Mapping[str, Any]) -> dict[str, JSONValue]:
    """Write a request as OpenAI's Responses take it; nothing is kept on the server.

    Args:
        request: What is asked.
        defaults: Options that those of the request, and what it says itself, go before.

    Raises:
        RequestRejected: An option is not free to be set or does not exist there, or an attachment
            cannot be sent.
    """
    fields = _fields(request)
    names = {*fields, *(["response_format"] if request.answer_schema is not None else [])}
    options = read_options(request, defaults, reserved=_RESERVED, fields=names)
    for name in _KEPT_ON_THE_SERVER:
        if options.parameters.get(name):
            raise RequestRejected(
                f"The option `{name}` cannot be set: LLM-REPL sends each conversation whole, and "
                "has nothing kept on the server. Leave it out."
            )
    given = {name: value for name, value in options.parameters.items() if name not in names}
    parameters = responses_parameters({**given, **fields})
    if request.answer_schema is not None:
        form = {"type": "json_schema", **json_schema_format(request.answer_schema)}
        parameters["text"] = {**_object(parameters, "text"), "format": form}
    tools = [*(_tool(tool) for tool in request.tools), *parameters.pop("tools", ())]
    include = [*_list(parameters.pop("include", ())), *_results(tools)]
    if tools:
        parameters["tools"] = tools
        include.insert(0, REASONING)
    if include:
        parameters["include"] = list(dict.fromkeys(include))
    reasoning = _object(parameters, "reasoning")
    if reasoning.get("effort", "none") != "none":
        parameters["reasoning"] = {"summary": "auto", **reasoning}
    return {
        "model": request.model,
        "input": input_items(request.messages),
        "stream": options.stream,
        "store": False,
        **parameters,
    }


def _fields(request: Request) -> dict[str, Any]:
    """The parameters that a request has fields for, where they are filled."""
    fields: dict[str, Any] = {}
    if text := instructions(request.messages):
        fields["instructions"] = text
    if request.temperature is not None:
        fields["temperature"] = request.temperature
    if request.reasoning_effort is not None:
        fields["reasoning_effort"] = request.reasoning_effort
    return fields


def _tool(tool: Tool) -> dict[str, Any]:
    # The API wants parameters, be they none, and `strict` to be said: else it is strict.
    parameters = tool.parameters or {"type": "object", "properties": {}}
    if parameters.get("type") == "object" and "properties" not in parameters:
        parameters = {**parameters, "properties": {}}
    described = {"description": tool.description} if tool.description else {}
    return {
        "type": "function",
        "name": tool.name,
        **described,
        "parameters": parameters,
        "strict": False,
    }


def _results(tools: list[Any]) -> list[str]:
    kinds = {str(tool.get("type")) for tool in tools if isinstance(tool, dict)}
    return [wanted for kind, wanted in RESULTS.items() if kind in kinds]


def _object(parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = parameters.get(name)
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
