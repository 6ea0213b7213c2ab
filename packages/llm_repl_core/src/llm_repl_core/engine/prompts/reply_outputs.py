"""What a model's turn shows in the outputs of its prompt, besides its text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output
from llm_repl_core.providers.parts import Citation, Media, ServerToolCall, TokenLogprob
from llm_repl_core.providers.turn import Turn, refusal_of

__all__ = ["part_outputs", "reply_fields"]


_TEXTUAL = re.compile(r"text/|[^/]+/([^;]+\+)?(json|xml)\b", re.IGNORECASE)


def reply_fields(turn: Turn) -> dict[str, JSONValue]:
    """The fields of an ``llm_response`` that the turn fills; what it has not is no field.

    Args:
        turn: The model's.
    """
    fields: dict[str, Any] = {"finish_reason": turn.finish_reason}
    if turn.provider_finish_reason is not None:
        fields["provider_finish_reason"] = turn.provider_finish_reason
    if turn.reasoning:
        fields["reasoning"] = turn.reasoning
    refusal = refusal_of(turn.parts)
    if refusal is not None:
        fields["refusal"] = refusal
    citations = [_plain(citation) for citation in turn.of_kind(Citation)]
    if citations:
        fields["citations"] = citations
    media = [_reference(part) for part in turn.of_kind(Media)]
    if media:
        fields["media"] = media
    if turn.logprobs:
        fields["logprobs"] = [_logprob(token) for token in turn.logprobs]
    return fields


def part_outputs(turn: Turn, call_id: str, item: int | None) -> Iterator[Output]:
    """The outputs that stand beside an answer: what the server's tools did, and what was made.

    Args:
        turn: The model's.
        call_id: The call that it answers.
        item: The index of the item; None: the prompt is not over items.
    """
    common: dict[str, JSONValue] = {"call_id": call_id}
    if item is not None:
        common["item"] = item
    for part in turn.parts:
        if isinstance(part, ServerToolCall):
            yield Output(
                "tool_call",
                f"{part.name}({part.arguments}) → {part.result}",
                common
                | {
                    "name": part.name,
                    "arguments": part.arguments,
                    "result": part.result,
                    "failed": part.failed,
                    "server": True,
                },
            )
        elif isinstance(part, Media):
            shown = Output.display(
                {"text/plain": _named(part), part.media_type: _bundled(part)},
                {"llm_repl": _reference(part)},
            )
            yield Output(shown.type, shown.content, {**shown.fields, **common})


def _bundled(media: Media) -> str:
    """As Jupyter's bundles have it: SVG, JSON and other texts as they are, all else in Base64."""
    if _TEXTUAL.match(media.media_type):
        try:
            return media.data.decode("utf-8")
        except UnicodeDecodeError:
            pass  # it is called a text, and is none
    return base64.b64encode(media.data).decode("ascii")


def _named(media: Media) -> str:
    named = f"[{media.name or 'unnamed'}, {media.media_type}, {len(media.data):,} bytes]"
    return f"{named} {media.text}" if media.text else named


def _reference(media: Media) -> dict[str, Any]:
    """A picture or a sound by its content."""
    reference = _plain(msgspec.structs.replace(media, data=b""))
    reference.pop("data")
    return reference | {
        "sha256": hashlib.sha256(media.data).hexdigest(),
        "size_bytes": len(media.data),
    }


def _logprob(token: TokenLogprob) -> dict[str, Any]:
    document: dict[str, Any] = {"token": token.token, "logprob": token.logprob}
    if token.top:
        document["top"] = [list(pair) for pair in token.top]
    return document


def _plain(part: Citation | Media) -> dict[str, Any]:
    """A part without what only its provider understands."""
    document: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(part, provider_data={}))
    document.pop("type")
    return document
