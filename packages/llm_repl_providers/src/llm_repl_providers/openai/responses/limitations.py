"""What models and servers do not accept in Responses, and how the body is written for them then."""

from __future__ import annotations

from typing import Any, Final

from llm_repl_providers.openai.limitations import (
    NOT_ACCEPTED,
    STREAM,
    Body,
    Limitation,
    pattern,
    without,
)
from llm_repl_providers.openai.responses.includes import INCLUDED

__all__ = ["RESPONSES_LIMITATIONS"]


def _asks_for_summary(body: Body) -> bool:
    reasoning = body.get("reasoning")
    return isinstance(reasoning, dict) and reasoning.get("summary") == "auto"


def _without_summary(body: Body) -> Body:
    reasoning: dict[str, Any] = without(body["reasoning"], "summary")
    return {**without(body, "reasoning"), **({"reasoning": reasoning} if reasoning else {})}


def _included(body: Body) -> list[Any]:
    include = body.get("include")
    return include if isinstance(include, list) else []


def _without_included(body: Body) -> Body:
    others = [name for name in _included(body) if name not in INCLUDED]
    return {**without(body, "include"), **({"include": others} if others else {})}


RESPONSES_LIMITATIONS: Final = (
    STREAM,
    Limitation(
        name="summary",
        # Of some models, organizations that are verified are shown one, and nobody else.
        concerns=_asks_for_summary,
        message=pattern(r"reasoning.summar|summar(?:y|ies)"),
        adapt=_without_summary,
    ),
    Limitation(
        name="include",
        # Models that do not reason have nothing to encrypt.
        concerns=lambda body: not INCLUDED.isdisjoint(_included(body)),
        message=pattern(
            rf"encrypted.?content|\bparam\w*\W+include\b|\binclude\b.{{0,40}}?{NOT_ACCEPTED}"
        ),
        adapt=_without_included,
    ),
    Limitation(
        name="store",
        concerns=lambda body: body.get("store") is False,
        message=pattern(
            r"\bparam\W+store\b|(?:parameter|field|key)\w*\W+store\b|\bstore\W+(?:is )?not"
        ),
        adapt=lambda body: without(body, "store"),
    ),
    Limitation(
        name="schema",
        # This one schema, as the strict mode does not know it; not schemas as such.
        concerns=lambda body: _format(body).get("strict") is True,
        message=pattern(r"invalid schema for response_format|invalid json_?schema|schema is too"),
        adapt=lambda body: {
            **body,
            "text": {**body["text"], "format": {**_format(body), "strict": False}},
        },
        is_lasting=False,
    ),
)
"""In the order in which they are looked for: the more special before the more general."""


def _format(body: Body) -> dict[str, Any]:
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return form if isinstance(form, dict) else {}
