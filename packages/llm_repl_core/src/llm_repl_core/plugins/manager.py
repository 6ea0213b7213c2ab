"""The plugin manager: an application has one, and nothing else holds plugins."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pluggy
from msgspec import Struct

from llm_repl_core.errors import LLMReplError, PluginError
from llm_repl_core.plugins import hookspecs
from llm_repl_core.plugins.markers import ENTRY_POINT_GROUP

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["PluginFailure", "PluginInfo", "PluginManager"]

_OUR_PLUGINS = "llm-repl-providers"
"""The distribution that comes with the core."""

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
        self._implementations: dict[str, tuple[pluggy.HookImpl, ...]] = {}
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
            self._refuse_wrappers(plugin)
        except Exception as error:  # noqa: BLE001  # to look at a stranger's object may do anything
            if self._manager.get_plugin(name) is plugin and name not in self._infos:
                self._manager.unregister(name=name)
            self._report(info, error)
            return
        self._infos[name] = info
        self._implementations.clear()

    def load_entry_points(self) -> None:
        """Add every plugin that an installed distribution announces.

        Ours come first, so that nobody else's takes a name of theirs, then by name: the order is
        the same on every machine.
        """
        from importlib.metadata import entry_points  # 20 ms, and not every program asks

        found = entry_points(group=ENTRY_POINT_GROUP)
        for entry_point in sorted(
            found,
            key=lambda entry_point: (
                not _is_ours(entry_point),
                entry_point.name,
                entry_point.value,
            ),
        ):
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
        taken = dict.fromkeys(reserved, "")
        for implementation in self._in_order(hook_name):
            plugin_name = implementation.plugin_name
            info = self._infos.get(plugin_name) or PluginInfo(plugin_name)
            try:
                brought: Any = implementation.function()
                for contribution in brought:
                    try:
                        name = key(contribution)
                        _refuse_taken(name, taken)
                    except Exception as error:  # noqa: BLE001  # its other things are fine
                        self._report(info, error)
                    else:
                        taken[name] = f" by `{plugin_name}`"
                        found[name] = contribution
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's code
                self._report(info, error)
        return found

    def notify(self, hook_name: str, **arguments: object) -> None:
        """Call a hook of every plugin; one that raises is logged by name and the rest go on."""
        for implementation in self._in_order(hook_name):
            try:
                _call(implementation, arguments)
            except (Exception, SystemExit):  # noqa: BLE001  # a stranger's code
                _log.exception("plugin %s failed in %s", implementation.plugin_name, hook_name)

    def implementations(self, hook_name: str) -> list[Callable[..., Any]]:
        """Each plugin's implementation of a hook, in the order of registration.

        Each takes the hook's arguments by name. One that raises does so as an `LLMReplError`:
        its own where it refuses, else a `PluginError` that names the plugin.
        """
        return [
            partial(_call_named, implementation, hook_name)
            for implementation in self._in_order(hook_name)
        ]

    def around(
        self, hook_name: str, **arguments: object
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """The context managers of a hook, entered in the order of registration.

        One that raises does so as for `implementations`. None can hide that what it goes around
        failed, or was stopped.
        """
        implementations = self._in_order(hook_name)
        return _around_all(implementations, hook_name, arguments) if implementations else _NOTHING

    def _in_order(self, hook_name: str) -> tuple[pluggy.HookImpl, ...]:
        """A hook's implementations: the order of registration, but for ``tryfirst`` and such."""
        known = self._implementations.get(hook_name)
        if known is None:
            found = getattr(self.hook, hook_name).get_hookimpls()
            found.sort(key=lambda implementation: implementation.trylast - implementation.tryfirst)
            known = self._implementations[hook_name] = tuple(found)
        return known

    def _refuse_wrappers(self, plugin: object) -> None:
        for caller in self._manager.get_hookcallers(plugin) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin and (
                    implementation.wrapper or implementation.hookwrapper
                ):
                    raise PluginError(
                        f"{caller.name} is marked as a wrapper: use a hook that goes around"
                    )

    def _load(self, entry_point: EntryPoint) -> None:
        info = PluginInfo(entry_point.name)
        try:
            distribution = entry_point.dist
            if distribution is not None:
                info = PluginInfo(entry_point.name, distribution.name, distribution.version)
            if self._infos.get(info.name) == info:
                return  # it is in use: this is another application with the same manager
            plugin = entry_point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # an import may do anything
            self._report(info, error)
            return
        self.register(plugin, entry_point.name, info=info)

    def _report(self, info: PluginInfo, error: BaseException) -> None:
        failure = PluginFailure(info.name, info.distribution, _one_line(error))
        self.failures.append(failure)
        _log.warning("plugin %s is left out: %s", failure.name, failure.error)


class _Around:
    """A plugin's context manager, whose failures name the plugin."""

    def __init__(
        self, implementation: pluggy.HookImpl, hook_name: str, arguments: dict[str, object]
    ) -> None:
        self._implementation = implementation
        self._hook_name = hook_name
        self._arguments = arguments
        self._manager: Any = None

    async def __aenter__(self) -> None:
        with _named(self._implementation, self._hook_name):
            self._manager = _call(self._implementation, self._arguments)
            await type(self._manager).__aenter__(self._manager)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with _named(self._implementation, self._hook_name, inner=error):
                await type(self._manager).__aexit__(self._manager, kind, error, trace)
        except BaseException as raised:
            if raised is not error:
                raise


@contextlib.asynccontextmanager
async def _around_all(
    implementations: Iterable[pluggy.HookImpl], hook_name: str, arguments: dict[str, object]
) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for implementation in implementations:
            await stack.enter_async_context(_Around(implementation, hook_name, arguments))
        yield


_NOTHING = contextlib.nullcontext()


def _call_named(implementation: pluggy.HookImpl, hook_name: str, **arguments: object) -> Any:
    with _named(implementation, hook_name):
        return _call(implementation, arguments)


@contextlib.contextmanager
def _named(
    implementation: pluggy.HookImpl, hook_name: str, inner: BaseException | None = None
) -> Iterator[None]:
    """Name the plugin in what is raised; ``inner`` is not the plugin's and passes as it is."""
    try:
        yield
    except LLMReplError:
        raise
    except (Exception, SystemExit) as error:
        if error is inner:
            raise
        raise PluginError(
            f"The plugin `{implementation.plugin_name}` failed in {hook_name}: "
            f"{_one_line(error).rstrip('.')}."
        ) from error


def _is_ours(entry_point: EntryPoint) -> bool:
    return entry_point.dist is not None and entry_point.dist.name == _OUR_PLUGINS


def _refuse_taken(name: object, taken: Mapping[str, str]) -> None:
    if not isinstance(name, str) or not name:
        raise PluginError(f"the name {name!r} is not a text")
    if name in taken:
        raise PluginError(f"the name `{name}` is taken already{taken[name]}")


def _call(implementation: pluggy.HookImpl, arguments: dict[str, object]) -> Any:
    return implementation.function(*(arguments[name] for name in implementation.argnames))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, LLMReplError) else f"{type(error).__name__}: {text}"
