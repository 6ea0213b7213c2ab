"""The providers of an application: made when they are first asked for, closed with it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.errors import InvalidSetting, LLMReplError, ProviderError, ProviderNotFound
from llm_repl_core.keys import Keys
from llm_repl_core.providers.base import Provider, ProviderConfig
from llm_repl_core.providers.secret import Redactor, Secret, redact

__all__ = ["Providers"]

T = TypeVar("T")


class Providers:
    """Finds providers by name, and gives each its key and nothing of the others'.

    Args:
        classes: By name.
        keys: Where the keys are kept.
        choice: The default, whose ``base_url`` goes to that provider only.
        timeout_s: How long a call waits for the next piece of an answer.
        options: Of each provider, by its name; those of a request override them.

    Raises:
        InvalidSetting: There are options for a provider that is not installed.
    """

    def __init__(
        self,
        classes: Mapping[str, type[Provider]],
        *,
        keys: Keys,
        choice: ProviderChoice,
        timeout_s: float = 120.0,
        options: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        for name in sorted(options.keys() - classes.keys()):
            raise InvalidSetting(
                f"`provider_options` has options for `{name}`, which is no provider here; there are: "
                f"{', '.join(sorted(classes))}."
            )
        self._classes = dict(classes)
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
        return Providers(
            self._classes,
            keys=self._keys,
            choice=self._choice,
            timeout_s=self._timeout_s,
            options=self._options,
        )

    def names(self) -> list[str]:
        """The names, in the order of registration."""
        return list(self._classes)

    def key_variables(self) -> dict[str, str | None]:
        """Each provider's environment variable for its key."""
        return {name: cls.key_variable for name, cls in self._classes.items()}

    def require(self, name: str) -> type[Provider]:
        """The class of that name.

        Raises:
            ProviderNotFound: There is none; the message says which there are.
        """
        if name not in self._classes:
            close = difflib.get_close_matches(name, self._classes, n=1)
            hint = f" Did you mean `{close[0]}`?" if close else ""
            raise ProviderNotFound(
                f"There is no provider `{name}`; installed are "
                f"{', '.join(f'`{known}`' for known in self._classes) or 'none'}.{hint}"
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

    def _make(self, provider_class: type[Provider]) -> Provider:
        chosen = self._choice if self._choice.name == provider_class.name else ProviderChoice()
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
            text = redact(f"{type(error).__name__}: {error}", api_key)
            failure = ProviderError(f"The provider `{provider_class.name}` cannot be used: {text}")
        # Out here, so that it carries no context: the frames of the error may hold the key.
        raise failure
