"""What the mock provider puts into a turn besides text, and what it wants back of it."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Message, ReasoningEffort
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Reasoning,
    ServerToolCall,
    TokenLogprob,
)

__all__ = [
    "check_reasoning_is_back",
    "logprob",
    "made_media",
    "reasoning_text",
    "search_call",
    "signed",
    "source",
]

_SIDE_PIXELS: Final = 16
_RATE_HZ: Final = 8_000
_SOUND_SAMPLES: Final = 800


def reasoning_text(told: str | None, effort: ReasoningEffort | None) -> str:
    """What the model thinks: what it was told to think, else a word on the effort it was asked for."""
    if effort == "none":
        return ""
    if told is not None:
        return told
    return "" if effort is None else f"I think with {effort} effort."


def signed(text: str) -> Reasoning:
    """What ends streamed reasoning: a signature, which the next request has to bring back."""
    return Reasoning(provider_data={"signature": _signature(text)})


def check_reasoning_is_back(messages: Sequence[Message]) -> None:
    """Check the reasoning of earlier turns, as servers do that sign it.

    Raises:
        RequestRejected: It is not what this provider signed.
    """
    for number, message in enumerate(messages, start=1):
        for part in message.parts:
            if (
                isinstance(part, Reasoning)
                and part.provider_data != signed(part.text).provider_data
            ):
                raise RequestRejected(
                    f"The mock provider did not write the reasoning in message {number}: it must "
                    "come back unchanged, with its signature."
                )


def search_call(query: str) -> ServerToolCall:
    """A search that the server made by itself."""
    return ServerToolCall(
        id="search_1",
        name="web_search",
        arguments=json.dumps({"query": query}),
        result=f"One page says: {query}.",
        provider_data={"page": f"encrypted-{_signature(query)}"},
    )


def source(url: str, answer: str) -> Citation:
    """Where the whole answer is from."""
    return Citation(start=0, end=len(answer), url=url, title="A page", quote=answer[:40])


def made_media(media_type: str) -> Media:
    """A small picture or sound, the same each time.

    Raises:
        RequestRejected: It makes no such thing.
    """
    if media_type == "image/png":
        return Media(media_type=media_type, data=_picture(), name="mock.png")
    if media_type == "audio/wav":
        return Media(media_type=media_type, data=_sound(), name="mock.wav", text="A beep.")
    raise RequestRejected(
        f"The mock provider makes image/png and audio/wav, and no `{media_type}`."
    )


def logprob(token: str, number_of_top: int) -> TokenLogprob:
    """How sure the model was of a token: the longer, the less."""
    value = round(-math.log1p(len(token) / 10), 6)
    others = tuple((f"{token.strip()}{place}", value - place) for place in range(1, number_of_top))
    return TokenLogprob(
        token=token, logprob=value, top=((token, value), *others) if number_of_top else ()
    )


def _signature(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _picture() -> bytes:
    """A PNG of one colour."""
    row = b"\0" + b"\x33\x66\x99" * _SIDE_PIXELS
    head = struct.pack(">IIBBBBB", _SIDE_PIXELS, _SIDE_PIXELS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row * _SIDE_PIXELS)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _sound() -> bytes:
    """A WAV of a tenth of a second."""
    samples = bytes(128 + 60 * (1 if at // 10 % 2 else -1) for at in range(_SOUND_SAMPLES))
    form = struct.pack("<HHIIHH", 1, 1, _RATE_HZ, _RATE_HZ, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body
