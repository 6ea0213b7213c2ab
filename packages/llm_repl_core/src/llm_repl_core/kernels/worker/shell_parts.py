"""The parts of IPython's shell that show something, or end something."""

from __future__ import annotations

from typing import Any

from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher

from llm_repl_core.kernels.pending import PendingVariables

__all__ = ["EXIT_SENTENCE", "RESULT_NAMES", "ExitRefusal", "Inputs", "Publisher", "ResultHook"]

EXIT_SENTENCE = (
    "exit() does not end a notebook's kernel: shut the kernel down, or restart it, instead."
)
RESULT_NAMES = ("_", "__", "___")
"""The variables of the last three values that were shown."""


_RESULTS_KEPT = 100
_INPUT_NAMES = ("_i", "_ii", "_iii")


class Inputs:
    """The sources of the cells that ran, as ``In``, ``_i`` and ``%history`` show them.

    IPython's own way of keeping them needs a database, or grows a queue for one.

    Args:
        shell: Whose history; it is switched off otherwise.
    """

    def __init__(self, shell: Any) -> None:
        self._names = shell.user_ns
        self._history = shell.history_manager
        self._current = ""

    def add(self, count: int, code: str) -> None:
        """Note a cell that is about to run."""
        for sources in self._lists():
            sources.extend([""] * (count + 1 - len(sources)))  # prompts have numbers, too
            sources[count] = code.rstrip("\n")
        last = [self._current, *(self._names.get(name, "") for name in _INPUT_NAMES)]
        self._current = code.rstrip("\n")
        self._names.update(zip(_INPUT_NAMES, last, strict=False))
        self._names[f"_i{count}"] = self._current

    def clear(self) -> None:
        """Forget them, and the results."""
        for sources in self._lists():
            sources[:] = [""]
        self._history.output_hist.clear()
        self._names.update(dict.fromkeys(_INPUT_NAMES, ""))
        self._current = ""

    def _lists(self) -> tuple[list[str], list[str]]:
        return self._history.input_hist_parsed, self._history.input_hist_raw


class ExitRefusal(ExitAutocall):
    """What ``exit`` and ``quit`` are in a cell."""

    def __call__(self, _code: object = None, /) -> None:
        """Say how a kernel ends."""
        raise SystemExit(EXIT_SENTENCE)

    def __repr__(self) -> str:
        return EXIT_SENTENCE


class ResultHook(DisplayHook):
    """Shows the value of a cell's last expression."""

    pending: PendingVariables | None = None
    """What prompts set, or will set."""

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
        self.remember(result)
        if self.exec_result is not None:
            self.exec_result.result = result
        if data:
            shell.publish(data, metadata, is_result=True)

    def remember(self, result: Any) -> None:
        """Have a value as ``_``; also one that no cell has shown, as an answer."""
        shell: Any = self.shell
        names: dict[str, Any] = shell.user_ns
        # As in IPython: unless somebody else has set one of the names.
        claimed = self.pending is not None and self.pending.results_are_claimed
        if not claimed and all(names.get(name) is getattr(self, name) for name in RESULT_NAMES):
            self.___, self.__, self._ = self.__, self._, result
            names.update({name: getattr(self, name) for name in RESULT_NAMES})
        results, count = names.get("_oh"), shell.execution_count
        if isinstance(results, dict):
            results[count] = names[f"_{count}"] = result
            if len(results) > _RESULTS_KEPT:
                oldest = next(iter(results))
                del results[oldest]
                names.pop(f"_{oldest}", None)


class Publisher(DisplayPublisher):
    """Shows what ``display()`` is given."""

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        *_: Any,
        transient: Any = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        """Show a MIME bundle."""
        display_id = (transient or {}).get("display_id")
        self.shell.publish(
            data,
            metadata or {},
            display_id=None if display_id is None else str(display_id),
            update=update,
        )

    def _setup_execution_tracking(self) -> None:
        """The history that this is for is switched off."""

    def clear_output(self, wait: bool = False) -> None:
        """Remove the outputs of the cell."""
        self.shell.clear_outputs(wait=wait)
