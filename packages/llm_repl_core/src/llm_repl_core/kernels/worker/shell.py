"""IPython's shell, with its faces turned to a worker's outputs instead of a terminal."""

from __future__ import annotations

import builtins
import traceback
import warnings
from typing import Any

from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from llm_repl_core.kernels.coroutine_cell import CoroutineRunner
from llm_repl_core.kernels.values import exception_text
from llm_repl_core.kernels.worker.capture import Capture

__all__ = ["WorkerShell", "make_shell"]

_EXIT_SENTENCE = (
    "exit() does not end a notebook's kernel: shut the kernel down, or restart it, instead."
)
_INPUT_SENTENCE = (
    "input() does not work in a cell, as nobody can answer it: assign the value instead."
)
_RESULTS = ("_", "__", "___")


class _Exit(ExitAutocall):
    """What ``exit`` and ``quit`` are in a cell."""

    def __call__(self, code: object = None, /) -> None:
        raise SystemExit(_EXIT_SENTENCE)

    def __repr__(self) -> str:
        return _EXIT_SENTENCE


class _ResultHook(DisplayHook):
    """Shows the value of a cell's last expression."""

    def quiet(self) -> bool:
        """Whether a semicolon at the end asks not to show it."""
        code = self.shell.code
        return ";" in code and bool(self.semicolon_at_end_of_expression(code))

    def __call__(self, result: Any = None) -> None:
        """Show a value, unless it is None, and remember it as ``_``."""
        if result is None or self.quiet():
            return
        data, metadata = self.compute_format_data(result)
        self._remember(result)
        self.fill_exec_result(result)
        if data:
            self.shell.publish(data, metadata)

    def _remember(self, result: Any) -> None:
        # As in IPython: unless somebody else has set one of the names.
        names = self.shell.user_ns
        if all(names.get(name) is getattr(self, name) for name in _RESULTS):
            self.___, self.__, self._ = self.__, self._, result
            names.update({name: getattr(self, name) for name in _RESULTS})


class _Publisher(DisplayPublisher):
    """Shows what ``display()`` is given."""

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        """Show a MIME bundle."""
        self.shell.publish(data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:
        """What was shown stays shown."""


class WorkerShell(InteractiveShell):
    """An `InteractiveShell` whose outputs go to a `Capture`."""

    displayhook_class = Type(_ResultHook)
    display_pub_class = Type(_Publisher)

    capture: Capture | None = None
    code = ""

    def run(self, code: str) -> tuple[str, str, list[str]] | None:
        """Run a cell.

        Args:
            code: Its source, magics and all.

        Returns:
            None where it ended well; else the exception's class name, its text and the
            traceback's lines.
        """
        self.code = code
        self._failure: tuple[str, str, list[str]] | None = None
        result = self.run_cell(code, store_history=False)
        self.execution_count += 1
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return self._failure
        if self._failure is None:
            lines = traceback.format_exception_only(error)
            self._failure = (type(error).__name__, exception_text(error), _split(lines))
        return self._failure

    def publish(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Show a MIME bundle."""
        if self.capture is not None:
            self.capture.buffer.display(data, metadata)
            self.capture.after_display()

    def begin_afresh(self) -> None:
        """Forget what running in the zygote has left."""
        for name in [name for name in self.user_ns if name not in self.user_ns_hidden]:
            if not name.startswith("__") or name == "__":
                del self.user_ns[name]
        self.displayhook._ = self.displayhook.__ = self.displayhook.___ = ""
        self.user_ns.update(dict.fromkeys(_RESULTS, ""))
        self.execution_count = 1
        self.user_ns["exit"] = self.user_ns["quit"] = self.exiter = _Exit()
        self.user_ns_hidden.update({"exit": self.exiter, "quit": self.exiter})
        builtins.input = _refuse_input
        # It says how to leave a terminal.
        warnings.filterwarnings("ignore", message="To exit: use 'exit'")

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **options: Any) -> None:
        """Keep the exception for the cell's end; groups, which IPython prints, too."""
        try:
            kind, error, trace = self._get_exc_info(exc_tuple)
        except ValueError:
            return
        if _has_group(error):
            self._showtraceback(kind, error, _group_lines(error))
            return
        super().showtraceback((kind, error, trace), *args, **options)

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        """Keep what is shown of an exception for the cell's end."""
        self._failure = (etype.__name__, exception_text(evalue), _split(stb))

    def show_usage_error(self, exc: BaseException) -> None:
        """A magic was used in a wrong way."""
        text = exception_text(exc)
        self._failure = ("UsageError", text, [f"UsageError: {text}"])

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window in a worker, so there is nothing to do."""

    def ask_exit(self) -> None:
        """Say how a kernel ends."""
        raise SystemExit(_EXIT_SENTENCE)

    def init_virtualenv(self) -> None:
        """The worker runs in the environment that it was started in."""


def make_shell() -> WorkerShell:
    """The shell of a zygote, from which every worker's begins. It has no thread."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0
    config.InteractiveShell.banner1 = ""
    shell = WorkerShell.instance(config=config)
    shell.loop_runner = CoroutineRunner().run
    # What the first cells would import is in memory then before any worker is made.
    for code in ("1 + 1", "1 / 0", "%pwd", "[print]"):
        shell.run(code)
    return shell


def _refuse_input(prompt: object = "", /) -> str:
    raise StdinNotImplementedError(_INPUT_SENTENCE)


def _has_group(error: BaseException | None) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, BaseExceptionGroup):
            return True
        seen.add(id(error))
        error = error.__context__
    return False


def _group_lines(error: BaseException) -> list[str]:
    shown = traceback.TracebackException.from_exception(error)
    frames = list(shown.stack)
    first = next((i for i, frame in enumerate(frames) if "ipython-input" in frame.filename), 0)
    shown.stack = traceback.StackSummary.from_list(frames[first:])
    return list(shown.format())


def _split(lines: list[str]) -> list[str]:
    return "\n".join(line.rstrip("\n") for line in lines).split("\n")
