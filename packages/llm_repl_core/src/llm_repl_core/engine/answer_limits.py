"""Answers that ended before they were due, or say nothing: what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from llm_repl_core.errors import AnswerEmpty
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.parts import Media, Refusal
from llm_repl_core.providers.turn import Turn

__all__ = ["LIMIT_OPTIONS", "is_cut", "is_refused", "limit_advice", "refuse_empty"]

LIMIT_OPTIONS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
"""The parameters by which an answer's length is limited, as providers name it."""


def is_cut(finish_reason: str | None) -> bool:
    """Whether an answer was cut off at the limit of tokens."""
    return finish_reason == "length"


def is_refused(turn: Turn) -> bool:
    """Whether the model, or a filter of the provider's, refused to answer."""
    return turn.finish_reason in ("refusal", "content_filter") or bool(turn.of_kind(Refusal))


def limit_advice(options: Mapping[str, JSONValue]) -> str:
    """What to do about an answer that was cut off.

    Args:
        options: The parameters that were sent.
    """
    for name in LIMIT_OPTIONS:
        if name in options:
            return f"raise `{name}`, which is {options[name]}"
    return "set a higher `max_tokens` in the cell's `parameters`, or ask for less"


def refuse_empty(turn: Turn, options: Mapping[str, JSONValue]) -> None:
    """Refuse an answer without a word in it; to ask again would cost again.

    A picture or a sound is an answer, and so is a refusal.

    Args:
        turn: What the model said.
        options: The parameters that were sent.

    Raises:
        AnswerEmpty: It is one; the message says why.
    """
    is_answer = turn.tool_calls or is_refused(turn) or turn.of_kind(Media)
    if is_answer or turn.text.strip():
        return
    reasoning, finish_reason = turn.reasoning, turn.finish_reason
    if is_cut(finish_reason):
        where = "while the model was reasoning" if reasoning.strip() else "before the first word"
        raise AnswerEmpty(
            f"The answer is empty: its token limit was reached {where}: {limit_advice(options)}."
        )
    if reasoning.strip():
        raise AnswerEmpty(
            "The answer is empty: the model returned only reasoning, and no answer after it: "
            "see it with `llm-repl calls show`, ask in other words, or choose another model."
        )
    word = turn.provider_finish_reason or finish_reason
    told = f" (it ended with `{word}`)" if word else ""
    raise AnswerEmpty(
        f"The answer is empty: the model returned nothing{told}. Rephrase the prompt, or choose "
        "another model."
    )
