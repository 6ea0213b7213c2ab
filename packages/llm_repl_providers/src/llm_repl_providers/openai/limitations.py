"""What a server, or one of its models, refuses to take, and how a request is written for it then.

This is the one place for it. A limitation is found in the words of a refusal, which came before
anything was generated: the request is sent again, written otherwise, and costs nothing twice. What
helped is remembered for the model, as long as the provider's object lives (until the settings
change, or the process ends). Only what LLM-REPL adds by itself is ever left out; what a user asked
for is sent, or refused with the server's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from msgspec import Struct

from llm_repl_providers.openai import rewriting, roles

__all__ = ["LIMITATIONS", "Learned", "Limitation", "find_limitation"]

Body: TypeAlias = dict[str, Any]

_REFUSALS: Final = frozenset({400, 404, 405, 415, 422, 500, 501})
"""Statuses with which a request is refused for what stands in it; 500: servers that crash on it."""


class Limitation(Struct, frozen=True, kw_only=True):
    """Something that a server does not take.

    Attributes:
        name: A word for it.
        concerns: Whether a body has what is not taken.
        words: How a refusal speaks of it.
        adapt: The body without it; what was given is not changed.
        is_lasting: Whether it will be so for other requests to the same model.
    """

    name: str
    concerns: Callable[[Body], bool]
    words: re.Pattern[str]
    adapt: Callable[[Body], Body]
    is_lasting: bool = True


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_NOT_TAKEN = (
    r"(?:not|n't|un|never|cannot)[ -]?(?:be )?"
    r"(?:support|available|allow|enabl|permit|implement|recogni|known|expected|verified|valid)"
)

LIMITATIONS: Final = (
    Limitation(
        name="stream_options",
        concerns=lambda body: "stream_options" in body,
        words=_words(r"stream_options|include_usage"),
        adapt=lambda body: rewriting.without(body, "stream_options"),
    ),
    Limitation(
        name="stream",
        concerns=lambda body: bool(body.get("stream")),
        words=_words(
            rf"verified to stream|\bstream(?:ing|ed)?\b.{{0,60}}?{_NOT_TAKEN}"
            rf"|{_NOT_TAKEN}.{{0,40}}?\bstream(?:ing|ed)?\b"
            r"|\bstream(?:ing)?\b.{0,40}?(?:disabled|forbidden|(?:must|should) be (?:set to )?false)"
            r"|(?:set|requires?) [`'\"]?stream[`'\"]?\s*(?:=|:|to)\s*false|only.{0,40}non.?stream"
            r"|without stream|\bparam\W+stream\b"
        ),
        adapt=rewriting.without_streaming,
    ),
    Limitation(
        name="schema",
        # This one schema, not schemas as such.
        concerns=rewriting.asks_for_schema,
        words=_words(
            r"invalid schema for response_format|invalid json_?schema|grammar|too many states"
            r"|schema (?:conversion|is too)|response_schema"
        ),
        adapt=rewriting.with_schema_in_text,
        is_lasting=False,
    ),
    Limitation(
        name="json_schema",
        concerns=rewriting.asks_for_schema,
        words=_words(r"response.?format|json.?schema|structured.?outputs?|guided"),
        adapt=rewriting.with_schema_in_text,
    ),
    Limitation(
        name="json_object",
        concerns=lambda body: "response_format" in body,
        words=_words(r"response.?format|json.?(?:object|mode)|structured.?outputs?"),
        adapt=lambda body: rewriting.without(body, "response_format"),
    ),
    Limitation(
        name="max_tokens",
        concerns=lambda body: "max_tokens" in body and "max_completion_tokens" not in body,
        words=_words(r"max_completion_tokens"),
        adapt=lambda body: rewriting.renamed(body, "max_tokens", "max_completion_tokens"),
    ),
    Limitation(
        name="max_completion_tokens",
        concerns=lambda body: "max_completion_tokens" in body and "max_tokens" not in body,
        words=_words(
            rf"max_completion_tokens.{{0,100}}?(?:{_NOT_TAKEN}|extra|unexpected)"
            rf"|(?:{_NOT_TAKEN}|unrecognized|extra|unexpected|unknown)"
            r".{0,100}?max_completion_tokens"
        ),
        adapt=lambda body: rewriting.renamed(body, "max_completion_tokens", "max_tokens"),
    ),
    Limitation(
        name="tools without parameters",
        concerns=rewriting.has_bare_tools,
        words=_words(r"parameters|input_schema|inputSchema"),
        adapt=rewriting.with_empty_parameters,
    ),
    Limitation(
        name="repeated roles",
        concerns=roles.has_repeated_roles,
        words=roles.ALTERNATION_WORDS,
        adapt=roles.with_merged_turns,
    ),
    Limitation(
        name="system",
        concerns=roles.has_system_turns,
        words=roles.SYSTEM_WORDS,
        adapt=roles.with_system_in_first_turn,
    ),
    Limitation(
        name="fields of turns",
        concerns=rewriting.has_provider_fields,
        words=_words(
            r"messages?\W|extra.?(?:inputs?|forbidden|fields?)|additional propert|reasoning|unknown"
        ),
        adapt=rewriting.without_provider_fields,
    ),
)
"""In the order in which they are looked for: the more special before the more general."""


def find_limitation(
    words: str, status: int, body: Body, *, tried: Iterable[Limitation] = ()
) -> Limitation | None:
    """What a refusal says of the server; None: the request itself is at fault.

    Args:
        words: All that the server says, its codes and parameters included.
        status: The HTTP status, or what stands for it in an error that came with status 200.
        body: What was sent.
        tried: What has been found and adapted to already.
    """
    if status not in _REFUSALS:
        return None
    known = {limitation.name for limitation in tried}
    for limitation in LIMITATIONS:
        if (
            limitation.name not in known
            and limitation.words.search(words)
            and limitation.concerns(body)
        ):
            return limitation
    return None


class Learned:
    """What is known of the models of one server. It may be used in any thread.

    Args:
        base_url: Where the server is.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._names: dict[str, frozenset[str]] = {}

    def adapt(self, body: Body) -> Body:
        """Write a body as its model is known to take it."""
        known = self._names.get(str(body.get("model")), frozenset())
        for limitation in LIMITATIONS:
            if limitation.name in known and limitation.concerns(body):
                body = limitation.adapt(body)
        return body

    def add(self, model: str, limitations: Iterable[Limitation]) -> None:
        """Remember what helped, where it will help again."""
        lasting = {one.name for one in limitations if one.is_lasting}
        self._names[model] = self._names.get(model, frozenset()) | lasting
