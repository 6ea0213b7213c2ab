"""Changes modules of libraries when code imports them. Stands alone: Jupyter kernels get it as text."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import Any

__all__ = ["after_import"]


def after_import(name: str, function: Callable[[Any], None]) -> None:
    """Call a function with a module: now, or when it has been imported.

    Args:
        name: The module's.
        function: What is called, once.
    """
    module = sys.modules.get(name)
    if module is None:
        finder: Any = _AfterImport(name, function)
        sys.meta_path.insert(0, finder)
    else:
        function(module)


class _AfterImport:
    """Calls a function with a module when that has been imported."""

    def __init__(self, name: str, function: Callable[[Any], None]) -> None:
        self._name = name
        self._function = function
        self._asks_others = False

    def find_spec(
        self,
        name: str,
        path: Any = None,  # noqa: ARG002  # what import calls it with
        target: Any = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """What `sys.meta_path` asks: the module as the others find it, and then a call."""
        if name != self._name or self._asks_others:
            return None
        self._asks_others = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asks_others = False
        if spec is not None and hasattr(spec.loader, "exec_module"):
            loader: Any = _NotifyingLoader(spec.loader, self._notify)
            spec.loader = loader
        return spec

    def _notify(self, module: Any) -> None:
        # Only now: to ask whether there is such a module does not import it.
        with suppress(ValueError):
            sys.meta_path.remove(self)
        self._function(module)


class _NotifyingLoader:
    """Loads one module as another loader does, which may be that of many, and notifies of it."""

    def __init__(self, loader: Any, notify: Callable[[Any], None]) -> None:
        self._loader = loader
        self._notify = notify

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self._loader  # as if nobody had been between
        self._loader.exec_module(module)
        self._notify(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
