"""JSON as servers write it, and the halves of characters that it is cut into."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Final

import msgspec

__all__ = ["TextJoiner", "join_surrogates", "read_documents", "without_surrogates"]

_HALF: Final = re.compile("[\ud800-\udfff]")
_FIRST_HALF: Final = re.compile("[\ud800-\udbff]\\Z")
_BYTES: Final = re.compile("[\udc80-\udcff]+\\Z")
"""Bytes that are no UTF-8, or the beginning of it."""


def read_documents(data: bytes) -> list[Any]:
    """The JSON documents in the data of an event, or in a body: one, or one a line.

    Read are also NaN, halves of characters beyond 16 bits, and bytes that are no UTF-8, which stay
    as lone surrogates until `join_surrogates`.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return [msgspec.json.decode(data)]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    text = data.decode("utf-8", "surrogateescape")
    try:
        return [_loads(text)]
    except ValueError:
        # Some servers leave out the empty line after each event, or write a document a line.
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [_loads(line) for line in lines if not line.startswith("[DONE]")]


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class TextJoiner:
    """Passes pieces of a text on, and halves of characters as soon as the other half is there."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """Take a piece; what can be passed on of it is returned."""
        if not self._held and (piece.isascii() or _HALF.search(piece) is None):
            return piece
        piece = _paired(self._held + piece)
        end = len(piece) - _open_length(piece)
        self._held = piece[end:]
        return join_surrogates(piece[:end])

    def end(self) -> str:
        """What is left of a character that stays a half."""
        held, self._held = self._held, ""
        return join_surrogates(held)


def join_surrogates(text: str) -> str:
    """A text in which halves stand as the characters that they make, or as U+FFFD."""
    if text.isascii() or _HALF.search(text) is None:
        return text
    text = re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", _paired(text))
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def without_surrogates(value: Any) -> Any:
    """A JSON value in which no text has halves of characters; see `join_surrogates`."""
    if isinstance(value, str):
        return join_surrogates(value)
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {join_surrogates(name): without_surrogates(item) for name, item in value.items()}
    return value


def _paired(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _open_length(text: str) -> int:
    """How much of a text's end is the beginning of a character."""
    if _FIRST_HALF.search(text):
        return 1
    octets = _BYTES.search(text)
    if octets is None:
        return 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(octets[0].encode("utf-8", "surrogateescape"))
    return len(decoder.getstate()[0])
