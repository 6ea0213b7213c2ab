"""The interface that every provider has, and what goes in and comes out of it."""

from __future__ import annotations

import abc
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

from llm_repl_core.errors import KeyMissing
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.finish_reasons import FinishReason
from llm_repl_core.providers.parts import Part, TokenLogprob
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.usage import Usage
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = [
    "AnswerSchema",
    "Attachment",
    "CacheHint",
    "Delta",
    "FinishReason",
    "Message",
    "Provider",
    "ProviderConfig",
    "ReasoningEffort",
    "Request",
    "Tool",
    "ToolCall",
    "Usage",
]


class Attachment(Struct, frozen=True, kw_only=True):
    """A picture or a file that goes with a message.

    Attributes:
        media_type: ``image/png``, ``application/pdf``, ``text/plain`` and so on.
        data: The bytes.
        name: What the file is called.
    """

    media_type: str
    data: bytes
    name: str = ""


class ToolCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model's request to have a function called.

    Attributes:
        id: By which the answer refers to it.
        name: The function's name.
        arguments: JSON, exactly as the model wrote it, perhaps invalid. If it wrote nothing:
            ``{}``.
        provider_data: What the provider wants back unchanged with this call; for it alone. In JSON
            it is ``provider_fields``, as recordings have it.
    """

    id: str
    name: str
    arguments: str
    provider_data: dict[str, JSONValue] = field(default_factory=dict, name="provider_fields")


class Message(Struct, frozen=True, omit_defaults=True):
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        content: What is said, exactly as it is sent.
        attachments: What goes with it.
        tool_calls: What the model, as the assistant, asked to have called.
        tool_call_id: Which call this message, in the role ``tool``, answers.
        provider_data: What the provider wants back unchanged with this turn of the assistant, and
            which belongs to none of its ``parts``: for it alone, which knows how it is sent. In
            JSON it is ``provider_fields``, as recordings have it.
        parts: Of a turn of the assistant: all that it was made of, in order, as it came. Where
            there are any, their texts are ``content`` and the places of ``tool_calls`` are among
            them; empty: the turn is its text, then its calls. A provider that needs its turns
            back unchanged (signatures, encrypted reasoning) makes them of these.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    attachments: tuple[Attachment, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    provider_data: dict[str, JSONValue] = field(default_factory=dict, name="provider_fields")
    parts: tuple[Part, ...] = ()


class Tool(Struct, frozen=True, kw_only=True):
    """A function that a model may ask to have called.

    Attributes:
        name: The function's name.
        description: What it does.
        parameters: A JSON Schema of an object whose properties are the arguments.
    """

    name: str
    description: str
    parameters: dict[str, JSONValue]


class AnswerSchema(Struct, frozen=True, kw_only=True):
    """The form that an answer must have.

    Attributes:
        name: A word for it.
        schema: A JSON Schema of an object.
    """

    name: str
    schema: dict[str, JSONValue]


class CacheHint(Struct, frozen=True, kw_only=True):
    """What of a request other requests are likely to begin with: for a provider's prompt cache.

    A provider that caches by itself needs only ``key`` (OpenAI: ``prompt_cache_key``); one that
    wants marks (Anthropic: ``cache_control``) sets one behind each of ``prefixes``.

    Attributes:
        key: The same for requests that are likely to begin alike; it tells nothing of what they
            say, and is at most 64 characters long.
        prefixes: How many messages each prefix has that may come again, the shortest first. Tools
            and the answer's schema stand before all messages.
    """

    key: str
    prefixes: tuple[int, ...] = ()


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call to a model: everything that is sent, and nothing that identifies the sender.

    Attributes:
        model: The model's name, without the provider's.
        messages: The messages, in order. Each tool result is a message with the role ``tool``,
            after the assistant's message that asked for it.
        temperature: From 0 to 2; None: not sent.
        options: Further parameters, under the provider's names.
        tools: The tools that the model may call.
        answer_schema: The schema that the answer must fit; None: any text.
        reasoning_effort: How much reasoning the model should do; None: not sent. Only sent to a
            provider whose ``reasoning_efforts`` includes it.
        cache: Which part of it may be cached. It does not change the answer, so it is not part of
            the request's identity; None: unknown.
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    options: dict[str, JSONValue] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    answer_schema: AnswerSchema | None = None
    reasoning_effort: ReasoningEffort | None = None
    cache: CacheHint | None = None


class Delta(Struct, frozen=True, kw_only=True):
    """A piece of an answer. Most carry text only; the last ones carry the rest.

    What one delta carries came in the order reasoning, text, parts, calls of tools.

    Attributes:
        text: What is added to the answer.
        reasoning: What the model thought before it answered; it is no part of the answer. Where
            it stands in the text between ``<think>`` and ``</think>``, it may stay there.
        replaces_text: Whether all text that came before is void, and this delta has it again: some
            models do not mark where their reasoning begins.
        parts: What is neither, each whole, once. A `Reasoning` or `Text` without a text of its own
            brings the ``provider_data`` of the reasoning or the text that was streamed just
            before it, and ends that piece; one with a text has not been streamed.
        logprobs: Of the tokens that this adds to the text, where they were asked for.
        usage: Once, where the provider counts.
        finish_reason: Once, in the last delta.
        provider_finish_reason: The provider's own word for it, where that is another; see
            `read_finish_reason`.
        model: The model that really answered, where the provider says it.
        tool_calls: Each whole, once, and before the end: no pieces of arguments.
        provider_data: Beside ``tool_calls``: what comes back with this turn in the request that
            brings the tools' results; see `Message`.
    """

    text: str = ""
    reasoning: str = ""
    replaces_text: bool = False
    parts: tuple[Part, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    provider_finish_reason: str | None = None
    model: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    provider_data: dict[str, JSONValue] = field(default_factory=dict)


class ProviderConfig(Struct, frozen=True, kw_only=True):
    """The configuration of a provider.

    Attributes:
        api_key: The key; it is never shown in a representation.
        base_url: The provider's address; None: its default.
        model: The default model; None: the provider's own.
        timeout_s: How long to wait for the next piece of an answer.
        options: Further settings for this provider.
        key_hint: If ``api_key`` is None: a sentence about the keys that are stored; empty if there
            is nothing to say.
    """

    api_key: Secret | None = None
    base_url: str | None = None
    model: str | None = None
    timeout_s: Annotated[float, Meta(gt=0)] = 120.0
    options: dict[str, Any] = field(default_factory=dict)
    key_hint: str = ""


class Provider(abc.ABC):
    """Who answers prompts. One object may serve many calls at the same time.

    A subclass sets the class variables and writes `stream`.

    Args:
        config: How to reach it.
    """

    name: ClassVar[str]
    """By which settings, notebooks and the prefix of a model choose it."""

    default_model: ClassVar[str]
    """Used where neither the cell nor the notebook nor the settings name one."""

    key_variable: ClassVar[str | None] = None
    """The environment variable that holds the key; None: this provider needs no key."""

    reasoning_efforts: ClassVar[frozenset[ReasoningEffort]] = frozenset()
    """What of `Request.reasoning_effort` it translates for its server. A request with another one is
    refused before it gets here; what only some of its models take, it refuses by itself."""

    def __init__(self, config: ProviderConfig | None = None) -> None:
        self.config = config or ProviderConfig()

    @property
    def server_address(self) -> str | None:
        """Where requests go, without a key; None: to the provider's own server.

        Write it where something else than ``config.base_url`` may say it.
        """
        return self.config.base_url

    @abc.abstractmethod
    def stream(self, request: Request) -> AsyncIterator[Delta] | Iterator[Delta]:
        """Answer a request, piece by piece.

        Write it as an async generator; one that is written as a plain generator is run in a
        thread. Closing the iterator closes the connection.

        Raises:
            ProviderError: One of its subclasses, whose message never holds a key.
        """

    def body(self, request: Request) -> dict[str, JSONValue]:
        """What `stream` sends for a request, as JSON and without the key.

        It is shown in previews and kept on record, so it must be what really goes out: let
        `stream` send what this returns. This one is for a provider that sends nothing in a form
        of its own.

        Raises:
            RequestRejected: The request cannot be sent in this provider's form at all.
        """
        sent = msgspec.structs.replace(request, cache=None)
        document: dict[str, JSONValue] = json.loads(json.dumps(msgspec.to_builtins(sent)))
        return document

    async def count_tokens(self, request: Request) -> int | None:  # noqa: ARG002  # for subclasses
        """How many tokens the messages have, as usage will say; None: there is no telling.

        Raises:
            ProviderError: It cannot be asked for now.
        """
        return None

    async def models(self) -> Sequence[str]:
        """The names of the models on offer.

        Raises:
            ProviderError: They cannot be asked for now.
        """
        return [self.config.model or self.default_model]

    def check(self) -> None:  # noqa: B027
        """Refuse now what no call could succeed with; nothing is sent. Here, nothing is refused.

        Raises:
            ProviderError: For instance `KeyMissing`.
        """

    def warm(self) -> None:  # noqa: B027
        """Import what is heavy, so that the first call need not wait for it; in any thread."""

    async def close(self) -> None:  # noqa: B027
        """Free connections. May be called twice."""

    def require_key(self) -> str:
        """The key's text, without white space around it.

        Raises:
            KeyMissing: There is none; the message says what to set.
        """
        key = self.config.api_key.reveal().strip() if self.config.api_key is not None else ""
        if not key:
            variable = f"set {self.key_variable}, or " if self.key_variable else ""
            raise KeyMissing(
                f"The provider `{self.name}` needs a key: {variable}run "
                f"`llm-repl keys set {self.name}`; the provider `mock` needs none. "
                f"{self.config.key_hint}".rstrip()
            )
        return key
