"""The providers of an application: made when they are first asked for, closed with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from llm_repl_core.custom_providers import CustomProviders
from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.errors import InvalidSetting, LLMReplError, ProviderError, ProviderNotFound
from llm_repl_core.keys import Keys, KeySource
from llm_repl_core.providers.base import Provider, ProviderConfig
from llm_repl_core.providers.secret import Redactor, Secret, redact
from llm_repl_core.suggestions import did_you_mean

__all__ = ["Providers"]

T = TypeVar("T")


class Providers:
    """Finds providers by name, and gives each its key and nothing of the others'.

    Args:
        classes: Of the providers that are installed, by name.
        keys: Where the keys are kept.
        choice: The default, whose ``base_url`` goes to that provider only.
        timeout_s: How long a call waits for the next piece of an answer.
        options: Of each provider, by its name; those of a request override them.
        custom: Servers under names of their own; those of the file in the configuration folder where
            None.

    Raises:
        InvalidSetting: There are options for a provider that is not there, or a name of one's
            own cannot be used.
    """

    def __init__(
        self,
        classes: Mapping[str, type[Provider]],
        *,
        keys: Keys,
        choice: ProviderChoice,
        timeout_s: float = 120.0,
        options: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        custom: CustomProviders | None = None,
    ) -> None:
        self._installed = dict(classes)
        self.custom = custom or CustomProviders()
        self._classes = self._installed | self.custom.classes(self._installed)
        for name in sorted(options.keys() - self._classes.keys()):
            raise InvalidSetting(
                f"`provider_options` has options for `{name}`, which is no provider here; there are: "
                f"{', '.join(sorted(self._classes))}."
            )
        self._options = options
        self._keys = keys
        self._choice = choice
        self._timeout_s = timeout_s
        self._made: dict[str, Provider] = {}
        self._retired: list[Provider] = []
        self._redactor: Redactor | None = None

    @property
    def choice(self) -> ProviderChoice:
        """Who answers where neither cell nor notebook says it."""
        return self._choice

    @property
    def redactor(self) -> Redactor:
        """Takes the keys of all providers out of texts."""
        if self._redactor is None:
            self._redactor = Redactor(self._keys.secrets(self.key_variables().values()))
        return self._redactor

    def for_another_loop(self) -> Providers:
        """The same providers, made anew: a connection belongs to the event loop that made it."""
        return self.with_choice(self._choice)

    def with_choice(self, choice: ProviderChoice) -> Providers:
        """The same providers, made anew, where another answers by default."""
        return Providers(
            self._installed,
            keys=self._keys,
            choice=choice,
            timeout_s=self._timeout_s,
            options=self._options,
            custom=self.custom,
        )

    def names(self) -> list[str]:
        """The names: those that are installed, in the order of registration, then one's own."""
        return list(self._classes)

    def installed(self) -> list[str]:
        """The names of those that are installed."""
        return list(self._installed)

    def reload(self) -> None:
        """Take up what was changed of `custom`, and the keys that were set or removed."""
        self._classes = self._installed | self.custom.classes(self._installed)
        self.forget()

    def address(self, name: str) -> str | None:
        """Where a provider's server is, as far as it was chosen; None: its own.

        Raises:
            ProviderNotFound: There is none of that name.
        """
        return self._config_choice(self.require(name)).base_url

    def key_source(self, name: str) -> KeySource | None:
        """Where the key of a provider comes from that is sent with its next call; None: none is.

        Raises:
            ProviderNotFound: There is none of that name.
            InvalidSetting: The keys file cannot be used.
        """
        provider_class = self.require(name)
        chosen = self._config_choice(provider_class)
        return self._keys.source(
            name,
            provider_class.key_variable,
            base_url=chosen.base_url,
            trusted_url=chosen.trusted_url,
        )

    def set_key(self, name: str, key: str, *, base_url: str | None = None) -> None:
        """Keep a key of a provider in the keys file; `forget` has it used.

        Args:
            name: The provider's name.
            key: The key.
            base_url: The only server that it is sent to; None: the one that was chosen for it,
                and only where none was, the provider's own.

        Raises:
            ProviderNotFound: There is none of that name.
            InvalidInput: The key or the address cannot be used.
            StorageError: The file cannot be written.
        """
        self._keys.set(name, key, base_url=base_url or self.address(name))

    def has_keys(self, name: str) -> bool:
        """Whether the keys file has a key of a provider.

        Raises:
            InvalidSetting: The keys file cannot be used.
        """
        return any(source.provider == name for source in self._keys.sources({}))

    def remove_key(self, name: str, *, base_url: str | None = None) -> list[str | None]:
        """Take the keys of a provider out of the keys file; see `Keys.remove` and `forget`.

        Raises:
            NotFound: None is kept.
            StorageError: The file cannot be written.
        """
        return self._keys.remove(name, base_url=base_url)

    def key_variables(self) -> dict[str, str | None]:
        """Each provider's environment variable for its key."""
        return {name: cls.key_variable for name, cls in self._classes.items()}

    def require(self, name: str) -> type[Provider]:
        """The class of that name.

        Raises:
            ProviderNotFound: There is none; the message says which there are.
        """
        if name not in self._classes:
            raise ProviderNotFound(
                f"There is no provider `{name}`; installed are "
                f"{', '.join(f'`{known}`' for known in self._classes) or 'none'}."
                f"{did_you_mean(name, self._classes)}"
            )
        return self._classes[name]

    def get(self, name: str) -> Provider:
        """The provider of that name, made with its key where it has one.

        Raises:
            ProviderNotFound: There is none.
            ProviderError: It cannot be made.
            InvalidSetting: The keys file cannot be used.
        """
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(self.require(name))
        return made

    def check(self, name: str) -> None:
        """Refuse a provider that no call could succeed with, as far as that is known.

        Raises:
            ProviderNotFound: There is none.
            ProviderError: It cannot be used: its key is missing, for instance.
            InvalidSetting: The keys file, or an address, cannot be used.
        """
        self._use(self.require(name), lambda: self.get(name).check())

    def choose(self, choice: ProviderChoice) -> None:
        """Make another provider the default. Calls under way end with the one they began with.

        Raises:
            ProviderNotFound: There is none of that name; the old choice stays.
        """
        self.require(choice.name)
        self._choice = choice
        self.forget()

    def forget(self) -> None:
        """Make every provider anew when it is next asked for: a key or an address changed."""
        self._retired += self._made.values()
        self._made = {}
        self._redactor = None

    async def close(self) -> None:
        """Free the connections of all of them."""
        self.forget()
        while self._retired:
            await self._retired.pop().close()

    def failure(self, name: str, error: Exception) -> ProviderError:
        """What is told of an error of a provider's code that is none of ours; no key is in it."""
        return _unusable(name, self.redactor.text(_said(error)))

    def _make(self, provider_class: type[Provider]) -> Provider:
        chosen = self._config_choice(provider_class)
        key = self._keys.find(
            provider_class.name,
            provider_class.key_variable,
            base_url=chosen.base_url,
            trusted_url=chosen.trusted_url,
        )
        config = ProviderConfig(
            api_key=key,
            key_hint="" if key is not None else self._keys.why_missing(provider_class.name),
            base_url=chosen.base_url,
            model=chosen.model,
            timeout_s=self._timeout_s,
            options=dict(self._options.get(provider_class.name, {})),
        )
        return self._use(provider_class, lambda: provider_class(config), config.api_key)

    def _config_choice(self, provider_class: type[Provider]) -> ProviderChoice:
        """What was chosen for a provider: by whoever made it the default, else by its entry."""
        name = provider_class.name
        chosen = self._choice if self._choice.name == name else ProviderChoice()
        custom = self.custom.get(name)
        if custom is None or chosen.base_url is not None:
            return chosen
        return msgspec.structs.replace(
            chosen, base_url=custom.base_url, trusted_url=self.custom.is_operators(name)
        )

    @staticmethod
    def _use(
        provider_class: type[Provider], use: Callable[[], T], api_key: Secret | None = None
    ) -> T:
        failure: ProviderError
        try:
            return use()
        except LLMReplError:
            raise
        except Exception as error:  # noqa: BLE001  # a plugin's code may raise anything
            failure = _unusable(provider_class.name, redact(_said(error), api_key))
        # Out here, so that it carries no context: the frames of the error may hold the key.
        raise failure


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _unusable(name: str, text: str) -> ProviderError:
    return ProviderError(f"The provider `{name}` cannot be used: {text}")
