"""Why an answer ended: six words for what providers say in many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

__all__ = ["FinishReason", "read_finish_reason"]

FinishReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "content_filter", "refusal", "other"
]
"""``stop``: the model had said all; ``length``: it was cut off at a limit of tokens;
``tool_calls``: it waits for the results of tools; ``content_filter``: a filter of the provider's
stopped it; ``refusal``: the model itself declined; ``other``: see the provider's own word."""

_WORDS: Final[Mapping[str, FinishReason]] = {
    **{reason: reason for reason in get_args(FinishReason)},
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "finish_reason_stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "error_toxic": "content_filter",
    "guardrail_intervened": "content_filter",
}
"""What servers say, in lower case; what is not here is ``other``."""


def read_finish_reason(word: str) -> tuple[FinishReason, str | None]:
    """One of the six for a provider's word, and that word where it is another.

    Args:
        word: As the provider, or an old recording, has it.

    Example:
        >>> read_finish_reason("stop"), read_finish_reason("MAX_TOKENS")
        (('stop', None), ('length', 'MAX_TOKENS'))
    """
    reason = _WORDS.get(word.lower(), "other")
    return reason, None if reason == word else word
