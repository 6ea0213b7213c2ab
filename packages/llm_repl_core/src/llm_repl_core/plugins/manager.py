"""The plugin manager: an application has one, and nothing else holds plugins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from msgspec import Struct

from llm_repl_core.errors import LLMReplError, PluginError
from llm_repl_core.plugins import hookspecs
from llm_repl_core.plugins.markers import ENTRY_POINT_GROUP

__all__ = ["PluginFailure", "PluginInfo", "PluginManager"]

_log = logging.getLogger(__name__)


class PluginInfo(Struct, frozen=True):
    """A plugin that is in use.

    Attributes:
        name: The entry point's name, or the one it was registered by.
        distribution: What to ``pip uninstall``; None for one that was registered by a program.
        version: Of the distribution.
    """

    name: str
    distribution: str | None = None
    version: str | None = None


class PluginFailure(Struct, frozen=True):
    """A plugin that could not be used, or a part of it.

    Attributes:
        name: The plugin's name.
        distribution: What to ``pip uninstall``, where known.
        error: One line of text.
    """

    name: str
    distribution: str | None
    error: str


class PluginManager:
    """Loads plugins and calls their hooks. What fails is reported by name and left out.

    Attributes:
        failures: What could not be used, in the order in which it was met.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self.failures: list[PluginFailure] = []

    @property
    def hook(self) -> Any:
        """Pluggy's relay: ``hook.llm_repl_formats()`` calls that hook of every plugin."""
        return self._manager.hook

    def register(self, plugin: object, name: str, *, info: PluginInfo | None = None) -> None:
        """Add a plugin: any object with functions that are marked as hooks.

        A hook that does not exist, or that takes an argument which it cannot have, is a failure
        of the plugin.
        """
        info = info or PluginInfo(name)
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.get_plugin(name) is plugin:
                self._manager.unregister(name=name)
            self._report(info, error)
            return
        self._infos[name] = info

    def load_entry_points(self) -> None:
        """Add every plugin that an installed distribution announces."""
        for entry_point in entry_points(group=ENTRY_POINT_GROUP):
            self._load(entry_point)

    def plugins(self) -> list[PluginInfo]:
        """The plugins in use, in the order of registration."""
        return list(self._infos.values())

    def collect(
        self, hook_name: str, key: Callable[[Any], str], *, reserved: Iterable[str] = ()
    ) -> dict[str, Any]:
        """What the plugins bring by a hook that returns an iterable, by name.

        A plugin whose hook raises, or that brings a name which is taken, is reported and the rest
        goes on.

        Args:
            hook_name: Such as ``llm_repl_providers``.
            key: The name of a thing that was brought.
            reserved: Names that nobody may bring.
        """
        found: dict[str, Any] = {}
        taken = set(reserved)
        for implementation in getattr(self.hook, hook_name).get_hookimpls():
            info = self._infos.get(implementation.plugin_name) or PluginInfo(
                implementation.plugin_name
            )
            try:
                for thing in implementation.function():
                    name = key(thing)
                    if name in taken or name in found:
                        raise PluginError(f"the name `{name}` is taken already")
                    found[name] = thing
            except Exception as error:  # noqa: BLE001  # a stranger's code may raise anything
                self._report(info, error)
        return found

    def notify(self, hook_name: str, **arguments: object) -> None:
        """Call a hook of every plugin; one that raises is logged by name and the rest go on."""
        for implementation in getattr(self.hook, hook_name).get_hookimpls():
            try:
                _call(implementation, arguments)
            except Exception:
                _log.exception("plugin %s failed in %s", implementation.plugin_name, hook_name)

    def implementations(self, hook_name: str) -> list[Callable[..., Any]]:
        """Each plugin's implementation of a hook, in the order of registration.

        Each takes the hook's arguments by name. One that raises does so as an `LLMReplError`:
        its own where it refuses, else a `PluginError` that names the plugin.
        """
        return [
            partial(_call_named, implementation, hook_name)
            for implementation in getattr(self.hook, hook_name).get_hookimpls()
        ]

    def _load(self, entry_point: EntryPoint) -> None:
        distribution = entry_point.dist
        info = PluginInfo(
            entry_point.name,
            distribution.name if distribution else None,
            distribution.version if distribution else None,
        )
        try:
            plugin = entry_point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # an import may do anything
            self._report(info, error)
            return
        self.register(plugin, entry_point.name, info=info)

    def _report(self, info: PluginInfo, error: BaseException) -> None:
        failure = PluginFailure(info.name, info.distribution, _one_line(error))
        self.failures.append(failure)
        _log.warning("plugin %s is left out: %s", failure.name, failure.error)


def _call_named(implementation: pluggy.HookImpl, hook_name: str, **arguments: object) -> Any:
    try:
        return _call(implementation, arguments)
    except LLMReplError:
        raise
    except Exception as error:
        raise PluginError(
            f"The plugin `{implementation.plugin_name}` failed in {hook_name}: {_one_line(error)}."
        ) from error


def _call(implementation: pluggy.HookImpl, arguments: dict[str, object]) -> Any:
    return implementation.function(*(arguments[name] for name in implementation.argnames))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, LLMReplError) else f"{type(error).__name__}: {text}"
