"""What makes two calls the same: the hash of their canonical JSON."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Attachment, Request

__all__ = ["attachment_reference", "canonical_request", "identity_of"]


def canonical_request(provider: str, request: Request) -> dict[str, JSONValue]:
    """All that decides what a model is asked: provider, model, messages, every parameter sent.

    What was not sent is left out, and attachments stand as their hash, so that the form is
    readable and stays the same when a default of ours changes.

    Args:
        provider: The provider's name.
        request: What is sent.
    """
    document: dict[str, Any] = {"provider": provider, "model": request.model}
    document["messages"] = [
        msgspec.to_builtins(msgspec.structs.replace(message, attachments=()))
        | (
            {"attachments": [attachment_reference(one) for one in message.attachments]}
            if message.attachments
            else {}
        )
        for message in request.messages
    ]
    if request.temperature is not None:
        document["temperature"] = request.temperature
    if request.options:
        document["options"] = request.options
    if request.tools:
        document["tools"] = msgspec.to_builtins(request.tools)
    if request.answer_schema is not None:
        document["answer_schema"] = msgspec.to_builtins(request.answer_schema)
    return document


def identity_of(canonical: dict[str, JSONValue]) -> str:
    """The SHA-256 of a canonical request, in hexadecimal.

    Keys are sorted and nothing but the values counts: equal requests have equal hashes on every
    machine and in every version of Python.

    Args:
        canonical: From `canonical_request`.
    """
    text = json.dumps(canonical, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def attachment_reference(attachment: Attachment) -> dict[str, JSONValue]:
    """An attachment as records name it: by its content."""
    return {
        "media_type": attachment.media_type,
        "name": attachment.name,
        "sha256": hashlib.sha256(attachment.data).hexdigest(),
        "size_bytes": len(attachment.data),
    }
