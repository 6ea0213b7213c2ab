"""What a provider sends, as it is kept: with attachments named by their hash, not repeated."""

from __future__ import annotations

import base64
from typing import Any

from llm_repl_core.ledger.identity import attachment_reference
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Attachment, Request
from llm_repl_core.providers.parts import Media

__all__ = ["recorded_body"]


_BASE64 = ";base64,"


def recorded_body(body: dict[str, JSONValue], request: Request) -> dict[str, JSONValue]:
    """The body of a request as records and previews show it.

    Args:
        body: What `Provider.body` says is sent.
        request: What it was made from.
    """
    sent: list[Attachment | Media] = []
    for message in request.messages:
        sent += message.attachments
        sent += [part for part in message.parts if isinstance(part, Media)]
    names = {
        base64.b64encode(attachment.data).decode(
            "ascii"
        ): f"sha256:{attachment_reference(attachment)['sha256']}"
        for attachment in sent
        if attachment.data
    }
    return _replaced(body, names) if names else body


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, names) for item in value]
    if isinstance(value, str):
        # Alone, or as a data URI: a short one may stand in a text by chance.
        head, marker, data = value.rpartition(_BASE64)
        if data in names:
            return f"{head}{marker}{names[data]}"
    return value
