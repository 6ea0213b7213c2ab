"""Servers under names of one's own: of the settings, and of a file that programs may change."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from llm_repl_core.config_text import read_json
from llm_repl_core.errors import (
    Conflict,
    FileMissing,
    InvalidInput,
    InvalidSetting,
    LLMReplError,
    NotFound,
    ProviderNotFound,
    StorageError,
)
from llm_repl_core.files import read_bytes, write_atomically
from llm_repl_core.providers.base import Provider
from llm_repl_core.settings import CustomProvider, check_address, config_folder

__all__ = ["CUSTOM_NAME_PATTERN", "CustomProviders"]

CUSTOM_NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,49}$"
"""It stands before a slash in a cell's model, and in addresses."""

_FILE_NAME = "providers.json"
_LIMIT_BYTES = 1_000_000
_MOST = 100

_log = logging.getLogger(__name__)


class CustomProviders:
    """Where servers under names of one's own are kept.

    Those of the settings are the operator's, and changed there alone. The others stand in a file,
    ``providers.json`` in the configuration folder: no key is in it. Whoever may change it may be
    a client, so that a key goes only to the address that it was set for.

    Args:
        settings: Those of the settings, by name.
        path: The file; ``providers.json`` in the configuration folder by default.

    Raises:
        InvalidSetting: A name of the settings cannot be used, or the file cannot.
    """

    def __init__(
        self,
        settings: Mapping[str, CustomProvider] = MappingProxyType({}),
        path: Path | None = None,
    ) -> None:
        for name in settings:
            if not re.fullmatch(CUSTOM_NAME_PATTERN, name):
                raise InvalidSetting(f"`custom_providers`: {_name_rule(name)}")
        self._settings = dict(settings)
        self._path = path
        self._changing = threading.Lock()
        self._kept: dict[str, CustomProvider] = self._read()

    @property
    def path(self) -> Path:
        """The file, which need not exist."""
        return self._path or config_folder() / _FILE_NAME

    def get(self, name: str) -> CustomProvider | None:
        """The server of that name, or None."""
        return self._settings.get(name) or self._kept.get(name)

    def is_operators(self, name: str) -> bool:
        """Whether the settings say where the server of that name is."""
        return name in self._settings

    def classes(self, installed: Mapping[str, type[Provider]]) -> dict[str, type[Provider]]:
        """A class of providers for each name.

        Args:
            installed: The installed providers, which keep their names.

        Raises:
            InvalidSetting: One of the settings cannot be used.
        """
        for name, provider in self._settings.items():
            if name in installed:
                raise InvalidSetting(
                    f"`custom_providers` has `{name}`, which is the name of an installed provider: "
                    "take another name."
                )
            if provider.type not in installed:
                raise InvalidSetting(
                    f"`custom_providers`: `{name}` has the type `{provider.type[:80]}`; installed "
                    f"are {', '.join(installed)}."
                )
        made: dict[str, type[Provider]] = {}
        for name, provider in {**self._kept, **self._settings}.items():
            # Of the file: a plugin that is gone, or has come, must not keep a server from starting.
            if name in installed or provider.type not in installed:
                _log.warning("the provider `%s` in %s is passed over", name, self.path)
                continue
            made[name] = _named(name, provider, installed[provider.type])
        return made

    def refresh(self) -> bool:
        """Read the file anew, which another program may have changed; say whether one has.

        Raises:
            InvalidSetting: It cannot be used.
        """
        with self._changing:
            before, self._kept = self._kept, self._read()
            return self._kept != before

    def set(self, name: str, provider: CustomProvider, installed: Mapping[str, object]) -> None:
        """Keep a server under a name, in the place of the one that had it.

        Args:
            name: The name.
            provider: Where it is, without ``key_variable``.
            installed: The names of the installed providers.

        Raises:
            InvalidInput: The name or the address cannot be used, or there are too many.
            ProviderNotFound: Nothing of that type is installed.
            Conflict: The settings say it.
            StorageError: The file cannot be written.
        """
        if not re.fullmatch(CUSTOM_NAME_PATTERN, name):
            raise InvalidInput(_name_rule(name))
        if name in installed:
            raise InvalidInput(
                f"`{name}` is the name of an installed provider: take another name for your server."
            )
        if provider.type not in installed:
            raise ProviderNotFound(
                f"There is no provider `{provider.type[:80]}` to speak with the server; installed "
                f"are {', '.join(f'`{known}`' for known in installed)}."
            )
        check_address(provider.base_url, "`base_url`")
        self._refuse_operators(name)
        with self._changing:
            kept = self._read()
            if len(kept) >= _MOST and name not in kept:
                raise InvalidInput(f"There are {_MOST} servers already: remove one first.")
            kept[name] = msgspec.structs.replace(provider, key_variable=None)
            self._write(kept)

    def remove(self, name: str) -> None:
        """Forget the server of a name.

        Raises:
            NotFound: There is none.
            Conflict: The settings say it.
            StorageError: The file cannot be written.
        """
        self._refuse_operators(name)
        with self._changing:
            kept = self._read()
            if name not in kept:
                raise NotFound(f"There is no server of your own called `{name[:80]}`.")
            del kept[name]
            self._write(kept)

    def _refuse_operators(self, name: str) -> None:
        if name in self._settings:
            raise Conflict(
                f"The settings say where `{name}` is (`custom_providers`): change it there."
            )

    def _read(self) -> dict[str, CustomProvider]:
        path = self.path
        try:
            entries = msgspec.convert(
                read_json(read_bytes(path, _LIMIT_BYTES)), dict[str, CustomProvider]
            )
        except FileMissing:
            return {}
        except LLMReplError as error:
            raise InvalidSetting(f"The file of servers cannot be used: {error}") from None
        except ValueError:
            raise InvalidSetting(
                f"The file {path} is damaged: it must be a JSON object of "
                '`"name": {"base_url": …}`. Repair it, or delete it.'
            ) from None
        for name, provider in entries.items():
            if not re.fullmatch(CUSTOM_NAME_PATTERN, name):
                raise InvalidSetting(f"The file {path} cannot be used: {_name_rule(name)}")
            check_address(provider.base_url, f"The `base_url` of `{name}` in {path}")
        return {
            name: msgspec.structs.replace(provider, key_variable=None)
            for name, provider in entries.items()
        }

    def _write(self, kept: Mapping[str, CustomProvider]) -> None:
        path = self.path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {path.parent} cannot be made: {error.strerror}."
            ) from None
        entries = {
            name: {"base_url": each.base_url, "model": each.model, "type": each.type}
            for name, each in kept.items()
        }
        write_atomically(path, msgspec.json.format(msgspec.json.encode(entries)), mode=0o600)
        self._kept = dict(kept)


def _named(name: str, provider: CustomProvider, base: type[Provider]) -> type[Provider]:
    """The class of an installed provider, under a name and with defaults of one's own."""
    return type(
        base.__name__,
        (base,),
        {
            "__module__": base.__module__,
            "__doc__": base.__doc__,
            "name": name,
            "default_model": provider.model or base.default_model,
            "key_variable": provider.key_variable,
        },
    )


def _name_rule(name: str) -> str:
    return (
        f"`{name[:80]}` cannot name a server: take up to 50 small letters, digits, dots, hyphens "
        "and underscores, a letter or digit first."
    )
