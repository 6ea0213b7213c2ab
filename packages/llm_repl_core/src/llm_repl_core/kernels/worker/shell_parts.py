"""The parts of IPython's shell that show something, or end something."""

from __future__ import annotations

from typing import Any

from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher

__all__ = ["EXIT_SENTENCE", "RESULT_NAMES", "ExitRefusal", "Publisher", "ResultHook"]

EXIT_SENTENCE = (
    "exit() does not end a notebook's kernel: shut the kernel down, or restart it, instead."
)
RESULT_NAMES = ("_", "__", "___")
"""The variables of the last three values that were shown."""


class ExitRefusal(ExitAutocall):
    """What ``exit`` and ``quit`` are in a cell."""

    def __call__(self, _code: object = None, /) -> None:
        """Say how a kernel ends."""
        raise SystemExit(EXIT_SENTENCE)

    def __repr__(self) -> str:
        return EXIT_SENTENCE


class ResultHook(DisplayHook):
    """Shows the value of a cell's last expression."""

    def quiet(self) -> bool:
        """Whether a semicolon at the end asks not to show it."""
        shell: Any = self.shell
        ends_with_semicolon: Any = self.semicolon_at_end_of_expression
        return ";" in shell.code and bool(ends_with_semicolon(shell.code))

    def __call__(self, result: Any = None) -> None:
        """Show a value, unless it is None, and remember it as ``_``."""
        if result is None or self.quiet():
            return
        shell: Any = self.shell
        data, metadata = shell.display_formatter.format(result)
        self._remember(shell.user_ns, result)
        if self.exec_result is not None:
            self.exec_result.result = result
        if data:
            shell.publish(data, metadata, is_result=True)

    def _remember(self, names: dict[str, Any], result: Any) -> None:
        # As in IPython: unless somebody else has set one of the names.
        if all(names.get(name) is getattr(self, name) for name in RESULT_NAMES):
            self.___, self.__, self._ = self.__, self._, result
            names.update({name: getattr(self, name) for name in RESULT_NAMES})


class Publisher(DisplayPublisher):
    """Shows what ``display()`` is given."""

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        """Show a MIME bundle."""
        self.shell.publish(data, metadata or {})

    def _setup_execution_tracking(self) -> None:
        """The history that this is for is switched off."""

    def clear_output(self, wait: bool = False) -> None:
        """What was shown stays shown."""
