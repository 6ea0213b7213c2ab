"""Recorded calls as text for a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from llm_repl_core import CallRecord, Citation, Media, Refusal, ServerToolCall, Usage
from llm_repl_core.providers.parts import Part
from llm_repl_server.cli.call_cells import where_asked
from llm_repl_server.cli.terminal_text import escape_controls, format_price, one_line
from llm_repl_server.services.call_answers import call_summary

__all__ = ["as_lines", "as_page"]

_WIDTH = 80
_NARROW = 60
"""Below this, a call has more lines, and shorter ones."""
_ID_LENGTH = 8


def as_lines(record: CallRecord, numbers: dict[str, int]) -> list[str]:
    """A call in a list: two lines, and a third where it failed, or was cut off.

    Args:
        record: The call.
        numbers: Those of cells, by their ids, as far as they are known.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    indent = " " * (_ID_LENGTH + 2)
    state = record.state if record.source == "live" else record.source
    left = f"{record.id[:_ID_LENGTH]:<8}  {_short_time(record.started_at):<11}  {state:<11}  "
    right = f"  {_tokens(record.usage)}  {format_price(record.price_usd)}"
    room = max(8, width - len(left) - len(right))
    who = one_line(f"{record.provider}/{record.model}", room)
    asked = "  ".join(filter(None, (where_asked(record, numbers), call_summary(record).prompt)))
    if width < _NARROW:
        return _narrow_lines(record, asked, width)
    lines = [f"{left}{who:<{room}}{right}", indent + one_line(asked, width - len(indent))]
    if record.error is not None:
        told = f"{record.error.type}: {record.error.message}"
        lines.append(indent + one_line(told, width - len(indent)))
    elif record.finish_reason == "length":
        lines.append(f"{indent}cut off at the token limit")
    return [escape_controls(line).rstrip() for line in lines]


def _narrow_lines(record: CallRecord, asked: str, width: int) -> list[str]:
    state = record.state if record.source == "live" else record.source
    facts = [
        f"{record.id[:_ID_LENGTH]}  {_short_time(record.started_at)}",
        f"  {state}, {_tokens(record.usage).strip()}, {format_price(record.price_usd)}",
        f"  {record.provider}/{record.model}",
        f"  {asked}",
    ]
    if record.error is not None:
        facts.append(f"  {record.error.type}: {record.error.message}")
    elif record.finish_reason == "length":
        facts.append("  cut off at the token limit")
    # What is cut is shown whole by `calls show`.
    lines = [one_line(fact, width - 2) for fact in facts]
    return [line if at == 0 else f"  {line}" for at, line in enumerate(lines)]


def as_page(record: CallRecord, *, for_terminal: bool) -> str:
    """All of a call, for a person to read."""
    lines = [f"call      {record.id}", *(f"{name:<9} {text}" for name, text in _facts(record))]
    if len(record.attempts) > 1:
        for number, attempt in enumerate(record.attempts, start=1):
            ending = attempt.error or "answered"
            lines.append(f"attempt {number} {attempt.duration_s:.2f} s: {ending}")
    for message in _messages(record):
        lines += ["", f"--- {message.get('role', '')}", *_message_lines(message)]
    if record.reasoning:
        lines += ["", "--- reasoning", record.reasoning]
    if record.text or record.tool_calls or record.parts:
        lines += ["", "--- answer" if record.state == "completed" else "--- partial answer"]
        if record.text:
            lines.append(record.text)
        lines += [f"[asks for {call.name}({call.arguments})]" for call in record.tool_calls]
        lines += filter(None, map(_part_line, record.parts))
    return escape_controls("\n".join(lines), for_terminal=for_terminal)


def _facts(record: CallRecord) -> Iterator[tuple[str, str]]:
    asked = f"{record.provider}/{record.model}"
    if record.answered_by not in (None, record.model):
        asked += f", answered by {record.answered_by}"
    yield "model", asked
    source = "" if record.source == "live" else f", by {record.source} of {record.original_id}"
    yield "state", f"{record.state}{source}"
    started = record.started_at.astimezone().isoformat(sep=" ", timespec="seconds")
    took = "" if record.duration_s is None else f", took {record.duration_s:.2f} s"
    first = (
        "" if record.first_token_s is None else f", first text after {record.first_token_s:.2f} s"
    )
    yield "started", f"{started}{took}{first}"
    yield "notebook", record.notebook_id
    place = record.place
    item = "" if place.item is None else f", item {place.item + 1}"
    step = "" if not place.step else f", step {place.step + 1}"
    yield "cell", f"{place.cell_id}{item}{step}"
    yield "run", record.run_id
    if record.usage is not None:
        yield "tokens", _all_tokens(record.usage)
    yield (
        "price",
        format_price(record.price_usd) if record.price_usd is not None else "price unknown",
    )
    if record.finish_reason:
        word = record.provider_finish_reason
        yield "finish", record.finish_reason + (f" ({word})" if word else "")
    for name, value in record.request.items():
        if name not in ("provider", "model", "messages"):
            yield name, str(value)
    if record.error is not None:
        yield "error", f"{record.error.type}: {record.error.message}"


def _all_tokens(usage: Usage) -> str:
    of_input = (
        (usage.cached_input_tokens, "cached"),
        (usage.cache_write_tokens, "written to the cache"),
    )
    told = f"{_count(usage.input_tokens)} in"
    told += "".join(f" ({count:,} {kind})" for count, kind in of_input if count)
    told += f", {_count(usage.output_tokens)} out"
    if usage.reasoning_tokens:
        told += f" ({usage.reasoning_tokens:,} reasoning)"
    return told


def _part_line(part: Part) -> str | None:
    match part:
        case Refusal(text=text):
            return f"[refuses: {text}]"
        case Citation(url=url, title=title, source=source):
            return f"[from: {' '.join(filter(None, (title, url or source)))}]"
        case Media(media_type=media_type, data=data, name=name):
            return f"[made: {name or 'unnamed'}, {media_type}, {len(data):,} bytes]"
        case ServerToolCall(name=name, arguments=arguments, result=result):
            return f"[the server ran {name}({arguments}) → {result}]"
    return None


def _messages(record: CallRecord) -> list[dict[str, Any]]:
    messages = record.request.get("messages")
    return (
        [message for message in messages if isinstance(message, dict)]
        if isinstance(messages, list)
        else []
    )


def _message_lines(message: dict[str, Any]) -> list[str]:
    lines = [str(message["content"])] if message.get("content") else []
    lines += [
        f"[asks for {call.get('name')}({call.get('arguments')})]"
        for call in message.get("tool_calls") or ()
    ]
    lines += [
        f"[attached: {attachment.get('name') or attachment.get('media_type')}, {attachment.get('size_bytes')} bytes]"
        for attachment in message.get("attachments") or ()
    ]
    return lines


def _short_time(time: datetime) -> str:
    local = time.astimezone()
    this_year = local.year == datetime.now().astimezone().year
    return f"{local:%m-%d %H:%M}" if this_year else f"{local:%Y-%m-%d}"


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return "-"
    return f"{_count(usage.input_tokens)}+{_count(usage.output_tokens)}"


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
