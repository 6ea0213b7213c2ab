"""An answer on record as outputs of its cell, as if it had just come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, UnsetType

from llm_repl_core.engine.answer_limits import is_cut
from llm_repl_core.engine.prompts.dialogue import MISFIT_QUESTION
from llm_repl_core.engine.prompts.reply_outputs import part_outputs, reply_fields
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output
from llm_repl_core.providers.usage import usage_document

__all__ = ["recorded_outputs"]


def recorded_outputs(
    record: CallRecord, *, variable: str, value: JSONValue | UnsetType
) -> list[Output]:
    """What a cell shows that uses an answer on record: the tools that were called, and the answer.

    Args:
        record: The last call of a conversation.
        variable: Of the answer.
        value: Of a structured answer: its value.
    """
    item = record.place.item
    common: dict[str, Any] = {} if item is None else {"item": item}
    fields: dict[str, Any] = {
        "provider": record.provider,
        **reply_fields(record.turn),
        **({} if value is UNSET else {"value": value}),
        "source": "reuse",
        "response_var": variable,
        "call_id": record.id,
        **common,
    }
    response = Output.llm_response(
        _prompt_of(record),
        record.text,
        model=record.answered_by or record.model,
        usage=None if record.usage is None else usage_document(record.usage),
    )
    outputs = [
        *_tool_outputs(record, common),
        *part_outputs(record.turn, record.id, item),
        Output(response.type, response.content, response.fields | fields),
    ]
    if is_cut(record.finish_reason):
        notice = Output.warning("The answer was cut off at its token limit.")
        outputs.append(Output(notice.type, notice.content, dict(common)))
    return outputs


def _messages_of(record: CallRecord) -> list[dict[str, Any]]:
    messages = record.request.get("messages")
    found = messages if isinstance(messages, list) else []
    return [message for message in found if isinstance(message, dict)]


def _prompt_of(record: CallRecord) -> str:
    """The prompt's own text: what was said last to the model, but for what was asked again."""
    said = [
        message.get("content") for message in _messages_of(record) if message.get("role") == "user"
    ]
    texts = [text for text in said if isinstance(text, str)]
    own = [text for text in texts if not text.startswith(MISFIT_QUESTION)]
    return (own or texts or [""])[-1]


def _tool_outputs(record: CallRecord, common: dict[str, Any]) -> Iterator[Output]:
    results = {
        message.get("tool_call_id"): message.get("content")
        for message in _messages_of(record)
        if message.get("role") == "tool"
    }
    for message in _messages_of(record):
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if not isinstance(call, dict) or call.get("id") not in results:
                continue
            name, arguments, result = call.get("name"), call.get("arguments"), results[call["id"]]
            yield Output(
                "tool_call",
                f"{name}({arguments}) → {result}",
                {"name": name, "arguments": arguments, "result": result, "call_id": record.id}
                | common,
            )
