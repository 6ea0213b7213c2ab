"""The interface that every provider has, and what goes in and comes out of it."""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field

from llm_repl_core.errors import KeyMissing
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.secret import Secret

__all__ = ["Delta", "Message", "Provider", "ProviderConfig", "Request", "Usage"]


class Message(Struct, frozen=True):
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        content: What is said, exactly as it is sent.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class Request(Struct, frozen=True, kw_only=True):
    """A call to a model: all that is sent, and nothing that identifies who sends it.

    Attributes:
        model: The model's name without the provider's.
        messages: The turns, in order.
        temperature: From 0 to 2; None: not sent.
        options: Further parameters, as the provider names them.
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    options: dict[str, JSONValue] = field(default_factory=dict)


class Usage(Struct, frozen=True, kw_only=True):
    """What a call cost, as the provider counts it.

    Attributes:
        input_tokens: Of the messages; None where the provider does not say.
        output_tokens: Of the answer; None where the provider does not say.
        raw: The provider's own record, unchanged.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    raw: dict[str, JSONValue] = field(default_factory=dict)


class Delta(Struct, frozen=True, kw_only=True):
    """A piece of an answer. Most carry text only; the last ones carry the rest.

    Attributes:
        text: What is added to the answer.
        usage: Once, where the provider counts.
        finish_reason: Once: ``stop``, ``length``, ``content_filter``, or the provider's word.
        model: The model that really answered, where the provider says it.
    """

    text: str = ""
    usage: Usage | None = None
    finish_reason: str | None = None
    model: str | None = None


class ProviderConfig(Struct, frozen=True, kw_only=True):
    """How to reach a provider.

    Attributes:
        api_key: The key; it never shows in a representation.
        base_url: Where the provider's server is; the provider's own where None.
        model: The default model; the provider's own where None.
        timeout_s: How long to wait for the next piece of an answer.
        options: Further settings of this provider.
    """

    api_key: Secret | None = None
    base_url: str | None = None
    model: str | None = None
    timeout_s: Annotated[float, Meta(gt=0)] = 120.0
    options: dict[str, Any] = field(default_factory=dict)


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

    def __init__(self, config: ProviderConfig | None = None) -> None:
        self.config = config or ProviderConfig()

    @abc.abstractmethod
    def stream(self, request: Request) -> AsyncIterator[Delta] | Iterator[Delta]:
        """Answer a request, piece by piece.

        Write it as an async generator; one that is written as a plain generator is run in a
        thread. Closing the iterator closes the connection.

        Raises:
            ProviderError: One of its subclasses, whose message never holds a key.
        """

    async def models(self) -> Sequence[str]:
        """The names of the models on offer.

        Raises:
            ProviderError: They cannot be asked for now.
        """
        return [self.config.model or self.default_model]

    async def close(self) -> None:  # noqa: B027
        """Free connections. May be called twice."""

    def require_key(self) -> str:
        """The key's text, without white space around it.

        Raises:
            KeyMissing: There is none; the message says what to set.
        """
        key = self.config.api_key.reveal().strip() if self.config.api_key is not None else ""
        if not key:
            raise KeyMissing(
                f"The provider `{self.name}` needs a key: set {self.key_variable}, or run "
                f"`llm-repl keys set {self.name}`; the provider `mock` needs none."
            )
        return key
