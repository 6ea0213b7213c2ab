"""Tokens are taken out of what is logged."""

from __future__ import annotations

import logging
import re

__all__ = ["RedactingFilter", "redact_tokens"]

# `?token=…` in an address, also as a frame's query or quoted within another address, and the header.
_IN_QUERY = re.compile(r"(?i)((?:[?&;]|%3F|%26)token(?:=|%3D))(?:(?!%26|%23)[^&;#\s\"'<>])*")
_IN_HEADER = re.compile(r"(?i)(\bbearer\s+)[^\s\"',;]+")


def redact_tokens(text: str) -> str:
    """Take the values of ``token=`` in queries, and of ``Bearer`` headers, out of a text."""
    return _IN_HEADER.sub(r"\1[token]", _IN_QUERY.sub(r"\1[token]", text))


class RedactingFilter(logging.Filter):
    """Takes tokens out of every record that passes; put it on handlers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; it always passes."""
        message = record.getMessage()
        redacted = redact_tokens(message)
        if redacted != message:
            record.msg, record.args = redacted, None
        return True
