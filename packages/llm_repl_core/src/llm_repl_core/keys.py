"""Where the keys of providers are kept: the environment first, else a file of their owner's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from llm_repl_core.config_text import DoubledName, read_json
from llm_repl_core.errors import (
    FileMissing,
    InvalidInput,
    InvalidSetting,
    LLMReplError,
    NotFound,
    StorageError,
)
from llm_repl_core.files import read_bytes, write_atomically
from llm_repl_core.providers.secret import Secret
from llm_repl_core.settings import check_address, config_folder

__all__ = ["KeySource", "Keys"]

_READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LIMIT_BYTES = 1_000_000


class _KeyEntry(Struct, omit_defaults=True):
    key: str
    base_url: str | None = None
    others: tuple[_KeyEntry, ...] = ()
    """Of the same provider, for other servers."""

    def __repr__(self) -> str:
        return f"_KeyEntry('…', {self.base_url!r})"  # what is shown may be logged


class KeySource(Struct, frozen=True, kw_only=True):
    """Where there is a key.

    Attributes:
        provider: Whose.
        variable: The environment variable that holds it; None: it is in the file.
        base_url: The only server that it is sent to; None: the provider's own, and those that
            the operator chooses.
    """

    provider: str
    variable: str | None = None
    base_url: str | None = None


class Keys:
    """The keys of providers.

    A key belongs to the server that it was set for: one that was set with a ``base_url`` is sent
    there only, and there no other; one that was set without is never sent to a ``base_url`` that
    a client chooses. A provider may have several, one a server.
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
        found = self._find(provider, variable, base_url, trusted_url=trusted_url)
        return None if found is None else found[0]

    def source(
        self, provider: str, variable: str | None, *, base_url: str | None, trusted_url: bool
    ) -> KeySource | None:
        """Where the key comes from that `find` gives for the same, or None."""
        found = self._find(provider, variable, base_url, trusted_url=trusted_url)
        return None if found is None else found[1]

    def _find(
        self, provider: str, variable: str | None, base_url: str | None, *, trusted_url: bool
    ) -> tuple[Secret, KeySource] | None:
        kept = self._read().get(provider, ())
        bound = [entry for entry in kept if _same_server(entry.base_url, base_url)]
        if bound and base_url is not None:
            return _from_entry(provider, bound[0])  # no other key is meant for this server
        key = self._environ.get(variable, "").strip() if variable else ""
        if key and (base_url is None or trusted_url):
            return Secret(key), KeySource(provider=provider, variable=variable)
        general = [entry for entry in kept if not entry.base_url] if trusted_url else []
        found = [*bound, *general]
        return _from_entry(provider, found[0]) if found else None

    def why_missing(self, provider: str) -> str:
        """Where the keys go that are kept for a provider, in a sentence; empty where none is."""
        servers = [entry.base_url or "its own server" for entry in self._read().get(provider, ())]
        if not servers:
            return ""
        which = "The key that is kept for it goes" if len(servers) == 1 else "The kept ones go"
        return f"{which} to {' and '.join(servers)} only."

    def set(self, provider: str, key: str, *, base_url: str | None = None) -> None:
        """Keep a key in the file, whose mode is 0600 from its first byte on.

        It takes the place of the one that was kept for the same provider and address.

        Args:
            provider: The provider's name.
            key: The key.
            base_url: The only server that it is sent to; None: the provider's own, and those
                that the operator chooses.

        Raises:
            InvalidInput: The key is empty or has a character that no HTTP header can carry, or
                the address is none.
            StorageError: The file cannot be written.
        """
        if base_url is not None:
            check_address(base_url, "The address of a key")
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise InvalidInput(
                f"The key for `{provider}` must be one line of printable ASCII characters."
            )
        entries = self._read()
        others = [
            entry
            for entry in entries.get(provider, ())
            if not _same_server(entry.base_url, base_url)
        ]
        self._write(entries | {provider: (_KeyEntry(key, base_url), *others)})

    def remove(self, provider: str, *, base_url: str | None = None) -> list[str | None]:
        """Take keys of a provider out of the file.

        Args:
            provider: The provider's name.
            base_url: Of this server only; None: all of them.

        Returns:
            The servers whose keys are gone; None among them: the provider's own.

        Raises:
            NotFound: None is kept.
            StorageError: The file cannot be written.
        """
        entries = self._read()
        kept = entries.get(provider, ())
        gone = [
            entry for entry in kept if base_url is None or _same_server(entry.base_url, base_url)
        ]
        if not gone:
            where = f" for {base_url}" if base_url is not None else ""
            raise NotFound(f"No key for `{provider}` is stored{where} in {self.path}.")
        left = tuple(entry for entry in kept if entry not in gone)
        self._write({**entries, provider: left})
        return [entry.base_url for entry in gone]

    def _write(self, entries: Mapping[str, Sequence[_KeyEntry]]) -> None:
        written = {
            provider: msgspec.structs.replace(several[0], others=tuple(several[1:]))
            for provider, several in entries.items()
            if several
        }
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {self.path.parent} cannot be made: {error.strerror}."
            ) from None
        write_atomically(self.path, msgspec.json.encode(written), mode=0o600)

    def secrets(self, variables: Iterable[str | None]) -> list[Secret]:
        """Every key that there is, so that it can be taken out of what is shown or saved.

        Args:
            variables: The environment variables that may hold one.
        """
        texts = [self._environ.get(variable, "").strip() for variable in variables if variable]
        # Who needs a key of a file that cannot be used is told so; who only looks for keys is not.
        with suppress(InvalidSetting):
            texts += [entry.key for entries in self._read().values() for entry in entries]
        return [Secret(text) for text in texts if text]

    def sources(self, variables: Mapping[str, str | None]) -> list[KeySource]:
        """Where the keys come from, and where they go. Never a key.

        Args:
            variables: Provider's name to the environment variable of its key.
        """
        found = [
            KeySource(provider=provider, variable=variable)
            for provider, variable in variables.items()
            if variable and self._environ.get(variable, "").strip()
        ]
        for provider, entries in self._read().items():
            found += [KeySource(provider=provider, base_url=entry.base_url) for entry in entries]
        return sorted(
            found,
            key=lambda source: (source.provider, source.variable is None, source.base_url or ""),
        )

    def _read(self) -> dict[str, tuple[_KeyEntry, ...]]:
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
            entries = msgspec.convert(read_json(data), dict[str, _KeyEntry])
        # What is wrong with it is not quoted: it could be a key.
        except DoubledName:
            raise InvalidSetting(
                f"The keys file {self.path} has two entries with the same name: remove one of them."
            ) from None
        except ValueError:
            raise InvalidSetting(
                f"The keys file {self.path} is damaged: it must be a JSON object of "
                '`"provider": {"key": …}`.'
            ) from None
        return {
            provider: (msgspec.structs.replace(entry, others=()), *entry.others)
            for provider, entry in entries.items()
        }


def _from_entry(provider: str, entry: _KeyEntry) -> tuple[Secret, KeySource]:
    return Secret(entry.key), KeySource(provider=provider, base_url=entry.base_url)


def _same_server(one: str | None, other: str | None) -> bool:
    return (one or "").rstrip("/") == (other or "").rstrip("/")
