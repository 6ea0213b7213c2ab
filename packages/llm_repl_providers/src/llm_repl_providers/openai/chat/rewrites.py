"""The body of a request, written in another way. Nothing that is given is changed."""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

__all__ = [
    "asks_for_schema",
    "has_bare_tools",
    "has_provider_data",
    "renamed",
    "with_empty_parameters",
    "with_schema_in_text",
    "without_provider_data",
]

Body: TypeAlias = dict[str, Any]

_TURN_FIELDS: Final = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})
_CALL_FIELDS: Final = frozenset({"id", "type", "function"})
_FUNCTION_FIELDS: Final = frozenset({"name", "arguments"})


def renamed(body: Body, old: str, new: str) -> Body:
    """The body with a parameter under another name, at the same place."""
    return {new if name == old else name: value for name, value in body.items()}


def asks_for_schema(body: Body) -> bool:
    """Whether the server itself is to hold the answer to a schema."""
    form = body.get("response_format")
    return isinstance(form, dict) and form.get("type") == "json_schema"


def with_schema_in_text(body: Body) -> Body:
    """The body that asks for any JSON object, and tells the model the schema in words."""
    schema = body["response_format"]["json_schema"]["schema"]
    text = json.dumps(schema, ensure_ascii=False)
    told = {**body, "response_format": {"type": "json_object"}}
    if any(text in _text_of(turn) for turn in body["messages"]):
        return told  # it is told already, as where an answer did not fit
    told["messages"] = _with_text(
        body["messages"],
        "Answer with one JSON object and nothing else. It must fit this JSON Schema: " + text,
    )
    return told


def has_bare_tools(body: Body) -> bool:
    """Whether a function is offered without a word on its parameters, since it has none."""
    return any("parameters" not in tool["function"] for tool in body.get("tools", ()))


def with_empty_parameters(body: Body) -> Body:
    """The body in which every function has parameters, be they none."""
    empty = {"type": "object", "properties": {}}
    tools = [
        {**tool, "function": {"parameters": empty, **tool["function"]}} for tool in body["tools"]
    ]
    return {**body, "tools": tools}


def has_provider_data(body: Body) -> bool:
    """Whether a turn goes back with what the protocol does not know."""
    return without_provider_data(body) != body


def without_provider_data(body: Body) -> Body:
    """The body whose turns have only what the protocol knows."""
    return {**body, "messages": [_plain_turn(turn) for turn in body["messages"]]}


def _plain_turn(turn: dict[str, Any]) -> dict[str, Any]:
    if turn.get("role") != "assistant":
        return turn
    plain = _only(_TURN_FIELDS, turn)
    if "tool_calls" in plain:
        plain["tool_calls"] = [
            {**_only(_CALL_FIELDS, call), "function": _only(_FUNCTION_FIELDS, call["function"])}
            for call in plain["tool_calls"]
        ]
    return plain


def _only(names: frozenset[str], document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name in names}


def _with_text(messages: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The turns with a text after what the user said last, as servers take that everywhere."""
    last = max((place for place, turn in enumerate(messages) if turn["role"] == "user"), default=-1)
    if last < 0:
        return [*messages, {"role": "user", "content": text}]
    return [_appended(turn, text) if place == last else turn for place, turn in enumerate(messages)]


def _appended(turn: dict[str, Any], text: str) -> dict[str, Any]:
    content = turn["content"]
    if isinstance(content, list):
        return {**turn, "content": [*content, {"type": "text", "text": text}]}
    return {**turn, "content": f"{content}\n\n{text}" if content else text}


def _text_of(turn: dict[str, Any]) -> str:
    content = turn.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
