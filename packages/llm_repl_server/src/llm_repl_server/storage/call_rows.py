"""Calls to models ↔ rows, given as dictionaries of column values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from llm_repl_core.errors import InvalidRecordings
from llm_repl_core.ledger.record import Attempt, CallError, CallPlace, CallRecord
from llm_repl_core.ledger.recorded_parts import part_documents, read_parts
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.providers.finish_reasons import FinishReason, read_finish_reason
from llm_repl_core.providers.parts import Part, TokenLogprob
from llm_repl_core.providers.usage import Usage
from llm_repl_server.storage.columns import (
    decode_json,
    decode_text,
    decode_time,
    encode_json,
    encode_text,
    encode_time,
)
from llm_repl_server.storage.rows import Row

__all__ = [
    "CUT_OFF",
    "OUTLINE_COLUMNS",
    "call_from_row",
    "call_to_row",
    "media_of_rows",
    "outline_from_row",
    "request_texts",
]

T = TypeVar("T")

CUT_OFF = CallError(
    type="Interrupted",
    message="The process that made the call ended before the answer was on record; "
    "the provider may have answered, and may charge for it.",
)
"""What a call says whose process ended while it ran."""

_NO_MEDIA: Mapping[str, bytes] = {}

_TOKENS_LIMIT = 10**12
"""No call has as many; a provider that says so must not make sums overflow."""


def call_to_row(record: CallRecord) -> Row:
    """The row of a call, without its number and its owner."""
    place, usage = record.place, record.usage
    return {
        "id": encode_text(record.id),
        "notebook_id": encode_text(record.notebook_id),
        "run_id": encode_text(record.run_id),
        "cell_id": encode_text(place.cell_id),
        "item": place.item,
        "step": place.step,
        "position": place.position,
        "identity": encode_text(record.identity),
        "provider": encode_text(record.provider),
        "model": encode_text(record.model),
        "source": record.source,
        "original_id": _optional_text(record.original_id),
        "state": record.state,
        "started_at": encode_time(record.started_at),
        "duration_s": record.duration_s,
        "first_token_s": record.first_token_s,
        "input_tokens": None if usage is None else _tokens(usage.input_tokens),
        "output_tokens": None if usage is None else _tokens(usage.output_tokens),
        "price_usd": record.price_usd,
        "answered_by": _optional_text(record.answered_by),
        "finish_reason": _optional_text(record.finish_reason),
        "error": None if record.error is None else encode_json(record.error),
        "usage": None if usage is None else encode_json(usage),
        "attempts": encode_json([_plain_attempt(attempt) for attempt in record.attempts]),
        "tool_calls": encode_json(record.tool_calls),
        "text": encode_text(record.text),
        "messages": encode_text("\n".join(request_texts(record.request))),
        "request": encode_json(record.request),
        "body": encode_json(record.body),
        "reasoning": _optional_text(record.reasoning or None),
        "provider_finish_reason": _optional_text(record.provider_finish_reason),
        "parts": encode_json(part_documents(record.parts)) if record.parts else None,
        "logprobs": encode_json(record.logprobs) if record.logprobs else None,
        "provider_fields": encode_json(record.provider_data) if record.provider_data else None,
    }


def media_of_rows(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The hashes of all that the calls of some rows made."""
    return {
        document["sha256"]
        for row in rows
        if row["parts"] is not None and '"sha256"' in row["parts"]
        for document in decode_json(row["parts"])
        if "sha256" in document
    }


OUTLINE_COLUMNS = (
    *("id", "notebook_id", "run_id", "cell_id", "item", "step", "position", "identity"),
    *("provider", "model", "started_at", "duration_s", "input_tokens", "output_tokens"),
    "price_usd",
)
"""What an outline is made of."""


