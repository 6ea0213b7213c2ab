"""About how many tokens a request has, where nobody can count them beforehand.

What turns text into tokens differs from model to model, and has to be downloaded for each. Budgets
and previews need only the order of magnitude, and say that it is an estimate.
"""

from __future__ import annotations

import json
import math

from msgspec.structs import asdict

from llm_repl_core.providers.base import AnswerSchema, Attachment, Message, Request, Tool

__all__ = ["estimate_message_tokens", "estimate_tokens", "output_allowance"]

DEFAULT_OUTPUT_TOKENS = 4_096
"""What an answer is assumed to take at most where the request sets no limit."""

MESSAGE_TOKENS = 4
"""What frames one message, its role included: OpenAI's cookbook, "How to count tokens"."""

ANSWER_TOKENS = 3
"""What opens the answer: from the same page."""

PICTURE_TOKENS = 1_600
"""The most that a picture takes before it is scaled down: Anthropic's guide "Vision".

By OpenAI's "Images and vision" the largest take 85 + 8 × 170 = 1,445 with most of its models.
"""

PAGE_TOKENS = 3_000
"""The most that a page of a PDF usually takes: Anthropic's guide "PDF support"."""

PAGE_BYTES = 100_000
"""What a page of a file is assumed to weigh, since its pages are not counted."""

_OUTPUT_OPTIONS = ("max_tokens", "max_completion_tokens", "max_output_tokens")

_TOKENS_PER_CHARACTER = {
    b"w": 1 / 4,  # Latin letters and spaces: the usual rule of thumb for English text
    b"d": 1 / 3,  # digits come by up to three
    b"s": 1 / 2,  # punctuation: in prose each is a token, in code several are one
    b"2": 1 / 2.5,  # Greek, Cyrillic, Hebrew, Arabic, and accented Latin letters
    b"3": 1 / 1.2,  # Chinese, Japanese and Korean; the scripts of India; typographic signs
    b"4": 2.0,  # emoji and rare ideographs come in pieces
}


def estimate_tokens(request: Request) -> int:
    """About how many tokens a request has, without its answer.

    Measured on no model: a few ten per cent off is usual for prose, twice for other texts.

    Args:
        request: What is to be sent.
    """
    tokens = sum(
        (estimate_message_tokens(message) for message in request.messages), start=ANSWER_TOKENS
    )
    for tool in request.tools:
        tokens += MESSAGE_TOKENS + _text_tokens(_json(tool))
    if request.answer_schema is not None:
        tokens += MESSAGE_TOKENS + _text_tokens(_json(request.answer_schema))
    return tokens


def output_allowance(request: Request) -> int:
    """How many tokens the answer may have: what the request's options say, else 4,096.

    The options are ``max_tokens``, ``max_completion_tokens`` and ``max_output_tokens``; of several
    the largest. A model without such a limit may well say more than is assumed here.

    Args:
        request: What is to be sent.
    """
    given = [request.options.get(name) for name in _OUTPUT_OPTIONS]
    limits = [
        limit
        for limit in given
        if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0
    ]
    return max(limits, default=DEFAULT_OUTPUT_TOKENS)


def estimate_message_tokens(message: Message) -> int:
    """About how many tokens one message has, with what frames it.

    Args:
        message: One of a request.
    """
    tokens = MESSAGE_TOKENS + _text_tokens(message.content)
    for call in message.tool_calls:
        tokens += MESSAGE_TOKENS + _text_tokens(call.name) + _text_tokens(call.arguments)
    return tokens + sum(_attachment_tokens(attachment) for attachment in message.attachments)


def _attachment_tokens(attachment: Attachment) -> int:
    kind = attachment.media_type.partition("/")[0].lower()
    if kind == "image":
        return PICTURE_TOKENS
    if kind == "text":
        return MESSAGE_TOKENS + _text_tokens(attachment.name) + _bytes_tokens(attachment.data)
    return PAGE_TOKENS * max(1, math.ceil(len(attachment.data) / PAGE_BYTES))


def _json(value: Tool | AnswerSchema) -> str:
    # Not msgspec, which refuses half a surrogate pair.
    return json.dumps(asdict(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _text_tokens(text: str) -> int:
    # A notebook's text may hold half a surrogate pair, which strict UTF-8 refuses.
    return _bytes_tokens(text.encode("utf-8", "surrogatepass"))


def _bytes_tokens(text: bytes) -> int:
    """Estimate by script, for which the length of a character in UTF-8 stands.

    Looking at bytes is fast: 10 MB take 0.1 to 0.2 s.
    """
    kinds = text.translate(_KINDS)
    return math.ceil(
        sum(kinds.count(kind) * tokens for kind, tokens in _TOKENS_PER_CHARACTER.items())
    )


def _kind(byte: int) -> bytes:
    """Which kind of character starts with a byte; ``-``: none does."""
    character = chr(byte)
    if byte < 0x80:
        if character.isalpha() or character.isspace():
            return b"w"
        return b"d" if character.isdigit() else b"s"
    if byte < 0xC0:
        return b"-"
    if byte < 0xE0:
        return b"2"
    return b"3" if byte < 0xF0 else b"4"


_KINDS = b"".join(_kind(byte) for byte in range(256))
