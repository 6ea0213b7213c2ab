"""Log probabilities of tokens, which both APIs write alike."""

from __future__ import annotations

from typing import Any

from llm_repl_core.providers.parts import TokenLogprob
from llm_repl_providers.openai.lenient_json import join_surrogates

__all__ = ["read_logprobs"]


def read_logprobs(entries: Any) -> tuple[TokenLogprob, ...]:
    """Read the entries of a list; what is none is passed over."""
    if not isinstance(entries, list):
        return ()
    return tuple(
        TokenLogprob(token=token[0], logprob=token[1], top=_top(entry))
        for entry in entries
        if (token := _token(entry)) is not None
    )


def _top(entry: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    likeliest = entry.get("top_logprobs")
    if not isinstance(likeliest, list):
        return ()
    return tuple(token for other in likeliest if (token := _token(other)) is not None)


def _token(entry: Any) -> tuple[str, float] | None:
    if not isinstance(entry, dict):
        return None
    token, logprob = entry.get("token"), entry.get("logprob")
    if isinstance(logprob, bool) or not isinstance(logprob, int | float):
        return None
    if not isinstance(token, str):
        return None
    return join_surrogates(token), float(logprob)
