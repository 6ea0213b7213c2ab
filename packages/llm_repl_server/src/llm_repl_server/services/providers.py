"""What there is to know of each provider: whether it can answer, its key's origin, its models."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from llm_repl_core import Application, InvalidInput, LLMReplError
from llm_repl_core.custom_providers import CUSTOM_NAME_PATTERN
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.errors import (
    Conflict,
    KeyRejected,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
)
from llm_repl_core.providers.base import Provider
from llm_repl_core.settings import CustomProvider

__all__ = [
    "BASE_URL_PATTERN",
    "CustomName",
    "ModelList",
    "ProviderDetails",
    "ProviderKey",
    "ProviderService",
    "ProviderTrial",
]

BASE_URL_PATTERN = r"^https?://[!$-.0->A-~]+(?:/[!$->A-~]*)?$"
"""What is kept in the database and shown to clients: it must hold no password and no key."""

CustomName = Annotated[str, Meta(pattern=CUSTOM_NAME_PATTERN)]

_MOST_MODELS: Final = 1000
_MOST_NAME_CHARS: Final = 200
_TRIAL_LIMIT_S: Final = 10.0
_CHOICE_LIMIT_S: Final = 3.0
_OTHER_USES: Final = re.compile(r"embed|rerank|whisper|tts|moderation", re.IGNORECASE)
"""Models that answer no prompts."""


class ProviderKey(Struct, frozen=True, kw_only=True):
    """Where a provider's key comes from; the key itself is never told."""

    source: Annotated[
        Literal["environment", "file", "none"],
        Meta(description="`file`: the keys file, which only its owner can read."),
    ]
    variable: Annotated[
        str | None, Meta(description="The environment variable that may hold it; null: none.")
    ]
    is_needed: Annotated[
        bool, Meta(description="Whether it can't answer without one, as far as that is known.")
    ]


class ProviderDetails(Struct, frozen=True, kw_only=True):
    """A provider: whether it can answer, and where."""

    name: Annotated[str, Meta(description="As it stands before the slash in a cell's `model`.")]
    type: Annotated[str, Meta(description="The installed provider that speaks with the server.")]
    is_custom: Annotated[bool, Meta(description="Whether it is a server under a name of its own.")]
    is_fixed: Annotated[
        bool, Meta(description="Whether the settings say it, so that it is changed there alone.")
    ]
    is_ready: Annotated[
        bool, Meta(description="Whether nothing is known to be missing. Nobody was asked.")
    ]
    reason: Annotated[str | None, Meta(description="Why it can't answer, in a sentence.")]
    key: ProviderKey
    base_url: Annotated[str | None, Meta(description="Null: the provider's own.")]
    default_model: str


class ModelList(Struct, frozen=True, kw_only=True):
    """The models that a provider offers."""

    models: list[str]
    truncated: Annotated[bool, Meta(description="Whether there are more than are listed.")]


class ProviderTrial(Struct, frozen=True, kw_only=True):
    """What came of trying to reach a provider. No prompt was sent, and nothing paid."""

    works: bool
    message: Annotated[str, Meta(description="One sentence.")]
    code: Annotated[
        str | None, Meta(description="A code for programs, as errors have; null: it works.")
    ]
    model_count: int | None
    duration_s: float


