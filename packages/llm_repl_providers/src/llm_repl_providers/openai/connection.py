"""One client of the SDK. Importing this file imports the SDK, which takes long."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import msgspec
import openai
from openai.resources.chat import completions as _completions  # noqa: F401 - else it is imported at the first call

from llm_repl_core.errors import AnswerBroken, ProviderError
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta, ProviderConfig
from llm_repl_core.providers.secret import Secret
from llm_repl_providers.openai.answer import Answer
from llm_repl_providers.openai.events import EventReader
from llm_repl_providers.openai.failures import explain, is_known

__all__ = ["Connection"]

_CONNECT_LIMIT_S: Final = 10.0
_PLACEHOLDER: Final = "none"
"""What is sent to servers of one's own, most of which ask for no key; the SDK insists on one."""

_DRAIN_LIMIT_S: Final = 0.1
"""How long the end of the HTTP answer is waited for, which leaves the connection reusable."""


class Connection:
    """A client for one event loop, with the errors of the SDK made ours.

    Args:
        config: The provider's.
        base_url: Where the server is; checked already.
        key: The key, or None.
        usage_refused: Called when the server does not know how to be asked for usage.
    """

    def __init__(
        self,
        config: ProviderConfig,
        base_url: str,
        key: Secret | None,
        usage_refused: Callable[[], None],
    ) -> None:
        self._timeout_s = config.timeout_s
        self._key = key
        self._where = f"The server at {base_url}"
        self._usage_refused = usage_refused
        self._client = openai.AsyncOpenAI(
            api_key=_PLACEHOLDER if key is None else key.reveal(),
            base_url=base_url,
            # Whether and when to try again is for the engine to say.
            max_retries=0,
            timeout=openai.Timeout(
                config.timeout_s, connect=min(config.timeout_s, _CONNECT_LIMIT_S)
            ),
            # A redirect would carry the prompt, and other headers than the SDK's own, elsewhere.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def stream(self, body: dict[str, JSONValue]) -> AsyncGenerator[Delta, None]:
        """Answer a request; closing the iterator closes the connection.

        Args:
            body: What is sent.

        Raises:
            ProviderError: See `explain`.
        """
        answer = Answer(self._where, calls_before=_calls_in(body))
        failure: ProviderError | None = None
        begun = False
        try:
            response = await self._send(body)
            begun = True
            try:
                async with aclosing(_events(response)) as portions:
                    async for events in portions:
                        for data in events:
                            text = answer.add(_document(data, response))
                            if text:
                                yield Delta(text=text)
            finally:
                await response.aclose()
        except Exception as error:
            if not is_known(error):
                raise
            failure = self._explain(error, begun=begun)
        if failure is not None:
            # A server may have repeated the key, and reports of failures show local variables.
            events, data = [], b""
            # Raised out here so that it carries no context: the SDK's errors hold the key.
            raise failure
        last = answer.last()
        tool_calls = answer.tool_calls()
        if tool_calls:
            yield Delta(tool_calls=tool_calls)
        yield last

    async def models(self) -> Sequence[str]:
        """The names of the server's models, sorted.

        Raises:
            ProviderError: See `explain`.
        """
        failure: ProviderError | None = None
        page: Any = None
        try:
            page = await self._client.models.list()
        except openai.OpenAIError as error:
            failure = self._explain(error, begun=False)
        except (AttributeError, TypeError, ValueError):
            pass  # The SDK stumbles over what is not JSON, such as a page for people.
        if failure is not None:
            raise failure
        entries = getattr(page, "data", None)
        if not isinstance(entries, list):
            raise AnswerBroken(
                f"{self._where} answered without a list of models: see whether `base_url` is "
                "right; it usually ends in /v1."
            )
        return sorted({str(entry.id) for entry in entries if getattr(entry, "id", None)})

    async def close(self) -> None:
        """Close all that is open."""
        await self._client.close()

    async def _send(self, body: dict[str, JSONValue]) -> Any:
        """The response, of which the head has come."""
        try:
            return await self._create(body)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            rejection = f"{error.message} {error.param} {error.body}"
            if "stream_options" not in body or not (
                "stream_options" in rejection or "include_usage" in rejection
            ):
                raise
        # An older server of the same protocol; it will not be asked again.
        self._usage_refused()
        return await self._create(
            {name: value for name, value in body.items() if name != "stream_options"}
        )

    async def _create(self, body: dict[str, JSONValue]) -> Any:
        # As the extra body, which the SDK sends as it is, so that a server's own parameters pass
        # as well as OpenAI's and nothing is looked through at length. It takes the place of the
        # parameters that the SDK wants to have.
        stream = await self._client.chat.completions.create(
            model="", messages=(), stream=True, extra_body=body
        )
        # The SDK makes a model of each chunk, which takes longer than all that is done here.
        return stream.response

    def _explain(self, error: Exception, *, begun: bool) -> ProviderError:
        return explain(
            error, where=self._where, secret=self._key, timeout_s=self._timeout_s, begun=begun
        )


async def _events(response: Any) -> AsyncGenerator[list[bytes], None]:
    """The data of an answer's events, as many at a time as arrive together."""
    reader = EventReader()
    async with aclosing(response.aiter_bytes()) as portions:
        async for portion in portions:
            events = reader.feed(portion)
            for number, data in enumerate(events):
                if data.startswith(b"[DONE]"):
                    yield events[:number]
                    await _drain(portions)
                    return
            if events:
                yield events
    yield [data for data in reader.end() if not data.startswith(b"[DONE]")]


async def _drain(portions: AsyncGenerator[bytes, None]) -> None:
    """Read to the end of what is complete already: nothing that fails here matters."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_DRAIN_LIMIT_S):
            async for _ in portions:
                pass


def _document(data: bytes, response: Any) -> Any:
    """An event's data, read.

    Raises:
        APIError: It tells of an error.
        ValueError: It is not JSON.
    """
    try:
        document = msgspec.json.decode(data)
    except msgspec.DecodeError:
        document = _lenient(data)
    error = document.get("error") if isinstance(document, dict) else None
    if error:
        message = error.get("message") if isinstance(error, dict) else None
        raise openai.APIError(
            message if isinstance(message, str) else "An error occurred during streaming",
            request=response.request,
            body=error,
        )
    return document


def _lenient(data: bytes) -> Any:
    """Read JSON with what some servers write: NaN, and halves of characters beyond 16 bits."""
    loose = json.loads(data, parse_constant=lambda _: None)
    text = json.dumps(loose, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _calls_in(body: dict[str, Any]) -> int:
    return sum(len(turn.get("tool_calls") or ()) for turn in body["messages"])
