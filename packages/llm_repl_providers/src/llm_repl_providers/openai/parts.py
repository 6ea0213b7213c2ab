"""What a message says, and what goes with it, in the parts that OpenAI's protocol knows."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Attachment, Message

__all__ = ["content_parts"]

_AUDIO_FORMATS: Final = {
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
    "audio/vnd.wave": "wav",
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
}
_UNKNOWN_TYPE: Final = "application/octet-stream"

# Models read these as they stand, and few servers take them as files.
_TEXT = re.compile(r"text/.*|application/(json|xml|yaml|x-yaml|toml)|[^/]+/[^/]+\+(json|xml)")


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
    media_type = attachment.media_type.partition(";")[0].strip().lower() or _UNKNOWN_TYPE
    if _TEXT.fullmatch(media_type):
        return {"type": "text", "text": _inlined(attachment)}
    if role != "user":
        raise RequestRejected(
            f"{_named(attachment)} goes with a message of the role `{role}`: OpenAI's protocol "
            "takes pictures and files with the user's messages only."
        )
    data = base64.b64encode(attachment.data).decode("ascii")
    url = f"data:{media_type};base64,{data}"
    if media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if media_type.startswith("audio/"):
        if media_type not in _AUDIO_FORMATS:
            raise RequestRejected(
                f"{_named(attachment)} is {media_type}: OpenAI's protocol takes sound as WAV or "
                "MP3 only."
            )
        sound = {"data": data, "format": _AUDIO_FORMATS[media_type]}
        return {"type": "input_audio", "input_audio": sound}
    return {"type": "file", "file": {"filename": attachment.name or "file", "file_data": url}}


def _inlined(attachment: Attachment) -> str:
    try:
        text = attachment.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestRejected(
            f"{_named(attachment)} is said to be {attachment.media_type} and is not UTF-8: convert "
            "it, or attach it as another type."
        ) from None
    return f"{attachment.name}:\n\n{text}" if attachment.name else text


def _named(attachment: Attachment) -> str:
    return f"The attachment `{attachment.name}`" if attachment.name else "An attachment"
