"""The JSON documents of OpenAI's chat completions, as a server writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["chunks", "completion", "cut_at_words"]


def cut_at_words(text: str | None, request: dict[str, Any]) -> tuple[str, ...]:
    """Cut a text into pieces; None: the text of the request's last user message."""
    if text is None:
        said = [turn["content"] for turn in request["messages"] if turn.get("role") == "user"]
        text = said[-1] if said else ""
    return tuple(re.findall(r"\S+\s*|\s+", text))


def chunks(
    request: dict[str, Any], pieces: Sequence[str], finish_reason: str | None
) -> Iterator[dict[str, Any]]:
    """The documents of a streamed answer, in order; usage is the last where it is asked for."""
    common = _common(request, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces:
        yield chunk({"content": piece})
    if finish_reason is not None:
        yield chunk({}, finish_reason)
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**common, "choices": [], "usage": _usage(request, "".join(pieces))}


def completion(
    request: dict[str, Any], pieces: Sequence[str], finish_reason: str | None
) -> dict[str, Any]:
    """The one document of an answer that is not streamed."""
    text = "".join(pieces)
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    common = _common(request, "chat.completion")
    return {**common, "choices": [choice], "usage": _usage(request, text)}


def _common(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": 1, "model": request.get("model")}


def _usage(request: dict[str, Any], text: str) -> dict[str, int]:
    """Words, counted: any number would do that is the same each time."""
    asked = sum(len(str(turn.get("content")).split()) for turn in request["messages"])
    answered = len(text.split())
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }
