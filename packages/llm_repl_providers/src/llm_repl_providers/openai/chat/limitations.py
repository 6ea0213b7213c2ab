"""What servers do not accept in chat completions, and how the body is written for them then."""

from __future__ import annotations

from typing import Final

from llm_repl_providers.openai.chat import rewrites, roles
from llm_repl_providers.openai.limitations import (
    NOT_ACCEPTED,
    STREAM,
    Limitation,
    pattern,
    without,
)

__all__ = ["CHAT_LIMITATIONS"]

CHAT_LIMITATIONS: Final = (
    Limitation(
        name="stream_options",
        concerns=lambda body: "stream_options" in body,
        message=pattern(r"stream_options|include_usage"),
        adapt=lambda body: without(body, "stream_options"),
    ),
    STREAM,
    Limitation(
        name="schema",
        # This one schema, not schemas as such.
        concerns=rewrites.asks_for_schema,
        message=pattern(
            r"invalid schema for response_format|invalid json_?schema|grammar|too many states"
            r"|schema (?:conversion|is too)|response_schema"
        ),
        adapt=rewrites.with_schema_in_text,
        is_lasting=False,
    ),
    Limitation(
        name="json_schema",
        concerns=rewrites.asks_for_schema,
        message=pattern(r"response.?format|json.?schema|structured.?outputs?|guided"),
        adapt=rewrites.with_schema_in_text,
    ),
    Limitation(
        name="json_object",
        concerns=lambda body: "response_format" in body,
        message=pattern(r"response.?format|json.?(?:object|mode)|structured.?outputs?"),
        adapt=lambda body: without(body, "response_format"),
    ),
    Limitation(
        name="max_tokens",
        concerns=lambda body: "max_tokens" in body and "max_completion_tokens" not in body,
        message=pattern(r"max_completion_tokens"),
        adapt=lambda body: rewrites.renamed(body, "max_tokens", "max_completion_tokens"),
    ),
    Limitation(
        name="max_completion_tokens",
        concerns=lambda body: "max_completion_tokens" in body and "max_tokens" not in body,
        message=pattern(
            rf"max_completion_tokens.{{0,100}}?(?:{NOT_ACCEPTED}|extra|unexpected)"
            rf"|(?:{NOT_ACCEPTED}|unrecognized|extra|unexpected|unknown)"
            r".{0,100}?max_completion_tokens"
        ),
        adapt=lambda body: rewrites.renamed(body, "max_completion_tokens", "max_tokens"),
    ),
    Limitation(
        name="tools without parameters",
        concerns=rewrites.has_bare_tools,
        message=pattern(r"parameters|input_schema|inputSchema"),
        adapt=rewrites.with_empty_parameters,
    ),
    Limitation(
        name="repeated roles",
        concerns=roles.has_repeated_roles,
        message=roles.ALTERNATION_MESSAGE,
        adapt=roles.with_merged_turns,
    ),
    Limitation(
        name="system",
        concerns=roles.has_system_turns,
        message=roles.SYSTEM_MESSAGE,
        adapt=roles.with_system_in_first_turn,
    ),
    Limitation(
        name="fields of turns",
        concerns=rewrites.has_provider_data,
        message=pattern(
            r"messages?\W|extra.?(?:inputs?|forbidden|fields?)|additional propert|reasoning|unknown"
        ),
        adapt=rewrites.without_provider_data,
    ),
)
"""In the order in which they are looked for: the more special before the more general."""
