"""What goes with a message, in the forms that both APIs take."""

from __future__ import annotations

import base64
import re
from typing import Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Attachment

__all__ = ["data_url", "described", "inline_text", "is_text", "media_type"]

_UNKNOWN_TYPE: Final = "application/octet-stream"

# Models read these as they stand, and few servers take them as files.
_TEXT: Final = re.compile(
    r"text/.*|application/(json|xml|yaml|x-yaml|toml)|[^/]+/[^/]+\+(json|xml)"
)


def media_type(attachment: Attachment) -> str:
    """The media type alone, in lower case."""
    return attachment.media_type.partition(";")[0].strip().lower() or _UNKNOWN_TYPE


def is_text(attachment: Attachment) -> bool:
    """Whether it is sent as a part of the message's text."""
    return _TEXT.fullmatch(media_type(attachment)) is not None


def inline_text(attachment: Attachment) -> str:
    """A text file as a part of a message's text, with its name above it.

    Raises:
        RequestRejected: It is not UTF-8.
    """
    try:
        text = attachment.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestRejected(
            f"{described(attachment)} is said to be {attachment.media_type} and is not UTF-8: "
            "convert it, or attach it as another type."
        ) from None
    return f"{attachment.name}:\n\n{text}" if attachment.name else text


def data_url(attachment: Attachment) -> str:
    """Its bytes as a data URI."""
    data = base64.b64encode(attachment.data).decode("ascii")
    return f"data:{media_type(attachment)};base64,{data}"


def described(attachment: Attachment) -> str:
    """How a message names it."""
    return f"The attachment `{attachment.name}`" if attachment.name else "An attachment"
