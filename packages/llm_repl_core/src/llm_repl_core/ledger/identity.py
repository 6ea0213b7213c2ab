"""What makes two calls the same: the hash of their canonical JSON."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import msgspec

from llm_repl_core.errors import InvalidInput
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Attachment, Message, Request
from llm_repl_core.providers.parts import Media, Part

__all__ = ["attachment_reference", "canonical_request", "identity_of", "part_document"]

_DEEPEST = 200
"""Levels of lists and objects in a parameter; no provider takes so many."""

_LARGEST_EXACT = 2**53
"""From here on a float no longer stands for one whole number."""


def canonical_request(provider: str, request: Request) -> dict[str, JSONValue]:
    """All that decides what a model is asked: provider, model, messages, every parameter sent.

    The hint for the cache is no part of it: it changes no answer. What was not sent is left out, and attachments stand as their hash, so that the form is
    readable and stays the same when a default of ours changes. It shares nothing with the request.

    Args:
        provider: The provider's name.
        request: What is sent.

    Raises:
        InvalidInput: A parameter is something that JSON cannot hold; the message names it.
    """
    document: dict[str, Any] = {"provider": provider, "model": request.model}
    document["messages"] = [_canonical_message(message) for message in request.messages]
    if request.temperature is not None:
        document["temperature"] = request.temperature
    if request.options:
        document["options"] = request.options
    if request.tools:
        document["tools"] = [msgspec.structs.asdict(tool) for tool in request.tools]
    if request.answer_schema is not None:
        document["answer_schema"] = msgspec.structs.asdict(request.answer_schema)
    if request.reasoning_effort is not None:
        document["reasoning_effort"] = request.reasoning_effort
    plain: dict[str, JSONValue] = _plain(document, "", 0)
    return plain


def identity_of(canonical: dict[str, JSONValue]) -> str:
    """The SHA-256 of a canonical request, in hexadecimal.

    Keys are sorted and nothing but the values counts, so that equal requests have equal hashes on
    every machine and in every version of Python. ``1`` and ``1.0`` are one value: tools that
    rewrite JSON turn the one into the other.

    Args:
        canonical: From `canonical_request`.
    """
    text = json.dumps(
        _by_value(canonical), sort_keys=True, ensure_ascii=True, separators=(",", ":")
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def attachment_reference(attachment: Attachment | Media) -> dict[str, JSONValue]:
    """An attachment, or what a model made, as records name it: by its content.

    Its name counts as well, since models are told it.
    """
    return {
        "media_type": attachment.media_type,
        "name": attachment.name,
        "sha256": hashlib.sha256(attachment.data).hexdigest(),
        "size_bytes": len(attachment.data),
    }


def _canonical_message(message: Message) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(
        msgspec.structs.replace(message, attachments=(), parts=())
    )
    if message.attachments:
        document["attachments"] = [
            attachment_reference(attachment) for attachment in message.attachments
        ]
    if message.parts:
        document["parts"] = [part_document(part) for part in message.parts]
    return document


def part_document(part: Part) -> dict[str, Any]:
    """A part of a turn as records have it: with the hash of its bytes, where it has any.

    Args:
        part: The part.
    """
    if not isinstance(part, Media):
        plain: dict[str, Any] = msgspec.to_builtins(part)
        return plain
    document: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(part, data=b""))
    del document["data"]
    return document | attachment_reference(part)


def _plain(value: Any, path: str, depth: int) -> Any:
    """A copy that is JSON and nothing else: plugins and scripts may put anything into a request."""
    if depth > _DEEPEST:
        raise InvalidInput(f"`{path[:80]}…` is too deeply nested to be sent to a model.")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InvalidInput(f"`{path}` has the key {str(key)[:40]!a}: JSON has text only.")
        return {
            key: _plain(item, f"{path}.{key}" if path else key, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(value)]
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if value is None or (isinstance(value, bool | int | float | str) and is_finite):
        return value
    what = f"a {type(value).__name__}" if is_finite else f"`{value}`"
    raise InvalidInput(f"`{path}` is {what}, which JSON cannot hold: give something else.")


def _by_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _by_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_by_value(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_EXACT:
        return int(value)
    return value
