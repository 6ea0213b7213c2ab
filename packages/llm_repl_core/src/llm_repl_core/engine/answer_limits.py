"""Answers that ended before they were due, or say nothing: what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from llm_repl_core.errors import AnswerEmpty
from llm_repl_core.model.json_value import JSONValue

__all__ = ["LIMIT_OPTIONS", "is_cut", "limit_advice", "refuse_empty"]

LIMIT_OPTIONS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
"""The parameters by which an answer's length is limited, as providers name it."""


def is_cut(finish_reason: str | None) -> bool:
    """Whether an answer was cut off at the limit of tokens."""
    return finish_reason == "length"


def limit_advice(options: Mapping[str, JSONValue]) -> str:
    """What to do about an answer that was cut off.

    Args:
        options: The parameters that were sent.
    """
    for name in LIMIT_OPTIONS:
        if name in options:
            return f"raise `{name}`, which is {options[name]}"
    return "set a higher `max_tokens` in the cell's `parameters`, or ask for less"


def refuse_empty(
    text: str, reasoning: str, finish_reason: str | None, options: Mapping[str, JSONValue]
) -> None:
    """Refuse an answer without a word in it; to ask again would cost again.

    Raises:
        AnswerEmpty: It is one; the message says why.
    """
    if text.strip():
        return
    if is_cut(finish_reason):
        where = "while the model was reasoning" if reasoning.strip() else "before the first word"
        raise AnswerEmpty(
            f"The answer is empty: its limit of tokens was reached {where}: "
            f"{limit_advice(options)}."
        )
    if reasoning.strip():
        raise AnswerEmpty(
            "The answer is empty: the model gave its reasoning only, and no answer after it: "
            "see it with `llm-repl calls show`, ask in other words, or choose another model."
        )
    told = f" (it ended with `{finish_reason}`)" if finish_reason else ""
    raise AnswerEmpty(
        f"The answer is empty: the model said nothing at all{told}. Ask in other words, or choose "
        "another model."
    )
