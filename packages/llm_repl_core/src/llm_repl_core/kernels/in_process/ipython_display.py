"""Has IPython's display functions show what a cell shows where the cell's ``display`` does.

They are one for the process: without a running IPython they print, and within one, as in Jupyter,
they show in whatever cell of that runs. While cells run here, calls from a cell's context go to its
kernel; all others go where they went.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from llm_repl_core.kernels.in_process.displaying import Displayer
from llm_repl_core.kernels.in_process.formatting import running_shell

__all__ = ["IPythonDisplay"]

_MODULES = ("IPython.display", "IPython.core.display_functions")
_FUNCTIONS = ("display", "update_display", "clear_output", "publish_display_data")


class IPythonDisplay:
    """Puts what finds the right kernel in the place of IPython's own, and takes it away again.

    Args:
        find: The displayer of the cell in whose context it is called; None: no cell's.
    """

    def __init__(self, find: Callable[[], Displayer | None]) -> None:
        self._find = find
        self._replaced: list[tuple[Any, str, Any]] = []

    def install(self, code: str) -> None:
        """Take over, where IPython is there or the code will import it.

        Args:
            code: Of the cell that is about to run.
        """
        if "IPython" in code:
            with suppress(ImportError):
                importlib.import_module("IPython.display")
        if self._replaced or "IPython.core.display_functions" not in sys.modules:
            return
        for name in _FUNCTIONS:
            plain: Any = getattr(sys.modules[_MODULES[1]], name)
            for module_name in _MODULES:
                module: Any = sys.modules.get(module_name)
                if getattr(module, name, None) is plain:
                    self._replace(module, name, self._routed(name, plain))
        shell = running_shell()
        if shell is not None:
            # Whoever has imported the functions before calls this in the end.
            self._replace(shell, "display_pub", self._publisher(shell.display_pub))

    def remove(self) -> None:
        """Put IPython's own back."""
        for owner, name, plain in reversed(self._replaced):
            setattr(owner, name, plain)
        self._replaced.clear()

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def _routed(self, name: str, plain: Any) -> Callable[..., Any]:
        @functools.wraps(plain)
        def call(*values: Any, **options: Any) -> Any:
            displayer = self._find()
            own: Any = plain if displayer is None else getattr(displayer, name)
            return own(*values, **options)

        return call

    def _publisher(self, plain: Any) -> Any:
        from IPython.core.displaypub import DisplayPublisher  # heavy; it is there already here

        find = self._find

        class RoutedPublisher(DisplayPublisher):
            """Publishes what a cell shows to the cell's kernel."""

            def _setup_execution_tracking(self) -> None:
                """The plain publisher has done that."""

            def publish(self, *values: Any, **options: Any) -> None:
                displayer = find()
                (displayer.publish_display_data if displayer else plain.publish)(*values, **options)

            def clear_output(self, wait: bool = False) -> None:
                (find() or plain).clear_output(wait)

            def __getattr__(self, name: str) -> Any:
                return getattr(plain, name)

        make: Any = RoutedPublisher
        return make(shell=plain.shell)
