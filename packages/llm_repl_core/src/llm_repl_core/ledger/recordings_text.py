"""Recorded calls as JSON Lines: what a line holds, and how it is written and read."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from llm_repl_core.errors import InvalidRecordings
from llm_repl_core.json_text import read_finite, refuse_constant, without_infinities
from llm_repl_core.ledger.identity import identity_of
from llm_repl_core.ledger.record import CallPlace, CallRecord, place_order
from llm_repl_core.ledger.recorded_parts import (
    is_media_line,
    media_bytes,
    media_line,
    part_documents,
    read_media_line,
    read_parts,
)
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.providers.finish_reasons import FinishReason, read_finish_reason
from llm_repl_core.providers.parts import Part, TokenLogprob
from llm_repl_core.providers.turn import reasoning_of, text_of
from llm_repl_core.providers.usage import Usage, usage_document
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = [
    "RecordedDefaults",
    "as_recorded",
    "decode_defaults",
    "decode_recordings",
    "encode_recordings",
]

_FORMAT = "llm-repl recordings"
_VERSION = 2
"""1: no parts, no media, and why an answer ended in the provider's own words. It is read as well."""
_HEADER = {"format": _FORMAT, "version": _VERSION}

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that the file does not keep."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_CONFLICT_MARKERS = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")

