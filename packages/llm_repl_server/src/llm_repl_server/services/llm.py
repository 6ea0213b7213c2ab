"""Which providers there are, and which one answers by default."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from msgspec import Struct

from llm_repl_core import Application, InvalidInput, LLMReplError
from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.model.json_value import JSONValue
from llm_repl_server.services.providers import (
    BASE_URL_PATTERN,
    ProviderDetails,
    ProviderService,
)
from llm_repl_server.storage.changes import PutSetting
from llm_repl_server.storage.store import Store

__all__ = ["LLMService", "ProviderList"]

_SETTING = "provider"

_log = logging.getLogger(__name__)


class CurrentProvider(Struct, frozen=True, kw_only=True):
    """The default provider."""

    type: str
    model: str | None
    base_url: str | None


class ProviderList(Struct, frozen=True, kw_only=True):
    """The providers, and the default one."""

    providers: list[str]
    current: CurrentProvider
    details: list[ProviderDetails]


class LLMService:
    """What clients do with providers. The choice is kept in the database, its key in the keys file.

    Args:
        application: Has the providers.
        store: Where the choice is kept.
        single: Knows each provider.
    """

    def __init__(self, application: Application, store: Store, single: ProviderService) -> None:
        self._single = single
        self._providers = application.providers
        self._keys = application.keys
        self._settings = application.settings
        self._store = store
        self._warming: asyncio.Future[None] | None = None
        self._choosing = asyncio.Lock()
        """Of two choices the later one stays, whatever their servers take to say what they offer."""

    def restore(self) -> None:
        """Take up the choice that was kept; one whose provider is gone is passed over."""
        kept = self._store.load_settings().get(_SETTING)
        if not isinstance(kept, dict) or kept.get("name") not in self._providers.names():
            return
        base_url = _text(kept, "base_url")  # an earlier version took some that hold a key
        if base_url is None or re.fullmatch(BASE_URL_PATTERN, base_url):
            self._providers.choose(
                self._choice(str(kept["name"]), _text(kept, "model"), _text(kept, "base_url"))
            )

    async def warm(self) -> None:
        """Have the chosen provider load what is heavy, so that the first prompt does not wait."""
        name = self._providers.choice.name
        try:
            await asyncio.to_thread(self._providers.get(name).warm)
        except LLMReplError as error:
            # Whoever sends it a prompt is told.
            _log.debug("the provider %s is not ready: %s", name, error)
        except Exception:  # noqa: BLE001  # a plugin's code may raise anything
            _log.warning("the provider %s could not be made ready", name, exc_info=True)

    async def providers(self) -> ProviderList:
        """Each provider, and the present choice. Never a key."""
        details = await self._single.describe_all()
        choice = self._providers.choice
        return ProviderList(
            providers=self._providers.names(),
            current=CurrentProvider(type=choice.name, model=choice.model, base_url=choice.base_url),
            details=details,
        )

    async def choose(
        self, name: str, *, api_key: str | None, base_url: str | None, model: str | None
    ) -> None:
        """Make a provider the default, for as long as nobody chooses another.

        Args:
            name: The provider's name.
            api_key: A key to keep for it, in the keys file and nowhere else.
            base_url: Where its server is; None: its own.
            model: Its model; None: its default, or the first that a server at `base_url` offers.

        Raises:
            ProviderNotFound: There is none of that name.
            InvalidInput: The address or the key cannot be used.
            StorageError: The choice cannot be kept.
        """
        self._providers.require(name)
        if base_url is not None and not re.fullmatch(BASE_URL_PATTERN, base_url):
            raise InvalidInput(
                "`base_url` must be an address that begins with http:// or https://, and holds "
                "neither a user nor a password, nor ? or #; a key goes into `api_key`."
            )
        if api_key and api_key.strip():
            await asyncio.to_thread(self._keys.set, name, api_key, base_url=base_url)
        async with self._choosing:
            if base_url is not None and model is None:
                model = await self._single.offered_instead(self._choice(name, None, base_url))
            kept: dict[str, JSONValue] = {"name": name, "model": model, "base_url": base_url}
            await asyncio.wrap_future(self._store.submit(PutSetting(_SETTING, kept)))
            self._providers.choose(self._choice(name, model, base_url))
        # Held on to, or it might be collected while it runs.
        self._warming = asyncio.ensure_future(self.warm())

    def _choice(self, name: str, model: str | None, base_url: str | None) -> ProviderChoice:
        trusted = base_url is None or base_url == self._settings.base_url
        return ProviderChoice(
            name=name,
            model=model,
            base_url=base_url,
            trusted_url=trusted,
            reasoning_effort=self._settings.reasoning_effort,
        )


def _text(kept: dict[str, Any], name: str) -> str | None:
    value = kept.get(name)
    return value if isinstance(value, str) else None
