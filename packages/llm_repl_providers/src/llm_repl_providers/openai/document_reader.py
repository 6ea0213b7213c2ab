"""The JSON documents of an answer, from the bytes of an HTTP response."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final

from llm_repl_core.errors import AnswerBroken, RequestRejected
from llm_repl_providers.openai.error_in_answer import ErrorInAnswer
from llm_repl_providers.openai.lenient_json import read_documents
from llm_repl_providers.openai.sse import EventReader, ServerSentEvent

__all__ = ["DocumentReader"]

_DRAIN_LIMIT_S: Final = 0.1
"""How long the end of the HTTP answer is waited for, which leaves the connection reusable."""

_MARK_AND_BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
_DONE: Final = b"[DONE]"
_LINE_OF_A_STREAM: Final = re.compile(
    rb"^(?:(?:data|event|id|retry)?:|(?:d|da|dat|data|e|ev|eve|even|event)\Z)", re.MULTILINE
)
"""A field or a comment; also one that is cut off."""
_KEPT_ALIVE: Final = frozenset({b"ping", b"heartbeat", b"keepalive", b"keep-alive"})


class DocumentReader:
    """Reads an answer: a stream of events, or one JSON document though a stream was asked for.

    Args:
        response: The response of which the head has come.
        where: How messages name the server.

    Attributes:
        is_complete: Whether the server has said that the answer is whole.
    """

    def __init__(self, response: Any, where: str) -> None:
        self.is_complete = False
        self._has_begun = False
        self._response = response
        self._where = where

    async def portions(self) -> AsyncGenerator[Iterator[Any], None]:
        """The documents, as many at a time as arrive together: all to be taken before the next ones.

        Where one cannot be taken, those before it are of the answer.

        Raises:
            ErrorInAnswer: One of them tells of an error.
            AnswerBroken: It broke off.
            RequestRejected: It is a page for people.
            ValueError: It cannot be read.
        """
        async with aclosing(self._data()) as portions:
            head = b""
            async for portion in portions:
                head += portion
                if first := head.lstrip(_MARK_AND_BLANKS)[:1]:
                    break
            else:
                return
            if first == b"<":
                raise RequestRejected(
                    f"{self._where} answered with a web page: see whether `base_url` is right; "
                    "it usually ends in /v1."
                )
            # Whatever the head calls it: no line of a stream begins like that.
            answer = (
                self._whole(head, portions)
                if first in (b"{", b"[")
                else self._stream(head, portions)
            )
            async with aclosing(answer) as batches:
                async for batch in batches:
                    yield batch

    def _data(self) -> AsyncGenerator[bytes, None]:
        """What comes; as it comes, where the server has not compressed it, as hardly any does."""
        response = self._response
        data: AsyncGenerator[bytes, None] = (
            response.aiter_bytes()
            if "content-encoding" in response.headers
            else response.aiter_raw()
        )
        return data

    async def _whole(
        self, head: bytes, portions: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[Iterator[Any], None]:
        rest = [portion async for portion in portions]
        data = b"".join((head, *rest)).strip(_MARK_AND_BLANKS)
        if data[-1:] not in (b"}", b"]"):
            raise AnswerBroken(f"{self._where} broke off in the middle of its answer.")
        documents = read_documents(data)
        yield _checked(documents)
        # Of several, each is a chunk, and the last one says that it is.
        self.is_complete = len(documents) == 1

    async def _stream(
        self, head: bytes, portions: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[Iterator[Any], None]:
        reader = EventReader()
        yield self._documents(reader.feed(head))
        while not self.is_complete and (portion := await anext(portions, None)) is not None:
            if not self._has_begun:
                head += portion
            yield self._documents(reader.feed(portion))
        if self.is_complete:
            await _drain(portions)
            return
        if not self._has_begun and not _LINE_OF_A_STREAM.search(head.replace(b"\r", b"\n")):
            # A sentence for people, with a status that says that all is well.
            raise ErrorInAnswer(head.strip(_MARK_AND_BLANKS).decode("utf-8", "replace"))
        yield self._last_documents(reader.end())

    def _documents(self, events: list[ServerSentEvent]) -> Iterator[Any]:
        """The documents of events; none of those after the end."""
        for event in events:
            data, name = event.data, event.name
            content = data.strip()
            if content[: len(_DONE)].upper() == _DONE:
                self.is_complete = True
                break
            if not content or (name and name in _KEPT_ALIVE):
                continue
            try:
                documents = read_documents(data)
            except ValueError:
                if name != b"error":
                    raise
                documents = [data.decode("utf-8", "replace")]
            for document in documents:
                _raise_error(document, name)
                if name.startswith(b"response.") and isinstance(document, dict):
                    # Of Responses, the event's name is in the document, too; not with all servers.
                    document.setdefault("type", name.decode("utf-8", "replace"))
                self._has_begun = True
                yield document
            # Where no empty line stands between the events.
            self.is_complete = self.is_complete or content.endswith(b"\n" + _DONE)

    def _last_documents(self, events: list[ServerSentEvent]) -> Iterator[Any]:
        """As `_documents`, up to what is half of an event: it broke off."""
        with contextlib.suppress(ValueError):
            yield from self._documents(events)


def _checked(documents: list[Any]) -> Iterator[Any]:
    """Documents, as far as none is an error."""
    for document in documents:
        _raise_error(document, b"")
        yield document


async def _drain(portions: AsyncGenerator[bytes, None]) -> None:
    """Read to the end of what is complete already: nothing that fails here matters."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_DRAIN_LIMIT_S):
            async for _ in portions:
                pass


def _raise_error(document: Any, name: bytes) -> None:
    """Find an error that stands where a piece of an answer was due.

    Raises:
        ErrorInAnswer: It is one.
    """
    if isinstance(document, dict):
        if name == b"error" or document.get("error"):
            raise ErrorInAnswer(document)
        choices = document.get("choices")
        if choices and isinstance(choices, list) and isinstance(choices[0], dict):
            if choices[0].get("error"):
                raise ErrorInAnswer(choices[0]["error"])
        elif not isinstance(choices, list) and _tells_of_error(document):
            raise ErrorInAnswer(document)
    elif name == b"error" or isinstance(document, str):
        raise ErrorInAnswer(document)


def _tells_of_error(document: dict[str, Any]) -> bool:
    if document.get("object") == "error" or document.get("type") == "error":
        return True
    if document.get("status") in ("error", "failed") or document.get("success") is False:
        return True
    message = document.get("message")
    if isinstance(message, dict) and "content" in message:
        return False  # a turn, in the form of another protocol
    return bool(message) or any(document.get(name) for name in ("errors", "detail", "error_msg"))
