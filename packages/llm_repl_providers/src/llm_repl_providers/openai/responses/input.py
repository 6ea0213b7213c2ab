"""The messages of a request as the input of Responses, and a model's own items put back into it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Attachment, Message, ToolCall
from llm_repl_core.providers.parts import (
    Media,
    Part,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    ToolCallPlace,
)
from llm_repl_providers.openai.api import RESPONSES_ITEM
from llm_repl_providers.openai.attachments import (
    data_url,
    described,
    inline_text,
    is_text,
    media_type,
)
from llm_repl_providers.openai.tools import sound_arguments

__all__ = ["input_items", "instructions"]


def instructions(messages: Sequence[Message]) -> str:
    """The system texts before all else, with an empty line between; empty: there are none.

    Raises:
        RequestRejected: Something goes with one that cannot be sent.
    """
    return "\n\n".join(_plain_text(message) for message in messages[: _leading(messages)])


def input_items(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Everything else, in order.

    Raises:
        RequestRejected: Something goes with a message that the API does not take.
    """
    return [item for message in messages[_leading(messages) :] for item in _items(message)]


def _leading(messages: Sequence[Message]) -> int:
    roles = [message.role for message in messages]
    count = next((at for at, role in enumerate(roles) if role != "system"), len(roles))
    # The API wants some input.
    return count if count < len(roles) else 0


def _items(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "assistant":
        yield from _turn_items(message)
    elif message.role == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message.tool_call_id,
            "output": _content(message),
        }
    elif message.role == "system":
        yield {"role": "system", "content": _plain_text(message)}
    else:
        yield {"role": "user", "content": _content(message)}


def _turn_items(message: Message) -> Iterator[dict[str, Any]]:
    """What the model said and called, as the items in which it came where these are known."""
    calls = {call.id: call for call in message.tool_calls}
    if not message.parts and (text := _plain_text(message)):
        yield {"role": "assistant", "content": text}
    for part in message.parts:
        if isinstance(part, ToolCallPlace):
            if (call := calls.pop(part.id, None)) is not None:
                yield _call_item(call)
        elif (item := _part_item(part)) is not None:
            yield item
    for call in calls.values():
        yield _call_item(call)


def _part_item(part: Part) -> dict[str, Any] | None:
    if isinstance(part, ToolCallPlace):
        return None
    known = part.provider_data.get(RESPONSES_ITEM)
    item = dict(known) if isinstance(known, dict) else None
    if isinstance(part, Text):
        if item is None:
            return {"role": "assistant", "content": part.text} if part.text else None
        content = item.get("content")
        if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
            item["content"] = [{**content[0], "text": part.text}]
        return item
    if isinstance(part, Media):
        if item is not None:
            item["result"] = base64.b64encode(part.data).decode("ascii")
        return item
    if isinstance(part, Refusal) and item is None and part.text:
        return {"role": "assistant", "content": part.text}
    if isinstance(part, Reasoning | Refusal | ServerToolCall):
        return item
    return None


def _call_item(call: ToolCall) -> dict[str, Any]:
    known = call.provider_data.get(RESPONSES_ITEM)
    return {
        **(known if isinstance(known, dict) else {}),
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": sound_arguments(call.arguments),
    }


def _plain_text(message: Message) -> str:
    """The text of a message that can only be text."""
    texts = [message.content] if message.content else []
    for attachment in message.attachments:
        if not is_text(attachment):
            raise RequestRejected(
                f"{described(attachment)} goes with a message of the role `{message.role}`: "
                "OpenAI's Responses take pictures and files with the user's messages and the "
                "results of tools only."
            )
        texts.append(inline_text(attachment))
    return "\n\n".join(texts)


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.attachments:
        return message.content
    text = [{"type": "input_text", "text": message.content}] if message.content else []
    return text + [_input_part(attachment) for attachment in message.attachments]


def _input_part(attachment: Attachment) -> dict[str, Any]:
    if is_text(attachment):
        return {"type": "input_text", "text": inline_text(attachment)}
    kind = media_type(attachment)
    if kind.startswith("image/"):
        return {"type": "input_image", "image_url": data_url(attachment), "detail": "auto"}
    if kind.startswith("audio/"):
        raise RequestRejected(
            f"{described(attachment)} is {kind}: OpenAI's Responses take no sound. Set `api: chat`, "
            "and a model that listens."
        )
    name = attachment.name or "file"
    return {"type": "input_file", "filename": name, "file_data": data_url(attachment)}
