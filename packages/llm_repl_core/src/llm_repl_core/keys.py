"""Where the keys of providers are kept: the environment first, else a file of their owner's."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from llm_repl_core.errors import (
    FileMissing,
    InvalidInput,
    InvalidSetting,
    LLMReplError,
    StorageError,
)
from llm_repl_core.files import read_bytes, write_atomically
from llm_repl_core.providers.secret import Secret
from llm_repl_core.settings import config_folder

__all__ = ["Keys"]

_READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LIMIT_BYTES = 1_000_000


class _Entry(Struct, omit_defaults=True):
    key: str
    base_url: str | None = None

    def __repr__(self) -> str:
        return f"_Entry('…', {self.base_url!r})"  # what is shown may be logged


class Keys:
    """The keys of providers.

    A key belongs to the server that it was set for: one that was set with a ``base_url`` is sent
    there only, and one that was set without is never sent to a ``base_url`` chosen at run time.
    Otherwise, whoever may choose the provider could have the key sent to a server of theirs.

    Args:
        path: The file; ``keys.json`` in the configuration folder by default.
        environ: The environment; the process's own by default.
    """

    def __init__(
        self, path: Path | None = None, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self._path = path
        self._environ = os.environ if environ is None else environ

    @property
    def path(self) -> Path:
        """The file, which need not exist."""
        return self._path or config_folder() / "keys.json"

    def find(
        self, provider: str, variable: str | None, *, base_url: str | None, trusted_url: bool
    ) -> Secret | None:
        """The key of a provider, or None.

        Args:
            provider: The provider's name.
            variable: The environment variable that may hold its key.
            base_url: Where the key would be sent; None: the provider's own server.
            trusted_url: Whether that is the operator's choice (settings), not a client's.
        """
        key = self._environ.get(variable, "").strip() if variable else ""
        if key and (base_url is None or trusted_url):
            return Secret(key)
        entry = self._read().get(provider)
        if entry is None:
            return None
        bound = _same_server(entry.base_url, base_url)
        return Secret(entry.key) if bound or (trusted_url and not entry.base_url) else None

    def set(self, provider: str, key: str, *, base_url: str | None = None) -> None:
        """Keep a key in the file, whose mode is 0600 from its first byte on.

        Raises:
            InvalidInput: The key is empty or has a character that no HTTP header can carry.
            StorageError: The file cannot be written.
        """
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise InvalidInput(
                f"The key for `{provider}` must be one line of printable ASCII characters."
            )
        entries = self._read() | {provider: _Entry(key, base_url)}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {self.path.parent} cannot be made: {error.strerror}."
            ) from None
        write_atomically(self.path, msgspec.json.encode(entries), mode=0o600)

    def sources(self, variables: Mapping[str, str | None]) -> dict[str, str]:
        """Where each provider's key comes from: ``environment`` or ``file``. Never a key.

        Args:
            variables: Provider's name to the environment variable of its key.
        """
        found = dict.fromkeys(self._read(), "file")
        for provider, variable in variables.items():
            if variable and self._environ.get(variable, "").strip():
                found[provider] = "environment"
        return found

    def _read(self) -> dict[str, _Entry]:
        try:
            data = read_bytes(self.path, _LIMIT_BYTES)
            mode = self.path.stat().st_mode
        except (FileMissing, FileNotFoundError):
            return {}
        except (LLMReplError, OSError) as error:
            raise InvalidSetting(f"The keys file cannot be used: {error}") from None
        if os.name == "posix" and mode & _READABLE_BY_OTHERS:
            raise InvalidSetting(
                f"The keys file {self.path} can be read by others: run `chmod 600 {self.path}`."
            )
        try:
            return msgspec.json.decode(data, type=dict[str, _Entry])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The decoder's own message could quote a key.
            raise InvalidSetting(
                f"The keys file {self.path} is damaged: it must be a JSON object of "
                '`"provider": {"key": …}`.'
            ) from None


def _same_server(one: str | None, other: str | None) -> bool:
    return (one or "").rstrip("/") == (other or "").rstrip("/")