def outline_from_row(row: Mapping[str, Any]) -> CallRecord:
    """An answered call without what was said.

    Args:
        row: The columns of an outline.

    Raises:
        ValueError: A column does not hold what was written to it.
    """
    return CallRecord(
        id=decode_text(row["id"]),
        notebook_id=decode_text(row["notebook_id"]),
        run_id=decode_text(row["run_id"]),
        place=CallPlace(
            cell_id=decode_text(row["cell_id"]),
            item=row["item"],
            step=row["step"],
            position=row["position"],
        ),
        identity=decode_text(row["identity"]),
        provider=decode_text(row["provider"]),
        model=decode_text(row["model"]),
        request={},
        body={},
        state="completed",
        started_at=decode_time(row["started_at"]),
        duration_s=row["duration_s"],
        usage=Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"]),
        price_usd=row["price_usd"],
    )


def call_from_row(row: Mapping[str, Any], media: Mapping[str, bytes] = _NO_MEDIA) -> CallRecord:
    """The call of a row.

    Args:
        row: The row.
        media: What `media_of_rows` names, by its hash.

    Raises:
        ValueError: A column does not hold what was written to it, or a hash is not in ``media``.
    """
    reason, word = _finish(row)
    return CallRecord(
        id=decode_text(row["id"]),
        notebook_id=decode_text(row["notebook_id"]),
        run_id=decode_text(row["run_id"]),
        place=CallPlace(
            cell_id=decode_text(row["cell_id"]),
            item=row["item"],
            step=row["step"],
            position=row["position"],
        ),
        identity=decode_text(row["identity"]),
        provider=decode_text(row["provider"]),
        model=decode_text(row["model"]),
        request=decode_json(row["request"]),
        body=decode_json(row["body"]),
        source=row["source"],
        original_id=_decode_optional(row["original_id"]),
        state=row["state"],
        started_at=decode_time(row["started_at"]),
        duration_s=row["duration_s"],
        first_token_s=row["first_token_s"],
        attempts=_decode_as(row["attempts"], tuple[Attempt, ...]),
        text=decode_text(row["text"]),
        reasoning=_decode_optional(row["reasoning"]) or "",
        tool_calls=_decode_as(row["tool_calls"], tuple[ToolCall, ...]),
        parts=() if row["parts"] is None else _parts(row, media),
        logprobs=()
        if row["logprobs"] is None
        else _decode_as(row["logprobs"], tuple[TokenLogprob, ...]),
        provider_finish_reason=word,
        provider_data={} if row["provider_fields"] is None else decode_json(row["provider_fields"]),
        answered_by=_decode_optional(row["answered_by"]),
        finish_reason=reason,
        usage=None if row["usage"] is None else _decode_as(row["usage"], Usage),
        price_usd=row["price_usd"],
        error=None if row["error"] is None else _decode_as(row["error"], CallError),
    )


def _finish(row: Mapping[str, Any]) -> tuple[FinishReason | None, str | None]:
    """Why an answer ended; rows of old have the provider's own words for it."""
    told = _decode_optional(row["finish_reason"])
    if told is None:
        return None, None
    reason, word = read_finish_reason(told)
    kept = _decode_optional(row["provider_finish_reason"])
    return reason, word if kept is None else kept


def _parts(row: Mapping[str, Any], media: Mapping[str, bytes]) -> tuple[Part, ...]:
    try:
        return read_parts(decode_json(row["parts"]), media, f"The call {row['id']}")
    except InvalidRecordings as error:
        raise ValueError(str(error)) from error


def request_texts(request: Mapping[str, JSONValue]) -> Iterator[str]:
    """The texts in what was sent, in order."""
    messages = request.get("messages")
    if isinstance(messages, list):
        for message in messages:
            if isinstance(message, dict) and isinstance(content := message.get("content"), str):
                yield content


def _plain_attempt(attempt: Attempt) -> dict[str, Any]:
    # Without a null, which `encode_json` has to look at more closely.
    plain: dict[str, Any] = {"started_at": attempt.started_at, "duration_s": attempt.duration_s}
    if attempt.error is not None:
        plain["error"] = attempt.error
    return plain


def _tokens(count: int | None) -> int | None:
    return None if count is None else max(0, min(count, _TOKENS_LIMIT))


def _optional_text(text: str | None) -> str | None:
    return None if text is None else encode_text(text)


def _decode_optional(column: str | None) -> str | None:
    return None if column is None else decode_text(column)


def _decode_as(column: str, form: type[T]) -> T:
    try:
        return msgspec.convert(decode_json(column), form)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
