"""Pictures and sounds that a model made, in the forms in which servers send them."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any, Final

from llm_repl_core.providers.parts import Media

__all__ = ["SpokenAnswer", "read_picture", "read_pictures"]

_SOUNDS: Final = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
}
_PCM_RATE_HZ: Final = 24_000
_PCM_SAMPLE_BYTES: Final = 2


def read_pictures(value: Any) -> tuple[Media, ...]:
    """The pictures of a list beside the content; what is none is passed over."""
    found = (read_picture(entry) for entry in (value if isinstance(value, list) else ()))
    return tuple(picture for picture in found if picture is not None)


def read_picture(block: Any) -> Media | None:
    """A picture whose bytes are in the answer: a data URI, or Base64; None: it is none."""
    if not isinstance(block, dict):
        return None
    inner = block.get("image_url", block.get("url"))
    url = inner.get("url") if isinstance(inner, dict) else inner
    if isinstance(url, str) and url.startswith("data:"):
        head, _, encoded = url.partition(";base64,")
        media_type = head.removeprefix("data:").partition(";")[0]
    elif isinstance(block.get("b64_json"), str):
        media_type, encoded = "image/png", block["b64_json"]
    else:
        return None
    data = _decoded(encoded)
    return Media(media_type=media_type or "image/png", data=data) if data else None


class SpokenAnswer:
    """A sound that streams in pieces, with what it says in words.

    Args:
        form: The format that was asked for; ``pcm16`` becomes a WAV file.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self._data: list[bytes] = []
        self._transcript: list[str] = []

    def add(self, piece: Any) -> str:
        """Take a piece in; what it says in words is returned."""
        if not isinstance(piece, dict):
            return ""
        if isinstance(encoded := piece.get("data"), str):
            self._data.append(_decoded(encoded))
        transcript = piece.get("transcript")
        if not isinstance(transcript, str):
            return ""
        self._transcript.append(transcript)
        return transcript

    def media(self) -> tuple[Media, ...]:
        """The sound, whole; empty where none came."""
        data = b"".join(self._data)
        if not data:
            return ()
        if self._form == "pcm16":
            data = _wav(data)
        media_type = _SOUNDS.get("wav" if self._form == "pcm16" else self._form, "audio/wav")
        return (Media(media_type=media_type, data=data, text="".join(self._transcript)),)


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, binascii.Error):
        return b""


def _wav(samples: bytes) -> bytes:
    """The file for raw samples of one channel, which players take."""
    rate = _PCM_RATE_HZ * _PCM_SAMPLE_BYTES
    form = struct.pack(
        "<HHIIHH", 1, 1, _PCM_RATE_HZ, rate, _PCM_SAMPLE_BYTES, 8 * _PCM_SAMPLE_BYTES
    )
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