# Half surrogate pairs have no UTF-8. The others are legal there, but break lines in some tools,
# or hide from whoever reviews the file what it really says.
_ESCAPED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class _Line(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A call as the file has it: where it was asked, what, and what came back.

    The order of the fields is the order in a line. What differs from recording to recording
    though nothing else does is left out: times, durations, attempts, the run and the notebook.
    The id alone stays, because the output that the call made names it, and a replay must make the
    same output. The hash, the provider and the model follow from the request, and the cell's
    position from the order of the lines, so that a cell put in at the top changes no line. Where
    there are parts, they say the answer and the reasoning.
    """

    cell: str
    item: Annotated[int, Meta(ge=0)] | None = None
    step: Annotated[int, Meta(ge=0)] = 0
    id: Annotated[str, Meta(min_length=1)]
    request: dict[str, JSONValue]
    answer: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    provider_fields: dict[str, JSONValue] = field(default_factory=dict)
    parts: tuple[dict[str, JSONValue], ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    answered_by: str | None = None
    finish_reason: str | None = None
    provider_finish_reason: str | None = None
    usage: Usage | None = None
    price_usd: float | None = None


class _Sent(Struct):
    """What every request has; the rest is not looked at."""

    provider: str
    model: str
    messages: list[dict[str, Any]]


class RecordedDefaults(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answered where neither cell nor notebook says it, when the calls were recorded.

    Without it, the same notebook would ask somebody else on a machine with other settings, and
    find nothing on record.

    Attributes:
        provider: The provider's name; None: the file does not say it.
        model: Its model; None: the provider's own.
        base_url: Where its server was, without a key; None: the provider's own, or the file does
            not say it.
        reasoning_effort: How much models were to think; None: nobody said it.
    """

    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
    reasoning_effort: ReasoningEffort | None = None


class _Head(Struct):
    format: str
    version: int = field(default=0)
    defaults: RecordedDefaults = field(default_factory=RecordedDefaults)


def encode_recordings(
    records: Iterable[CallRecord],
    cell_order: Sequence[str],
    defaults: RecordedDefaults | None = None,
) -> bytes:
    """The file's bytes: a head, a line for each call that was answered, what models made.

    The lines are in the order of the document, then of the items and the steps, whatever the
    order of the records; those of one place stay in theirs. Calls of cells that ``cell_order``
    lacks come last.

    Args:
        records: The calls; those that were not answered are left out.
        cell_order: The ids of the notebook's cells.
        defaults: What the head says besides; nothing where None.
    """
    places = {cell_id: place for place, cell_id in enumerate(cell_order)}

    def order(record: CallRecord) -> tuple[object, ...]:
        cell_id = record.place.cell_id
        place = places.get(cell_id, len(places))
        return (place, cell_id, *place_order(record.place)[1:])

    answered = sorted((record for record in records if record.state == "completed"), key=order)
    plain_defaults = msgspec.to_builtins(defaults or RecordedDefaults())
    head = {**_HEADER, **({"defaults": plain_defaults} if plain_defaults else {})}
    media = {
        digest: data for record in answered for digest, data in media_bytes(record.parts).items()
    }
    lines = [
        _written(head),
        *(_written(_plain_line(record)) for record in answered),
        *(_written(media_line(data, digest)) for digest, data in media.items()),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def decode_recordings(data: bytes, where: str) -> list[CallRecord]:
    """The calls that a file holds, in its order, as `as_recorded` makes them.

    Args:
        data: The file's bytes.
        where: The file's name, for messages.

    Raises:
        InvalidRecordings: It is no such file; the message names the line and says what is wrong.
    """
    records: list[CallRecord] = []
    positions: dict[str, int] = {}
    lines_of_ids: dict[str, int] = {}
    lines: list[tuple[_Line, str]] = []
    media: dict[str, bytes] = {}
    has_head = False
    for number, raw in enumerate(io.BytesIO(data.removeprefix(_BYTE_ORDER_MARK)), start=1):
        if not raw.strip():
            continue
        place = f"Line {number} of {where}"
        document = _read(raw, place)
        if not has_head:
            _checked_head(document, place)
            has_head = True
            continue
        if is_media_line(document):
            digest, made = read_media_line(document, place)
            media[digest] = made
            continue
        line = _checked(document, place)
        first = lines_of_ids.setdefault(line.id, number)
        if first != number:
            raise InvalidRecordings(
                f"{place} has the id {line.id[:80]!a} of line {first} again: delete one of the two."
            )
        lines.append((line, place))
    for line, place in lines:
        position = positions.setdefault(line.cell, len(positions))
        records.append(_record(line, position, read_parts(line.parts, media, place)))
    return records


def decode_defaults(data: bytes, where: str) -> RecordedDefaults:
    """What the head of a file says of who answered.

    Args:
        data: The file's bytes.
        where: The file's name, for messages.

    Raises:
        InvalidRecordings: It is no such file.
    """
    for number, raw in enumerate(io.BytesIO(data.removeprefix(_BYTE_ORDER_MARK)), start=1):
        if raw.strip():
            place = f"Line {number} of {where}"
            return _checked_head(_read(raw, place), place).defaults
    return RecordedDefaults()


def as_recorded(record: CallRecord, position: int) -> CallRecord:
    """What is left of a record when it has been written to the file and read again.

    Args:
        record: A call that was answered.
        position: The place of its cell among those that the file has, from 0.
    """
    return _record(_line(record), position, record.parts)


def _line(record: CallRecord) -> _Line:
    return _Line(
        cell=record.place.cell_id,
        item=record.place.item,
        step=record.place.step,
        id=record.id,
        request=record.request,
        answer="" if record.parts else record.text,
        reasoning="" if record.parts else record.reasoning,
        tool_calls=record.tool_calls,
        provider_fields=record.provider_data,
        parts=part_documents(record.parts),
        logprobs=record.logprobs,
        answered_by=record.answered_by,
        finish_reason=record.finish_reason,
        provider_finish_reason=record.provider_finish_reason,
        usage=record.usage,
        price_usd=record.price_usd,
    )


def _plain_line(record: CallRecord) -> dict[str, Any]:
    line = _line(record)
    plain: dict[str, Any] = msgspec.to_builtins(line, enc_hook=str)
    if line.usage is not None:
        plain["usage"] = usage_document(line.usage)
    return plain


def _record(line: _Line, position: int, parts: tuple[Part, ...]) -> CallRecord:
    reason: FinishReason | None = None
    word: str | None = None
    if line.finish_reason is not None:
        reason, word = read_finish_reason(line.finish_reason)
    return CallRecord(
        id=line.id,
        notebook_id="",
        run_id="",
        place=CallPlace(cell_id=line.cell, item=line.item, step=line.step, position=position),
        identity=identity_of(line.request),
        provider=str(line.request["provider"]),
        model=str(line.request["model"]),
        request=line.request,
        body={},
        state="completed",
        started_at=_NO_TIME,
        text=text_of(parts) if parts else line.answer,
        reasoning=reasoning_of(parts) if parts else line.reasoning,
        tool_calls=line.tool_calls,
        provider_data=line.provider_fields,
        parts=parts,
        logprobs=line.logprobs,
        answered_by=line.answered_by,
        finish_reason=reason,
        provider_finish_reason=word
        if line.provider_finish_reason is None
        else line.provider_finish_reason,
        usage=line.usage,
        price_usd=line.price_usd,
    )


def _written(value: Any) -> str:
    plain = msgspec.to_builtins(value, enc_hook=str)
    text = json.dumps(without_infinities(plain), ensure_ascii=False, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text  # the common case, which is fast to tell
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _read(raw: bytes, place: str) -> Any:
    try:
        return json.loads(raw.decode(), parse_constant=refuse_constant, parse_float=read_finite)
    except UnicodeDecodeError as error:
        raise InvalidRecordings(f"{place} is not UTF-8 text at byte {error.start + 1}.") from None
    except RecursionError:
        raise InvalidRecordings(f"{place} is too deeply nested.") from None
    except ValueError as error:
        if raw.startswith(_CONFLICT_MARKERS):
            raise InvalidRecordings(
                f"{place} is a conflict marker of git: settle the conflict, keeping the lines of "
                "one side, and try again."
            ) from None
        if not raw.endswith(b"\n"):
            raise InvalidRecordings(
                f"{place}, the last one, is cut off: delete it, or restore the file."
            ) from None
        reason = (
            f"{error.msg}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        raise InvalidRecordings(f"{place} is not JSON ({reason}).") from None


def _checked_head(document: Any, place: str) -> _Head:
    try:
        head = msgspec.convert(document, _Head)
    except msgspec.ValidationError:
        head = _Head(format="")
    if head.format != _FORMAT or head.version < 1:
        raise InvalidRecordings(
            f"{place} must be the head of a file of recorded calls, {json.dumps(_HEADER)}."
        )
    if head.version > _VERSION:
        raise InvalidRecordings(
            f"{place} says that the file has version {head.version} of its format and this "
            f"LLM-REPL reads up to {_VERSION}: install a newer one."
        )
    return head


def _checked(document: Any, place: str) -> _Line:
    try:
        line = msgspec.convert(document, _Line)
        msgspec.convert(line.request, _Sent)
    except msgspec.ValidationError as error:
        raise InvalidRecordings(f"{place} is not a recorded call: {error}.") from None
    return line
