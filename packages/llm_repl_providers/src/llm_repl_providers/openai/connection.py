"""One client of the SDK. Importing this file imports the SDK, which takes long."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

import openai

from llm_repl_core.errors import AnswerBroken, ProviderError
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta, ProviderConfig
from llm_repl_core.providers.secret import Secret
from llm_repl_providers.openai.api import Api
from llm_repl_providers.openai.document_reader import DocumentReader
from llm_repl_providers.openai.error_in_answer import ErrorInAnswer
from llm_repl_providers.openai.failures import (
    body_of,
    error_reply,
    explain,
    is_known,
)
from llm_repl_providers.openai.http_client import HttpClient
from llm_repl_providers.openai.known_limitations import KnownLimitations
from llm_repl_providers.openai.limitations import Limitation, find_limitation
from llm_repl_providers.openai.model_list import read_models
from llm_repl_providers.openai.translation import Translation

__all__ = ["ServerConnection"]

_CONNECT_LIMIT_S: Final = 10.0
_WHOLE_ANSWER_FACTOR: Final = 5
_PLACEHOLDER: Final = "none"
"""What is sent to servers of one's own, most of which ask for no key; the SDK insists on one."""


class ServerConnection:
    """A client for one event loop, with the errors of the SDK made ours.

    Args:
        config: The provider's.
        base_url: Where the server is; checked already.
        key: The key, or None.
        known: What is known of the server's models, and is added to.
        set_key: How its key is set, in a sentence.
    """

    def __init__(
        self,
        config: ProviderConfig,
        base_url: str,
        key: Secret | None,
        known: KnownLimitations,
        set_key: str,
    ) -> None:
        self._timeout_s = config.timeout_s
        self._key = key
        self._where = f"The server at {base_url}"
        self._known = known
        self._set_key = set_key
        self._client = openai.AsyncOpenAI(
            api_key=_PLACEHOLDER if key is None else key.reveal(),
            base_url=base_url,
            # Whether and when to try again is for the engine to say.
            max_retries=0,
            timeout=_limits(config.timeout_s),
            http_client=HttpClient(),
        )

    async def stream(
        self, translation: Translation, body: dict[str, JSONValue]
    ) -> AsyncGenerator[Delta, None]:
        """Answer a request; closing the iterator closes the connection.

        What the server does not accept is written otherwise and sent again, as long as it has
        generated nothing; see `limitations`.

        Args:
            translation: The request, in the form of an API.
            body: What is sent: the translation's, or a subclass's.

        Raises:
            ProviderError: See `explain`.
        """
        tried: list[Limitation] = []
        is_new = False
        while True:
            attempt = _Attempt(self._client, self._where, translation.api, body, self._timeout_s)
            failure: ProviderError | None = None
            remedy: Limitation | Translation | None = None
            try:
                async with aclosing(attempt.deltas()) as deltas:
                    async for delta in deltas:
                        if is_new:
                            self._known.add(translation.api, body, tried)
                            is_new = False
                        yield delta
            except ProviderError as error:
                # Without the frames, whose variables hold what the server said.
                failure = error.with_traceback(None)
            except Exception as error:
                if not is_known(error):
                    raise
                if not attempt.has_said:
                    remedy = self._remedy(error, translation, body, tried)
                if remedy is None:
                    failure = explain(
                        error,
                        where=self._where,
                        secret=self._key,
                        timeout_s=attempt.timeout_s,
                        begun=attempt.has_begun,
                        set_key=self._set_key,
                    )
            if failure is not None:
                # Raised out here so that it carries no context: the SDK's errors hold the key.
                raise failure
            if remedy is None:
                return
            if isinstance(remedy, Translation):
                self._known.set_only_api(str(body["model"]), remedy.api.name)
                translation, body, tried, is_new = remedy, remedy.body(), [], False
            else:
                tried.append(remedy)
                is_new = True
                body = remedy.adapt(body)

    async def models(self) -> Sequence[str]:
        """The names of the server's models, sorted.

        Raises:
            ProviderError: See `explain`.
        """
        failure: ProviderError | None = None
        listing: Any = None
        try:
            # Not by the SDK's page of models: servers also answer with the bare list.
            listing = await self._client.get("/models", cast_to=object)
        except openai.OpenAIError as error:
            failure = explain(
                error,
                where=self._where,
                secret=self._key,
                timeout_s=self._timeout_s,
                begun=False,
                set_key=self._set_key,
            )
        except (AttributeError, TypeError, ValueError):
            pass  # The SDK stumbles over what is not JSON, such as a page for people.
        if failure is not None:
            raise failure
        names = read_models(listing)
        if names is None:
            raise AnswerBroken(
                f"{self._where} answered without a list of models: see whether `base_url` is "
                "right; it usually ends in /v1."
            )
        return names

    async def close(self) -> None:
        """Close all that is open."""
        await self._client.close()

    def _remedy(
        self,
        error: Exception,
        translation: Translation,
        body: dict[str, JSONValue],
        tried: list[Limitation],
    ) -> Limitation | Translation | None:
        """How the request may be sent again so that it is answered; None: there is no way."""
        # Apart, so that what the server said, which may repeat the key, stays in these frames.
        if not isinstance(error, openai.APIStatusError | ErrorInAnswer):
            return None
        reply = error_reply(error, self._key)
        message = f"{reply.message} {body_of(error)}"
        return translation.in_other_api(message, reply.status) or find_limitation(
            message, reply.status, body, translation.api.limitations, tried=tried
        )


class _Attempt:
    """One sending of a request.

    Args:
        client: Sends it.
        where: How messages name the server.
        api: Whose form it has.
        body: What is sent.
        timeout_s: How long the next piece of a stream is waited for.

    Attributes:
        timeout_s: How long is waited really: an answer in one piece takes as long as all of a
            stream, and one that is given up is paid for all the same.
        has_begun: Whether the head of an answer has come.
        has_said: Whether something of the answer itself has.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        where: str,
        api: Api,
        body: dict[str, JSONValue],
        timeout_s: float,
    ) -> None:
        self.timeout_s = timeout_s if body.get("stream") else timeout_s * _WHOLE_ANSWER_FACTOR
        self.has_begun = False
        self.has_said = False
        self._client = client
        self._where = where
        self._api = api
        self._body = body

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """Send it, and read what comes."""
        # By the SDK's general method, which sends the body as it is, so that a server's own
        # parameters pass as well as OpenAI's and nothing is looked through at length.
        stream = await self._client.post(
            self._api.path,
            body=self._body,
            cast_to=object,
            options={"timeout": _limits(self.timeout_s)},
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        self.has_begun = True
        # The SDK makes a model of each chunk, which takes longer than all that is done here.
        response = stream.response
        answer = self._api.reader(self._body, self._where)
        documents = DocumentReader(response, self._where)
        try:
            async with aclosing(documents.portions()) as portions:
                async for portion in portions:
                    for document in portion:
                        for delta in answer.add(document):
                            self.has_said = True
                            yield delta
                    if answer.is_whole:
                        documents.is_complete = True
        finally:
            await response.aclose()
        for delta in answer.end(is_complete=documents.is_complete):
            self.has_said = True
            yield delta


def _limits(timeout_s: float) -> openai.Timeout:
    return openai.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_LIMIT_S))
