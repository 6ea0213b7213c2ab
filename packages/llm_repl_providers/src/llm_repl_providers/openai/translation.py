"""A request in the form of the API that suits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Request
from llm_repl_providers.openai.api import Api
from llm_repl_providers.openai.chat.api import ChatApi
from llm_repl_providers.openai.known_limitations import KnownLimitations

__all__ = ["Translation"]

_CHAT: Final[Api] = ChatApi()


class Translation:
    """A request in the form of one API.

    Args:
        request: What is asked.
        defaults: Options that those of the request go before.
        known: What is known of the server's models.
    """

    def __init__(
        self, request: Request, defaults: Mapping[str, Any], known: KnownLimitations
    ) -> None:
        self._request, self._defaults, self._known = request, defaults, known
        self.api: Api = _CHAT

    def body(self) -> dict[str, JSONValue]:
        """The JSON document that is sent, as the model is known to accept it.

        Raises:
            RequestRejected: The API has no place for something that was asked for.
        """
        return self._known.adapt(self.api, self.api.body(self._request, self._defaults))
