"""Requests of every kind, for the tests of providers."""

from __future__ import annotations

import msgspec

from llm_repl_core.providers.base import (
    AnswerSchema,
    Attachment,
    CacheHint,
    Message,
    Request,
    Tool,
    ToolCall,
)
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Reasoning,
    ServerToolCall,
    Text,
    ToolCallPlace,
)

__all__ = ["ADD", "ATTACHMENTS", "SCHEMA", "requests_of_each_kind", "with_attachment"]

ADD = Tool(
    name="add",
    description="Add two numbers.",
    parameters={
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
        "required": ["x", "y"],
        "additionalProperties": False,
    },
)
SCHEMA = AnswerSchema(
    name="animal",
    schema={
        "type": "object",
        "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
        "required": ["name", "legs"],
        "additionalProperties": False,
    },
)
ATTACHMENTS = {
    "a picture": Attachment(media_type="image/png", data=b"\x89PNG\r\n\x1a\n", name="dot.png"),
    "a text": Attachment(media_type="text/plain", data="Käse".encode(), name="list.txt"),
    "a PDF": Attachment(media_type="application/pdf", data=b"%PDF-1.7\n", name="page.pdf"),
    "sound": Attachment(media_type="audio/wav", data=b"RIFF\x00\x00", name="bell.wav"),
    "bytes of no type": Attachment(media_type="", data=b"\x00\xff"),
}


_TURN = (
    # Another provider's: what it wants back means nothing to this one.
    Message(
        "assistant",
        "Let me see.",
        tool_calls=(ToolCall(id="c1", name="add", arguments='{"x": 1}'),),
        parts=(
            Reasoning(text="Hm.", provider_data={"of_another": "s"}),
            Text(text="Let me see."),
            Citation(url="https://example.org/", start=0, end=3),
            Media(media_type="image/png", data=b"\x89PNG"),
            ServerToolCall(id="s1", name="search", result="found"),
            ToolCallPlace(id="c1"),
        ),
    ),
    Message("tool", "3", tool_call_id="c1"),
)


def with_attachment(request: Request, attachment: Attachment) -> Request:
    """The request with something attached to its last message."""
    *others, last = request.messages
    told = msgspec.structs.replace(last, attachments=(attachment,))
    return msgspec.structs.replace(request, messages=(*others, told))


def requests_of_each_kind(plain: Request) -> dict[str, Request]:
    """A request and, made from it, one of each other kind, by what is special about it."""
    return {
        "a prompt": plain,
        "a temperature": msgspec.structs.replace(plain, temperature=0.5),
        "tools": msgspec.structs.replace(plain, tools=(ADD,)),
        "a schema": msgspec.structs.replace(plain, answer_schema=SCHEMA),
        "a hint for the cache": msgspec.structs.replace(
            plain, cache=CacheHint(key="k", prefixes=(1,))
        ),
        "a turn of many parts": msgspec.structs.replace(
            plain, tools=(ADD,), messages=(*plain.messages, *_TURN)
        ),
        **{kind: with_attachment(plain, attachment) for kind, attachment in ATTACHMENTS.items()},
    }
