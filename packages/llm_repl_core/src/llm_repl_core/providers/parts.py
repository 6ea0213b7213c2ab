"""What a model's turn is made of, besides plain text: one type a kind, the same for all providers.

A provider translates what its server sends into these, and back where a turn is sent again. What
only the server understands (a signature, encrypted reasoning, an item's id) stands in
``provider_data``: it is recorded, and comes back to the same provider unchanged.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct, field

from llm_repl_core.model.json_value import JSONValue

__all__ = [
    "Citation",
    "Media",
    "Part",
    "Reasoning",
    "Refusal",
    "ServerToolCall",
    "Text",
    "TokenLogprob",
    "ToolCallPlace",
]


class Text(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="text"):
    """A piece of the answer itself.

    Attributes:
        text: What is said.
        provider_data: What the provider wants back with this piece, unchanged.
    """

    text: str = ""
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class Reasoning(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="reasoning"
):
    """What a model thought, or a summary of it.

    Attributes:
        text: What can be read of it; empty where the provider shows nothing.
        provider_data: What the provider wants back with it, unchanged: a signature, the encrypted
            reasoning, a ``thought_signature``, the item as it came.
    """

    text: str = ""
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class Refusal(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="refusal"
):
    """Why a model does not answer, in its own words; `Delta.finish_reason` is ``refusal`` then.

    Attributes:
        text: What it says; empty where it says nothing.
        provider_data: What the provider wants back with it, unchanged.
    """

    text: str = ""
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class Citation(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="citation"
):
    """Where something in the answer is from.

    Attributes:
        start: Where in the whole answer's text what it supports begins, in characters; None: the
            provider does not say it.
        end: Where that ends.
        url: The page; empty where the source is no page.
        title: What the source is called.
        source: Which document or file of the request or the provider, by name or id.
        quote: What the source says.
        provider_data: What the provider wants back with it, unchanged.
    """

    start: int | None = None
    end: int | None = None
    url: str = ""
    title: str = ""
    source: str = ""
    quote: str = ""
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class Media(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="media"):
    """A picture, a sound or a file that a model made. Records name it by the hash of its bytes.

    Attributes:
        media_type: ``image/png``, ``audio/wav`` and so on.
        data: The bytes, whole.
        name: What it is called; empty where nobody named it.
        text: What it shows or says in words, where the provider tells it (a transcript).
        provider_data: What the provider wants back with it, unchanged.
    """

    media_type: str
    data: bytes
    name: str = ""
    text: str = ""
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class ServerToolCall(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="server_tool_call"
):
    """A tool that the provider's server ran by itself: a web search, code, and what came of it.

    Attributes:
        id: By which the provider knows the call.
        name: The tool.
        arguments: JSON, as `ToolCall.arguments`.
        result: What it gave, as text to read; empty where the provider does not show it.
        failed: Whether it failed.
        provider_data: What the provider wants back with it, unchanged: the items as they came.
    """

    id: str
    name: str
    arguments: str = "{}"
    result: str = ""
    failed: bool = False
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class ToolCallPlace(Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """Where among the parts of a turn one of its `ToolCall` stands.

    Attributes:
        id: The call's.
    """

    id: str


Part: TypeAlias = Text | Reasoning | Refusal | Citation | Media | ServerToolCall | ToolCallPlace
"""A piece of a model's turn, in the order in which they came."""


class TokenLogprob(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The log probability of a token of the answer, if the request's options ask for it.

    Attributes:
        token: Its text.
        logprob: The natural logarithm of its probability.
        top: The most likely tokens at this position with their log probabilities, the most likely
            first.
    """

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()
