"""Changes modules of libraries when code imports them. Stands alone: Jupyter kernels get it as text."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
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

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """What `sys.meta_path` asks: the module as the others find it, and then a call."""
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run_module = loader.exec_module

            def run_and_tell(module: Any) -> None:
                run_module(module)
                self._function(module)

            loader.exec_module = run_and_tell
        return spec
