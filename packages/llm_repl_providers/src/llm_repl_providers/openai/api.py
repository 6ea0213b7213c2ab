"""What the two APIs of OpenAI's protocol have in common: each translates, and sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta, Request
from llm_repl_providers.openai.limitations import Limitation

__all__ = ["RESPONSES_ITEM", "AnswerReader", "Api", "ApiName"]

ApiName: TypeAlias = Literal["chat", "responses"]

RESPONSES_ITEM: Final = "responses_item"
"""Under which a part of a turn, or a call of a tool, has the item of Responses that it came as."""


class AnswerReader(Protocol):
    """Reads one answer: the documents of a stream, or the one document of a whole answer."""

    @property
    def is_whole(self) -> bool:
        """Whether one of the documents was the last."""

    def add(self, document: Any) -> Iterable[Delta]:
        """Take a document in; what it adds to the answer is returned.

        Raises:
            ProviderError: It says something in a form that is not known.
        """

    def end(self, *, is_complete: bool) -> Sequence[Delta]:
        """What ends the answer.

        Args:
            is_complete: Whether the server has said that nothing is missing.

        Raises:
            ProviderError: It is not complete, or no answer.
        """


class Api(Protocol):
    """A translator between LLM-REPL's requests and deltas and the JSON of one API."""

    name: ClassVar[ApiName]
    path: ClassVar[str]
    """Where requests go, behind the base address."""

    limitations: ClassVar[Sequence[Limitation]]
    """What servers may not accept of a body, in the order in which it is looked for."""

    def body(self, request: Request, defaults: Mapping[str, Any]) -> dict[str, JSONValue]:
        """Write a request as the API takes it.

        Args:
            request: What is asked.
            defaults: Options that those of the request, and what it says itself, go before.

        Raises:
            RequestRejected: The API has no place for something that was asked for.
        """

    def reader(self, body: Mapping[str, Any], where: str) -> AnswerReader:
        """What reads the answer to a body.

        Args:
            body: What is sent.
            where: How messages name the server.
        """
