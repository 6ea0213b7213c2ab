"""The OpenAI provider. The SDK is imported, in a thread, when the first call is made."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar, Final, get_args

from llm_repl_core.errors import KeyMissing, KeyRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta, Provider, ProviderConfig, ReasoningEffort, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_providers.openai.address import OPENAI_BASE_URL, find_base_url, is_openai
from llm_repl_providers.openai.known_limitations import KnownLimitations

if TYPE_CHECKING:
    from llm_repl_providers.openai.connection import ServerConnection
    from llm_repl_providers.openai.translation import Translation

__all__ = ["OpenAIProvider"]

_CLOSE_LIMIT_S: Final = 5.0


class OpenAIProvider(Provider):
    """OpenAI's Responses and chat completions, and every server that speaks one of them.

    ``config.base_url`` says where another server is (Ollama, vLLM, llama.cpp, a gateway); where
    it is None, the variable ``OPENAI_BASE_URL`` does, as with OpenAI's own SDK. Such a server
    need not ask for a key. The option ``api`` says which of the two is spoken: ``chat``, ``responses``,
    or ``auto``, which is Responses with OpenAI itself, and chat completions elsewhere; ``stream:
    false`` asks for whole answers. The other ``config.options`` are parameters of every request; those of a
    request go before them. Organization and project are read from ``OPENAI_ORG_ID`` and
    ``OPENAI_PROJECT_ID``, proxies from the usual variables, by the SDK.

    Args:
        config: How to reach the server.

    Raises:
        InvalidSetting: The URL is none.
    """

    name: ClassVar[str] = "openai"
    default_model: ClassVar[str] = "gpt-5.4-mini"
    key_variable: ClassVar[str | None] = "OPENAI_API_KEY"
    reasoning_efforts: ClassVar[frozenset[ReasoningEffort]] = frozenset(get_args(ReasoningEffort))

    def __init__(self, config: ProviderConfig | None = None) -> None:
        super().__init__(config)
        self._base_url = find_base_url(self.config.base_url)
        self._connections: dict[asyncio.AbstractEventLoop, ServerConnection] = {}
        self._lock = threading.Lock()
        self._known = KnownLimitations()

    @property
    def server_address(self) -> str | None:
        """Where requests go, also where the environment says it; None: to OpenAI's server."""
        return None if self._base_url.rstrip("/") == OPENAI_BASE_URL else self._base_url

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Answer a request; closing the iterator closes the connection at once.

        Raises:
            ProviderError: One of its subclasses.
        """
        translation, body = self._translation(request), self.body(request)
        connection = await self._connection()
        try:
            async with aclosing(connection.stream(translation, body)) as answer:
                async for delta in answer:
                    yield delta
        except KeyMissing as error:
            raise KeyMissing(f"{error} {self.config.key_hint}".rstrip()) from None

    def body(self, request: Request) -> dict[str, JSONValue]:
        """The JSON document that goes over the wire.

        What a server refuses that LLM-REPL adds by itself (`stream_options`, streaming, a schema
        in `response_format`) is written otherwise, and sent again; from then on the body is so
        from the start. See `limitations`.

        Raises:
            RequestRejected: An option is not free to be set, or an attachment cannot be sent.
        """
        return self._translation(request).body()

    def check(self) -> None:
        """Refuse a key that is missing, or that cannot be one.

        Raises:
            KeyMissing: OpenAI's server wants one.
            KeyRejected: It cannot be a key.
        """
        self._key()

    def warm(self) -> None:
        """Import the SDK, which takes half a second."""
        importlib.import_module("llm_repl_providers.openai.connection")

    async def models(self) -> Sequence[str]:
        """The names of the server's models, sorted.

        Raises:
            ProviderError: They cannot be asked for now.
        """
        connection = await self._connection()
        return await connection.models()

    async def close(self) -> None:
        """Close the connections. May be called twice; a later call opens new ones."""
        with self._lock:
            connections, self._connections = self._connections, {}
        here = asyncio.get_running_loop()
        for loop, connection in connections.items():
            if loop is here:
                await connection.close()
            elif loop.is_running():
                elsewhere = asyncio.run_coroutine_threadsafe(connection.close(), loop)
                await asyncio.wait([asyncio.wrap_future(elsewhere)], timeout=_CLOSE_LIMIT_S)

    def _translation(self, request: Request) -> Translation:
        # Two APIs in full, which every program would import that only knows of this provider.
        from llm_repl_providers.openai.translation import Translation

        return Translation(
            request,
            self.config.options,
            self._known,
            is_openai=is_openai(self._base_url),
        )

    @property
    def _set_key(self) -> str:
        """How the key is set: a server under a name of its own has one of that name."""
        command = f"un `llm-repl keys set {self.name}`."
        return (
            f"R{command}"
            if self.key_variable is None
            else f"Set {self.key_variable}, or r{command}"
        )

    async def _connection(self) -> ServerConnection:
        loop = asyncio.get_running_loop()
        known = self._connections.get(loop)
        if known is not None:
            return known
        key = self._key()
        # The SDK takes half a second to import, and certificates take a while to load.
        return await asyncio.to_thread(self._connect, loop, key)

    def _connect(self, loop: asyncio.AbstractEventLoop, key: Secret | None) -> ServerConnection:
        from llm_repl_providers.openai.connection import ServerConnection

        with self._lock:
            connections = {
                each: connection
                for each, connection in self._connections.items()
                if not each.is_closed()
            }
            if loop not in connections:
                connections[loop] = ServerConnection(
                    self.config, self._base_url, key, self._known, self._set_key
                )
            self._connections = connections
            return connections[loop]

    def _key(self) -> Secret | None:
        """Find the key; servers of one's own go without.

        Raises:
            KeyMissing: OpenAI's server does not.
            KeyRejected: It cannot be a key.
        """
        given = self.config.api_key
        if self._base_url != OPENAI_BASE_URL and (given is None or not given.reveal().strip()):
            return None
        key = self.require_key()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise KeyRejected(
                f"The key of the provider `{self.name}` holds characters that no key has: "
                f"set {self.key_variable} again."
            )
        return Secret(key)