class ProviderService:
    """What clients do with single providers, and with servers under names of their own.

    Args:
        application: Has the providers.
    """

    def __init__(self, application: Application) -> None:
        self._providers = application.providers
        self._changing = asyncio.Lock()

    async def describe_all(self) -> list[ProviderDetails]:
        """Each provider, in the order of `Providers.names`. Never a key."""
        # Another program may have given a server a name.
        if await asyncio.to_thread(self._providers.custom.refresh):
            self._providers.reload()
        return await self._describe(*self._providers.names())

    async def set_custom(
        self,
        name: str,
        *,
        base_url: str,
        model: str | None,
        provider_type: str,
        api_key: str | None,
    ) -> ProviderDetails:
        """Give a server a name, or change the one that has it.

        A key that was kept for another address is removed, so that no address gets another's.

        Raises:
            InvalidInput: The name, the address or the key cannot be used.
            ProviderNotFound: Nothing of that type is installed.
            Conflict: The settings say it.
            StorageError: It cannot be kept.
        """
        if not re.fullmatch(BASE_URL_PATTERN, base_url):
            raise InvalidInput(
                "`base_url` must be an address that begins with http:// or https://, and holds "
                "neither a user nor a password, nor ? or #; a key goes into `api_key`."
            )
        entry = CustomProvider(base_url=base_url, model=model or None, type=provider_type)
        async with self._changing:
            await asyncio.to_thread(self._set_custom, name, entry, api_key)
            self._follow(name)
        return (await self._describe(name))[0]

    async def remove_custom(self, name: str) -> None:
        """Forget a server, and its keys.

        Raises:
            ProviderNotFound: There is none of that name.
            Conflict: It is the default, or the settings say it.
            InvalidInput: It is an installed provider.
        """
        self._providers.require(name)
        if name in self._providers.installed():
            raise InvalidInput(f"`{name}` is installed, and can't be removed here; its key can.")
        if self._providers.choice.name == name:
            raise Conflict(f"`{name}` answers by default: choose another provider first.")
        async with self._changing:
            await asyncio.to_thread(self._remove_custom, name)
            self._providers.reload()

    async def set_key(self, name: str, key: str) -> ProviderDetails:
        """Keep a key in the keys file, for the address that the provider has now.

        Raises:
            ProviderNotFound: There is no such provider.
            InvalidInput: The key cannot be used.
            StorageError: It cannot be kept.
        """
        self._providers.require(name)
        async with self._changing:
            await asyncio.to_thread(self._providers.set_key, name, key)
            self._providers.forget()
        return (await self._describe(name))[0]

    async def remove_key(self, name: str) -> ProviderDetails:
        """Take the provider's keys out of the keys file. One in the environment stays.

        Raises:
            NotFound: There is no such provider, or no key of it is kept.
            StorageError: The file cannot be written.
        """
        self._providers.require(name)
        async with self._changing:
            await asyncio.to_thread(self._providers.remove_key, name)
            self._providers.forget()
        return (await self._describe(name))[0]

    async def models(self, name: str) -> ModelList:
        """The models that a provider offers, bounded.

        Raises:
            ProviderNotFound: There is no such provider.
            ProviderError: It cannot be asked, or does not answer in time.
        """
        names = await self._models(self._providers.get(name), _TRIAL_LIMIT_S)
        shown = [each[:_MOST_NAME_CHARS] for each in names[:_MOST_MODELS]]
        return ModelList(models=shown, truncated=len(names) > _MOST_MODELS)

    async def test(self, name: str) -> ProviderTrial:
        """Ask a provider for its models, to see whether it can be reached and takes the key.

        A server of one's own for which no model was named has the first that it offers as its
        default from then on.

        Raises:
            ProviderNotFound: There is no such provider.
        """
        self._providers.require(name)
        started_s = time.monotonic()
        names: list[str] | None = None
        failure: LLMReplError | None = None
        try:
            names = await self._models(self._providers.get(name), _TRIAL_LIMIT_S)
        except LLMReplError as error:
            failure = error
        duration_s = round(time.monotonic() - started_s, 3)
        if names is None:
            return ProviderTrial(
                works=False,
                message="" if failure is None else self._sentence(name, failure),
                code=None if failure is None else failure.code,
                model_count=None,
                duration_s=duration_s,
            )
        count = len(names)
        taken = await self._take_offered_model(name, names)
        default = "" if taken is None else f" By default, `{taken}` is asked."
        return ProviderTrial(
            works=True,
            message=f"It answers, and offers {count} {'model' if count == 1 else 'models'}.{default}",
            code=None,
            model_count=count,
            duration_s=duration_s,
        )

    async def _take_offered_model(self, name: str, offered: Sequence[str]) -> str | None:
        """Make an offered model the default of a server that has none of its own; which one."""
        custom = self._providers.custom
        entry = custom.get(name)
        if entry is None or entry.model or custom.is_operators(name) or not offered:
            return None
        chosen = self._instead_of_default(name, offered)
        if chosen is None:
            return None
        async with self._changing:
            if custom.get(name) != entry:
                return None  # it was changed while it was asked
            await asyncio.to_thread(self._set_custom, name, replace(entry, model=chosen), None)
            self._follow(name)
        return chosen

    async def offered_instead(self, choice: ProviderChoice) -> str | None:
        """The model to ask of a server with models of its own, where nobody has named one.

        Returns:
            The first that it offers and that answers prompts; None where the provider's default is
            among them, or where it does not say soon what it offers.

        Raises:
            ProviderNotFound: There is no such provider.
            InvalidSetting: The keys file cannot be used.
        """
        providers = self._providers.with_choice(choice)
        try:
            names = await self._models(providers.get(choice.name), _CHOICE_LIMIT_S)
        except ProviderError:
            return None  # whoever sends it a prompt is told
        finally:
            await providers.close()
        return self._instead_of_default(choice.name, names) if names else None

    def _instead_of_default(self, name: str, offered: Sequence[str]) -> str | None:
        if self._providers.require(name).default_model in offered:
            return None
        return next((each for each in offered if not _OTHER_USES.search(each)), offered[0])

    async def _models(self, provider: Provider, limit_s: float) -> list[str]:
        name = provider.name
        try:
            # What is heavy is loaded first: the time is the server's.
            await asyncio.to_thread(provider.warm)
            found = await asyncio.wait_for(provider.models(), limit_s)
        except TimeoutError:
            raise ProviderTimeout(f"`{name}` did not answer within {limit_s:g} s.") from None
        except LLMReplError:
            raise
        except Exception as error:  # noqa: BLE001  # a plugin's code may raise anything
            raise self._providers.failure(name, error) from None
        return [str(each) for each in found]

    def _sentence(self, name: str, failure: LLMReplError) -> str:
        if isinstance(failure, ProviderUnreachable):
            address = self._providers.get(name).server_address
            there = f"at {address}" if address else "there"
            return f"Nobody answers {there}. Is it started, and is this machine online?"
        text = self._providers.redactor.text(str(failure))
        if isinstance(failure, KeyRejected):
            return f"{text} Replace the key of `{name}`, or remove it."
        return text

    def _set_custom(self, name: str, entry: CustomProvider, api_key: str | None) -> None:
        providers = self._providers
        before = providers.custom.get(name)
        providers.custom.set(name, entry, dict.fromkeys(providers.installed()))
        if before is not None and before.base_url != entry.base_url:
            self._remove_keys(name)
        if api_key and api_key.strip():
            providers.set_key(name, api_key, base_url=entry.base_url)

    def _follow(self, name: str) -> None:
        """Take up the change, also where the server is the default: what was chosen was of before."""
        self._providers.reload()
        choice = self._providers.choice
        if choice.name == name:
            self._providers.choose(
                ProviderChoice(
                    name=name, model=choice.model, reasoning_effort=choice.reasoning_effort
                )
            )

    def _remove_custom(self, name: str) -> None:
        self._providers.custom.remove(name)
        self._remove_keys(name)

    def _remove_keys(self, name: str) -> None:
        if self._providers.has_keys(name):
            self._providers.remove_key(name)

    async def _describe(self, *names: str) -> list[ProviderDetails]:
        # A copy, as the keys file is read: not in the loop, whose providers are not for threads.
        copy = self._providers.for_another_loop()
        return await asyncio.to_thread(lambda: [_details(copy, name) for name in names])


def _details(providers: Providers, name: str) -> ProviderDetails:
    provider_class = providers.require(name)
    custom = providers.custom.get(name)
    reason, source, address = None, None, providers.address(name)
    try:
        source = providers.key_source(name)
        address = providers.get(name).server_address
        providers.check(name)
    except LLMReplError as error:
        reason = providers.redactor.text(str(error))
    chosen = providers.choice.model if providers.choice.name == name else None
    return ProviderDetails(
        name=name,
        type=name if custom is None else custom.type,
        is_custom=custom is not None,
        is_fixed=providers.custom.is_operators(name),
        is_ready=reason is None,
        reason=reason,
        key=ProviderKey(
            source="none" if source is None else "environment" if source.variable else "file",
            variable=provider_class.key_variable,
            is_needed=provider_class.key_variable is not None and address is None,
        ),
        base_url=address,
        default_model=chosen or provider_class.default_model,
    )
