"""What a message says, and what goes with it, in the parts that OpenAI's protocol knows."""

from __future__ import annotations

import base64
from typing import Any, Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Attachment, Message
from llm_repl_providers.openai.attachments import (
    data_url,
    described,
    inline_text,
    is_text,
    media_type,
)

__all__ = ["content_parts"]

_AUDIO_FORMATS: Final = {
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
    "audio/vnd.wave": "wav",
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
}


def content_parts(message: Message) -> str | list[dict[str, Any]]:
    """A message's content: its plain text, or where something goes with it, a list of parts.

    Raises:
        RequestRejected: The protocol has no place for an attachment.
    """
    if not message.attachments:
        return message.content
    text = [{"type": "text", "text": message.content}] if message.content else []
    return text + [_part(attachment, message.role) for attachment in message.attachments]


def _part(attachment: Attachment, role: str) -> dict[str, Any]:
    if is_text(attachment):
        return {"type": "text", "text": inline_text(attachment)}
    if role != "user":
        raise RequestRejected(
            f"{described(attachment)} goes with a message of the role `{role}`: OpenAI's protocol "
            "takes pictures and files with the user's messages only."
        )
    kind = media_type(attachment)
    url = data_url(attachment)
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if kind.startswith("audio/"):
        if kind not in _AUDIO_FORMATS:
            raise RequestRejected(
                f"{described(attachment)} is {kind}: OpenAI's protocol takes sound as WAV or MP3 "
                "only."
            )
        data = base64.b64encode(attachment.data).decode("ascii")
        return {
            "type": "input_audio",
            "input_audio": {"data": data, "format": _AUDIO_FORMATS[kind]},
        }
    return {"type": "file", "file": {"filename": attachment.name or "file", "file_data": url}}
