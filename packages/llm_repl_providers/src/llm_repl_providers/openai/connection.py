"""One client of the SDK. Importing this file imports the SDK, which takes long."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

import openai
from openai.resources.chat import completions as _completions  # noqa: F401 - else it is imported at the first call

from llm_repl_core.errors import AnswerBroken, ProviderError, RequestRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta, ProviderConfig, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_providers.openai.answer import Answer
from llm_repl_providers.openai.failures import explain, is_known

__all__ = ["Connection"]

_CONNECT_LIMIT_S: Final = 10.0
_PLACEHOLDER: Final = "none"
"""What is sent to servers of one's own, most of which ask for no key; the SDK insists on one."""

_RESERVED: Final = frozenset({"messages", "model", "stream", "stream_options"})


class Connection:
    """A client for one event loop, with the errors of the SDK made ours.

    Args:
        config: The provider's.
        base_url: Where the server is; checked already.
        key: The key, or None.
    """

    def __init__(self, config: ProviderConfig, base_url: str, key: Secret | None) -> None:
        self._options = dict(config.options)
        self._timeout_s = config.timeout_s
        self._key = key
        self._where = f"The server at {base_url}"
        self._asks_for_usage = True
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

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Answer a request; closing the iterator closes the connection.

        Raises:
            ProviderError: See `explain`.
        """
        answer = Answer(self._where)
        failure: ProviderError | None = None
        begun = False
        try:
            response = await self._send(request)
            begun = True
            try:
                async for chunk in response:
                    text = answer.add(chunk)
                    if text:
                        yield Delta(text=text)
            finally:
                await response.close()
        except Exception as error:
            if not is_known(error):
                raise
            failure = self._explain(error, begun=begun)
        if failure is not None:
            # Raised out here so that it carries no context: the SDK's errors hold the key.
            raise failure
        yield answer.last()

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

    async def _send(self, request: Request) -> openai.AsyncStream[Any]:
        parameters: dict[str, JSONValue] = {**self._options, **request.options}
        for name in sorted(_RESERVED & parameters.keys()):
            raise RequestRejected(
                f"The option `{name}` cannot be set: LLM-REPL sets it itself. Leave it out."
            )
        if request.temperature is not None:
            parameters["temperature"] = request.temperature
        if self._asks_for_usage:
            try:
                return await self._create(
                    request, {**parameters, "stream_options": {"include_usage": True}}
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                rejection = f"{error.message} {error.param} {error.body}"
                if "stream_options" not in rejection and "include_usage" not in rejection:
                    raise
            # An older server of the same protocol; it will not be asked again.
            self._asks_for_usage = False
        return await self._create(request, parameters)

    async def _create(
        self, request: Request, parameters: dict[str, JSONValue]
    ) -> openai.AsyncStream[Any]:
        messages: Any = [
            {"role": message.role, "content": message.content} for message in request.messages
        ]
        # As a part of the body, so that a server's own parameters pass as well as OpenAI's.
        return await self._client.chat.completions.create(
            model=request.model, messages=messages, stream=True, extra_body=parameters
        )

    def _explain(self, error: Exception, *, begun: bool) -> ProviderError:
        return explain(
            error, where=self._where, secret=self._key, timeout_s=self._timeout_s, begun=begun
        )
