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
    "from_data_url",
    "last_user_text",
    "tool_call_deltas",
    "tool_call_entries",
    "words_in_messages",
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
                found.append(from_data_url(part["image_url"]["url"]))
            elif kind == "file":
                file = part["file"]
                found.append(from_data_url(file["file_data"], file.get("filename", "")))
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
    finish_reason: str | None,
    *,
    usage: dict[str, Any],
    service_tier: str | None = None,
    endless: bool = False,
    done: bool = True,
) -> Iterator[bytes]:
    """The events of a streamed answer, in order; usage is the last where it is asked for.

    Args:
        request: What was asked.
        deltas: What the chunks carry; ``logprobs`` stands beside the delta.
        finish_reason: The last chunk's; None: there is none.
        usage: What is told of it.
        service_tier: By which terms it is served; None: that is not told.
        endless: The deltas begin again after the last, without an end.
        done: Whether ``[DONE]`` comes last.
    """
    told = _common(request, "chat.completion.chunk", service_tier)
    common = msgspec.json.encode(told)[:-1]
    # Only the delta is encoded each time: an answer may have ten thousand.
    head = b"data: " + common + b',"choices":[{"index":0,"delta":'
    tail = b',"finish_reason":null}]}\n\n'
    yield head + b'{"role":"assistant","content":""}' + tail
    while True:
        for delta in deltas:
            if "logprobs" in delta:
                beside = msgspec.json.encode({"content": [delta["logprobs"]], "refusal": None})
                said = {name: value for name, value in delta.items() if name != "logprobs"}
                yield head + msgspec.json.encode(said) + b',"logprobs":' + beside + tail
            else:
                yield head + msgspec.json.encode(delta) + tail
        if not endless or not deltas:
            break
    if finish_reason is not None:
        yield head + b'{},"finish_reason":' + msgspec.json.encode(finish_reason) + b"}]}\n\n"
    if (request.get("stream_options") or {}).get("include_usage"):
        counted = msgspec.json.encode(usage)
        yield b"data: " + common + b',"choices":[],"usage":' + counted + b"}\n\n"
    if done:
        yield b"data: [DONE]\n\n"


def completion(
    request: dict[str, Any],
    message: dict[str, Any],
    finish_reason: str | None,
    *,
    usage: dict[str, Any],
    logprobs: Sequence[dict[str, Any]] = (),
    service_tier: str | None = None,
) -> dict[str, Any]:
    """The one document of an answer that is not streamed.

    Args:
        request: What was asked.
        message: The answer, without its role.
        finish_reason: Why it ended.
        usage: What is told of it.
        logprobs: Of its tokens.
        service_tier: By which terms it is served; None: that is not told.
    """
    turn = {"role": "assistant", "content": "", "refusal": None, "annotations": [], **message}
    choice: dict[str, Any] = {
        "index": 0,
        "message": turn,
        "logprobs": {"content": list(logprobs), "refusal": None} if logprobs else None,
        "finish_reason": finish_reason,
    }
    return {
        **_common(request, "chat.completion", service_tier),
        "choices": [choice],
        "usage": usage,
    }


def tool_call_entries(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """Calls of tools as they stand in a whole message."""
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in calls
    ]


def _common(request: dict[str, Any], kind: str, service_tier: str | None) -> dict[str, Any]:
    common = {"id": "chatcmpl-test", "object": kind, "created": 1, "model": request.get("model")}
    return common if service_tier is None else {**common, "service_tier": service_tier}


def words_in_messages(request: dict[str, Any]) -> list[int]:
    """How many words each message has."""
    return [len(_text(turn.get("content")).split()) for turn in request["messages"]]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(content) if part.get("type") == "text")


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def from_data_url(url: str, name: str = "") -> Attachment:
    """What a data URI holds."""
    head, _, data = url.partition(";base64,")
    media_type = head.removeprefix("data:")
    return Attachment(media_type=media_type, data=base64.b64decode(data), name=name)
