"""The JSON documents of OpenAI's chat completions, as a server writes them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from llm_repl_core.providers.base import Attachment, ToolCall

__all__ = [
    "attachments_in",
    "completion",
    "cut_at_words",
    "events",
    "last_user_text",
    "tool_call_deltas",
]

_ARGUMENTS_PIECE_CHARACTERS: Final = 4


def cut_at_words(text: str) -> tuple[str, ...]:
    """Cut a text into pieces: a word and the white space after it."""
    return tuple(re.findall(r"\S+\s*|\s+", text))


def last_user_text(request: dict[str, Any]) -> str:
    """What the last user message says; of several parts, the texts, a line each."""
    said = [turn.get("content") for turn in request["messages"] if turn.get("role") == "user"]
    return _text(said[-1]) if said else ""


def attachments_in(request: dict[str, Any]) -> tuple[Attachment, ...]:
    """The pictures, sounds and files that came with the messages, in order."""
    found = []
    for turn in request["messages"]:
        for part in _parts(turn.get("content")):
            kind = part.get("type")
            if kind == "image_url":
                found.append(_from_url(part["image_url"]["url"]))
            elif kind == "file":
                file = part["file"]
                found.append(_from_url(file["file_data"], file.get("filename", "")))
            elif kind == "input_audio":
                sound = part["input_audio"]
                data = base64.b64decode(sound["data"])
                found.append(Attachment(media_type=f"audio/{sound['format']}", data=data))
    return tuple(found)


def tool_call_deltas(calls: Sequence[ToolCall]) -> Iterator[dict[str, Any]]:
    """How OpenAI streams calls of tools: who is called first, and then what with, in pieces."""
    for index, call in enumerate(calls):
        function = {"name": call.name, "arguments": ""}
        head = {"index": index, "id": call.id, "type": "function", "function": function}
        yield {"tool_calls": [head]}
        for start in range(0, len(call.arguments), _ARGUMENTS_PIECE_CHARACTERS):
            piece = call.arguments[start : start + _ARGUMENTS_PIECE_CHARACTERS]
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def events(
    request: dict[str, Any],
    deltas: Sequence[dict[str, Any]],
    text: str,
    finish_reason: str | None,
    *,
    endless: bool = False,
    done: bool = True,
) -> Iterator[bytes]:
    """The events of a streamed answer, in order; usage is the last where it is asked for.

    Args:
        request: What was asked.
        deltas: What the chunks carry.
        text: The answer, to be counted.
        finish_reason: The last chunk's; None: there is none.
        endless: The deltas begin again after the last, without an end.
        done: Whether ``[DONE]`` comes last.
    """
    common = msgspec.json.encode(_common(request, "chat.completion.chunk"))[:-1]
    # Only the delta is encoded each time: an answer may have ten thousand.
    head = b"data: " + common + b',"choices":[{"index":0,"delta":'
    tail = b',"finish_reason":null}]}\n\n'
    yield head + b'{"role":"assistant","content":""}' + tail
    while True:
        for delta in deltas:
            yield head + msgspec.json.encode(delta) + tail
        if not endless or not deltas:
            break
    if finish_reason is not None:
        yield head + b'{},"finish_reason":' + msgspec.json.encode(finish_reason) + b"}]}\n\n"
    if (request.get("stream_options") or {}).get("include_usage"):
        usage = msgspec.json.encode(_usage(request, text))
        yield b"data: " + common + b',"choices":[],"usage":' + usage + b"}\n\n"
    if done:
        yield b"data: [DONE]\n\n"


def completion(
    request: dict[str, Any], text: str, calls: Sequence[ToolCall], finish_reason: str | None
) -> dict[str, Any]:
    """The one document of an answer that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    common = _common(request, "chat.completion")
    return {**common, "choices": [choice], "usage": _usage(request, text)}


def _common(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": 1, "model": request.get("model")}


def _usage(request: dict[str, Any], text: str) -> dict[str, int]:
    """Words, counted: any number would do that is the same each time."""
    asked = sum(len(_text(turn.get("content")).split()) for turn in request["messages"])
    answered = len(text.split())
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(content) if part.get("type") == "text")


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def _from_url(url: str, name: str = "") -> Attachment:
    head, _, data = url.partition(";base64,")
    media_type = head.removeprefix("data:")
    return Attachment(media_type=media_type, data=base64.b64decode(data), name=name)
