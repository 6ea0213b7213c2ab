"""What comes to OpenAI's Responses: reading it, and refusing what the API refuses."""

from __future__ import annotations

import json
from typing import Any, Final

from llm_repl_core.providers.base import Attachment
from llm_repl_core.testing._openai_chat import from_data_url
from llm_repl_core.testing._openai_responses import encrypted

__all__ = ["attachments_in_input", "last_user_text_in_input", "rejection", "words_in_input"]

_PARAMETERS: Final = frozenset({
    "background", "conversation", "include", "input", "instructions", "max_output_tokens",
    "max_tool_calls", "metadata", "model", "parallel_tool_calls", "previous_response_id", "prompt",
    "prompt_cache_key", "prompt_cache_options", "reasoning", "safety_identifier", "service_tier",
    "store", "stream", "stream_options", "temperature", "text", "tool_choice", "tools",
    "top_logprobs", "top_p", "truncation", "user",
})  # fmt: skip
"""What the API knows; it refuses everything else by name."""

_CONTENT_TYPES: Final = {
    "user": {"input_text", "input_image", "input_file"},
    "system": {"input_text"},
    "developer": {"input_text"},
    "assistant": {"output_text", "refusal"},
}


def rejection(request: dict[str, Any]) -> str | None:
    """What is wrong with a request, in the words of the API; None: it is answered."""
    for name in request:
        if name not in _PARAMETERS:
            return f"Unknown parameter: '{name}'."
    if not request.get("input"):
        return "Missing required parameter: 'input'."
    calls: set[str] = set()
    for number, item in enumerate(_items(request)):
        error = _item_error(item, calls, stores=request.get("store", True))
        if error:
            return f"Invalid 'input[{number}]': {error}"
    if calls:
        return f"No tool output found for function call {min(calls)}."
    for tool in request.get("tools", ()):
        if tool.get("type") == "function" and not isinstance(tool.get("name"), str):
            return "Missing required parameter: 'tools[0].name'."
    return None


def _item_error(item: dict[str, Any], calls: set[str], *, stores: bool) -> str | None:
    kind = item.get("type", "message")
    if kind == "message":
        content, role = item.get("content"), item.get("role")
        if role not in _CONTENT_TYPES:
            return f"unknown role {role!r}."
        if not isinstance(content, str | list):
            return "a message needs content."
        for part in content if isinstance(content, list) else []:
            if part.get("type") not in _CONTENT_TYPES[role]:
                return f"a {role} message takes no part of the type {part.get('type')!r}."
    elif kind == "function_call":
        if not all(isinstance(item.get(name), str) for name in ("call_id", "name", "arguments")):
            return "a function call needs `call_id`, `name` and `arguments`."
        json.loads(item["arguments"])
        calls.add(item["call_id"])
    elif kind == "function_call_output":
        if item.get("call_id") not in calls:
            return f"No tool call found for function call output {item.get('call_id')}."
        calls.discard(item["call_id"])
    elif kind == "reasoning" and not stores:
        # Nothing is kept on the server: what it thought has to come back, as it was.
        text = "".join(part["text"] for part in item.get("summary", ()))
        if item.get("encrypted_content") != encrypted(text):
            return "The encrypted content could not be verified."
    return None


def last_user_text_in_input(request: dict[str, Any]) -> str:
    """What the last user message says; of several parts, the texts, a line each."""
    said = [item.get("content") for item in _items(request) if item.get("role") == "user"]
    return _text(said[-1]) if said else ""


def attachments_in_input(request: dict[str, Any]) -> tuple[Attachment, ...]:
    """The pictures and files that came with the messages and with results of tools, in order."""
    found = []
    for item in _items(request):
        for part in _parts(item.get("content")) + _parts(item.get("output")):
            if part.get("type") == "input_image":
                found.append(from_data_url(part["image_url"]))
            elif part.get("type") == "input_file":
                found.append(from_data_url(part["file_data"], part.get("filename", "")))
    return tuple(found)


def words_in_input(request: dict[str, Any]) -> list[int]:
    """How many words the instructions and each item of the input have."""
    said = [str(request.get("instructions") or ""), *(_text_of_item(i) for i in _items(request))]
    return [len(text.split()) for text in said]


def _text_of_item(item: dict[str, Any]) -> str:
    content = item.get("content") or item.get("output") or ""
    return content if isinstance(content, str) else _text(content)


def _items(request: dict[str, Any]) -> list[dict[str, Any]]:
    given = request.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return given if isinstance(given, list) else []


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(content) if part.get("type") == "input_text")


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []
