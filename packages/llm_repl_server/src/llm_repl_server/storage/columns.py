"""Values of Python ↔ values of columns, so that nothing is lost and any database can hold them.

Text: a database takes Unicode, and PostgreSQL no NUL, but a file or a kernel may give lone
surrogates and NULs. Such a character becomes U+001A and its code in four hexadecimal digits;
U+001A itself too, so that every text comes back as it was. Other text is stored as it is.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

__all__ = [
    "decode_json",
    "decode_text",
    "decode_time",
    "encode_json",
    "encode_text",
    "encode_time",
]

_ESCAPE = "\x1a"
_UNSAFE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")

_slow_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_LOCAL_LENGTH = len("2026-01-31T12:00:00.000000")


def encode_text(text: str) -> str:
    """A text that every database can hold."""
    if _ESCAPE not in text and "\0" not in text and _is_unicode(text):
        return text
    return _UNSAFE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):04x}", text)


def decode_text(column: str) -> str:
    """The text that `encode_text` was given."""
    if _ESCAPE not in column:
        return column
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), column)


def encode_json(value: Any) -> str:
    """A value as JSON text, with the numbers and texts that JSON has no place for."""
    if not value:
        if value == {} and isinstance(value, dict):
            return "{}"
        if value == [] and isinstance(value, list):
            return "[]"
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _encode_slowly(value)
    # msgspec writes NaN and the infinities as null; the json module keeps them.
    return _encode_slowly(value) if b"null" in encoded else encoded.decode()


def decode_json(column: str) -> Any:
    """The value that `encode_json` was given, in plain Python types.

    Raises:
        ValueError: The column does not hold what `encode_json` writes.
    """
    if _ESCAPE in column:
        return json.loads(decode_text(column))
    try:
        return msgspec.json.decode(column)
    except msgspec.DecodeError:  # NaN and the infinities
        return json.loads(column)


def encode_time(time: datetime) -> str:
    """A time as text that sorts by the instant and keeps microseconds and offset.

    The time of UTC and ``Z``, then the offset where there is one: ``…T10:00:00.000000Z+02:00``.
    A time without an offset stays one: it has no ``Z``.
    """
    text = time.isoformat(timespec="microseconds")
    offset = time.utcoffset()
    if offset is None:
        return text
    if not offset:
        return text[:_LOCAL_LENGTH] + "Z"
    try:
        instant = time.replace(tzinfo=None) - offset
    except OverflowError:  # the first or the last day that there is
        return text
    return instant.isoformat(timespec="microseconds") + "Z" + text[_LOCAL_LENGTH:]


def decode_time(column: str) -> datetime:
    """The time that `encode_time` was given.

    Raises:
        ValueError: The column does not hold what `encode_time` writes.
    """
    instant, zulu, offset = column.partition("Z")
    if not zulu:
        return datetime.fromisoformat(instant)
    if not offset:
        return datetime.fromisoformat(column)
    zero = datetime.fromisoformat(instant + offset)
    return zero + (zero.utcoffset() or timedelta())


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode_slowly(value: Any) -> str:
    # The json module escapes every control character, so an escape here is always one of ours.
    return encode_text(_slow_encoder.encode(msgspec.to_builtins(value)))
