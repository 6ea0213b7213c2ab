"""The parts of a turn as a file of recordings has them: media by hash, their bytes on a line each."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from llm_repl_core.errors import InvalidRecordings
from llm_repl_core.ledger.identity import part_document
from llm_repl_core.providers.parts import Media, Part

__all__ = [
    "is_media_line",
    "media_bytes",
    "media_line",
    "part_documents",
    "read_media_line",
    "read_parts",
]

_HASH = "sha256"
_SIZE = "size_bytes"


def part_documents(parts: Iterable[Part]) -> tuple[dict[str, Any], ...]:
    """What a call's line says of its parts.

    Args:
        parts: The turn's.
    """
    return tuple(part_document(part) for part in parts)


def media_bytes(parts: Iterable[Part]) -> dict[str, bytes]:
    """The bytes of what was made, by their SHA-256.

    Args:
        parts: The turn's.
    """
    return {
        hashlib.sha256(part.data).hexdigest(): part.data
        for part in parts
        if isinstance(part, Media)
    }


def read_parts(
    documents: Sequence[Mapping[str, Any]], media: Mapping[str, bytes], place: str
) -> tuple[Part, ...]:
    """The parts that a line names.

    Args:
        documents: From `part_documents`.
        media: The bytes that the file has, by their hash.
        place: Where the line is, for messages.

    Raises:
        InvalidRecordings: They are none, or the bytes of one are not in the file.
    """
    whole = []
    for document in documents:
        part = dict(document)
        if part.get("type") == "media":
            digest = part.pop(_HASH, None)
            part.pop(_SIZE, None)
            if digest not in media:
                raise InvalidRecordings(
                    f"{place} names what a model made, {str(digest)[:80]}, and the file has no "
                    "line with its bytes: restore the file."
                )
            part["data"] = media[digest]
        whole.append(part)
    try:
        # Bytes that are bytes already; all else is strict.
        return msgspec.convert(whole, tuple[Part, ...], builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise InvalidRecordings(f"{place} is not a recorded call: {error} (`parts`).") from None


def media_line(data: bytes, digest: str) -> dict[str, str]:
    """The line with the bytes of what was made.

    Args:
        data: The bytes.
        digest: Their SHA-256.
    """
    return {"media": digest, "data": base64.b64encode(data).decode("ascii")}


def is_media_line(document: Any) -> bool:
    """Whether a line holds bytes, and no call."""
    return isinstance(document, dict) and "media" in document


def read_media_line(document: Mapping[str, Any], place: str) -> tuple[str, bytes]:
    """The hash and the bytes of a line.

    Args:
        document: The line.
        place: Where it is, for messages.

    Raises:
        InvalidRecordings: It has none, or they are not those of the hash.
    """
    digest, encoded = document.get("media"), document.get("data")
    try:
        data = base64.b64decode(encoded if isinstance(encoded, str) else "!", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRecordings(
            f"{place} must hold what a model made, in Base64, under `data`."
        ) from None
    if not isinstance(digest, str) or hashlib.sha256(data).hexdigest() != digest:
        raise InvalidRecordings(
            f"{place} holds other bytes than its `media`, a SHA-256, says: restore the file."
        )
    return digest, data
