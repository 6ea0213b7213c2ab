"""A request in the form of the API that suits it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Request
from llm_repl_providers.openai.api import Api, ApiName
from llm_repl_providers.openai.chat.api import ChatApi
from llm_repl_providers.openai.known_limitations import KnownLimitations
from llm_repl_providers.openai.options import api_setting
from llm_repl_providers.openai.responses.api import ResponsesApi
from llm_repl_providers.openai.responses.options import needs_chat

__all__ = ["Translation"]

_APIS: Final[Mapping[ApiName, Api]] = {"chat": ChatApi(), "responses": ResponsesApi()}

_OTHER_API: Final[Mapping[ApiName, re.Pattern[str]]] = {
    "chat": re.compile(r"v1/responses|responses (?:api|endpoint)", re.IGNORECASE),
    "responses": re.compile(r"chat[/ ]completions?", re.IGNORECASE),
}
"""By the API that was asked: how a server points to the other one, which has the model."""


class Translation:
    """A request in the form of one API.

    Args:
        request: What is asked.
        defaults: Options that those of the request go before.
        known: What is known of the server's models.
        is_openai: Whether the server is OpenAI's own. Others are asked for chat completions, and sent
            no hint for a cache, unless options say otherwise.
        api: The API, whatever the options say; None: the one that suits.

    Raises:
        RequestRejected: The option `api` names no API.
    """

    def __init__(
        self,
        request: Request,
        defaults: Mapping[str, Any],
        known: KnownLimitations,
        *,
        is_openai: bool,
        api: ApiName | None = None,
    ) -> None:
        self._request, self._defaults, self._known = request, defaults, known
        self._is_openai = is_openai
        self._is_switched = api is not None
        self._setting = api_setting(request, defaults)
        self.api: Api = _APIS[api or self._suitable_api()]

    def body(self) -> dict[str, JSONValue]:
        """The JSON document that is sent, as the model is known to accept it.

        Raises:
            RequestRejected: The API has no place for something that was asked for.
        """
        body = self.api.body(self._request, self._defaults)
        if self._is_openai and self._request.cache is not None:
            body.setdefault("prompt_cache_key", self._request.cache.key)
        return self._known.adapt(self.api, body)

    def in_other_api(self, message: str, status: int) -> Translation | None:
        """The request for the other API, where an error says that only that one has the model.

        Args:
            message: What the server says.
            status: The HTTP status.
        """
        is_free = self._setting == "auto" and not self._is_switched and status in {400, 404}
        if not (is_free and _OTHER_API[self.api.name].search(message)):
            return None
        if self.api.name == "chat" and needs_chat(self._request, self._defaults):
            return None
        return Translation(
            self._request,
            self._defaults,
            self._known,
            is_openai=self._is_openai,
            api="chat" if self.api.name == "responses" else "responses",
        )

    def _suitable_api(self) -> ApiName:
        if self._setting != "auto":
            return self._setting
        if only := self._known.only_api(self._request.model):
            return only
        if not self._is_openai or needs_chat(self._request, self._defaults):
            return "chat"
        return "responses"
