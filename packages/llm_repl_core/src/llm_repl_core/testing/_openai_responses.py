"""The JSON documents of OpenAI's Responses, as a server writes them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from llm_repl_core.providers.base import ToolCall
from llm_repl_core.testing._openai_chat import cut_at_words

__all__ = [
    "encrypted",
    "function_call_items",
    "image_item",
    "message_item",
    "reasoning_item",
    "response_events",
    "whole_response",
]

_ARGUMENTS_PIECE_CHARACTERS: Final = 4

_SETTINGS: Final[dict[str, Any]] = {
    "background": False,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}
"""What a response repeats of its request, and what is so where that does not say it."""


def encrypted(text: str) -> str:
    """What stands for the reasoning where nothing is stored: the same text, the same letters."""
    return "enc-" + hashlib.sha256(text.encode()).hexdigest()[:24]


def reasoning_item(text: str, request: dict[str, Any]) -> dict[str, Any]:
    """A reasoning item; encrypted where the request includes that."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    item: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in (request.get("include") or ()):
        item["encrypted_content"] = encrypted(text)
    return item


def message_item(
    pieces: Sequence[str],
    *,
    refusal: str = "",
    annotations: Sequence[dict[str, Any]] = (),
    logprobs: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The item of an answer, or of a refusal in its place."""
    part: dict[str, Any] = {"type": "refusal", "refusal": refusal}
    if not refusal:
        part = {"type": "output_text", "text": "".join(pieces), "annotations": list(annotations)}
        if logprobs:
            part["logprobs"] = list(logprobs)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def function_call_items(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """The items of calls of tools."""
    return [
        {
            "id": f"fc_{number}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for number, call in enumerate(calls, start=1)
    ]


def image_item(data: bytes) -> dict[str, Any]:
    """The item of a picture that the server's own tool has made."""
    return {
        "id": "ig_1",
        "type": "image_generation_call",
        "status": "completed",
        "output_format": "png",
        "revised_prompt": "A picture.",
        "result": base64.b64encode(data).decode(),
    }


def whole_response(
    request: dict[str, Any],
    items: Sequence[dict[str, Any]],
    finish_reason: str | None,
    *,
    usage: dict[str, Any],
    service_tier: str | None = None,
) -> dict[str, Any]:
    """The one document of an answer, which is also what the last event has."""
    # The API is strict with functions where that is not said.
    tools = [
        {"strict": True, **tool} if tool.get("type") == "function" else tool
        for tool in request.get("tools", ())
    ]
    response: dict[str, Any] = {
        **_SETTINGS,
        **{name: request[name] for name in _SETTINGS if name in request},
        "tools": tools,
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "completed_at": 2,
        "model": request.get("model"),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": list(items),
        "usage": usage,
    }
    if service_tier is not None:
        response["service_tier"] = service_tier
    if finish_reason == "failed":
        error = {"code": "server_error", "message": "The model failed."}
        response |= {"status": "failed", "error": error, "usage": None}
    elif finish_reason not in ("stop", "tool_calls", None):
        reason = "max_output_tokens" if finish_reason == "length" else finish_reason
        response |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
    return response


def response_events(
    response: dict[str, Any],
    pieces: Sequence[str],
    *,
    ends: bool = True,
    endless: bool = False,
) -> Iterator[bytes]:
    """The events of a streamed answer, in order.

    Args:
        response: All of it.
        pieces: How the text of its message is cut.
        ends: Whether the last event says so.
        endless: The text begins again after its last piece, without an end.
    """
    number = 0

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal number
        data = json.dumps({"type": kind, "sequence_number": number, **fields}, ensure_ascii=False)
        number += 1
        return f"event: {kind}\ndata: {data}\n\n".encode()

    begun = {**response, "status": "in_progress", "output": [], "usage": None, "error": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(response["output"]):
        at = {"output_index": index, "item_id": item.get("id")}
        yield event("response.output_item.added", output_index=index, item=_empty(item))
        for kind, fields in _item_events(item, pieces, endless=endless):
            yield event(kind, **at, **fields)
        yield event("response.output_item.done", output_index=index, item=item)
    if ends:
        yield event(f"response.{response['status']}", response=response)


def _item_events(
    item: dict[str, Any], pieces: Sequence[str], *, endless: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events between the beginning and the end of an item."""
    kind = item.get("type")
    if kind == "reasoning":
        for index, part in enumerate(item["summary"]):
            at = {"summary_index": index}
            empty = {"type": "summary_text", "text": ""}
            yield "response.reasoning_summary_part.added", {**at, "part": empty}
            for piece in cut_at_words(part["text"]):
                yield "response.reasoning_summary_text.delta", {**at, "delta": piece}
            yield "response.reasoning_summary_text.done", {**at, "text": part["text"]}
            yield "response.reasoning_summary_part.done", {**at, "part": part}
    elif kind == "message":
        yield from _message_events(item["content"][0], pieces, endless=endless)
    elif kind == "function_call":
        arguments = item["arguments"]
        for start in range(0, len(arguments), _ARGUMENTS_PIECE_CHARACTERS):
            piece = arguments[start : start + _ARGUMENTS_PIECE_CHARACTERS]
            yield "response.function_call_arguments.delta", {"delta": piece}
        yield "response.function_call_arguments.done", {"arguments": arguments}
    elif kind == "image_generation_call":
        yield "response.image_generation_call.in_progress", {}
        partial = {"partial_image_index": 0, "partial_image_b64": "AAAA"}
        yield "response.image_generation_call.partial_image", partial
        yield "response.image_generation_call.completed", {}


def _message_events(
    part: dict[str, Any], pieces: Sequence[str], *, endless: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    at = {"content_index": 0}
    if part["type"] == "refusal":
        yield "response.content_part.added", {**at, "part": {"type": "refusal", "refusal": ""}}
        yield "response.refusal.delta", {**at, "delta": part["refusal"]}
        yield "response.refusal.done", {**at, "refusal": part["refusal"]}
        yield "response.content_part.done", {**at, "part": part}
        return
    empty = {"type": "output_text", "text": "", "annotations": []}
    yield "response.content_part.added", {**at, "part": empty}
    logprobs = part.get("logprobs", ())
    while True:
        for index, piece in enumerate(pieces):
            told = {"logprobs": [logprobs[index]]} if index < len(logprobs) else {"logprobs": []}
            yield "response.output_text.delta", {**at, "delta": piece, **told}
        if not endless or not pieces:
            break
    for index, annotation in enumerate(part["annotations"]):
        fields = {**at, "annotation_index": index, "annotation": annotation}
        yield "response.output_text.annotation.added", fields
    yield "response.output_text.done", {**at, "text": part["text"], "logprobs": []}
    yield "response.content_part.done", {**at, "part": part}


def _empty(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it is when nothing of it has come."""
    empty = {**item, "status": "in_progress"}
    for name, nothing in (("content", []), ("summary", []), ("arguments", ""), ("result", None)):
        if name in empty:
            empty[name] = nothing
    empty.pop("encrypted_content", None)
    return empty
