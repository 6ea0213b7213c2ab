"""IPython's shell, with its faces turned to a worker's outputs instead of a terminal."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from llm_repl_core.kernels.coroutine_cell import CoroutineRunner
from llm_repl_core.kernels.figures import new_figures, open_figures
from llm_repl_core.kernels.no_stdin import refuse_input
from llm_repl_core.kernels.plotly_renderer import use_plotly_renderer
from llm_repl_core.kernels.programs import PLAIN_PAGERS, run_program_of_cell
from llm_repl_core.kernels.tqdm_text import use_text_bars
from llm_repl_core.kernels.user_frames import keep_user_frames, with_cell_names
from llm_repl_core.kernels.values import exception_text
from llm_repl_core.kernels.worker.capture import Capture
from llm_repl_core.kernels.worker.cell_origin import follow_threads
from llm_repl_core.kernels.worker.formatting import BundleFormatter, keep_format_error
from llm_repl_core.kernels.worker.shell_parts import (
    EXIT_SENTENCE,
    RESULT_NAMES,
    ExitRefusal,
    Inputs,
    Publisher,
    ResultHook,
)

__all__ = ["WorkerShell", "make_shell"]

_SPECIAL_SYNTAX = re.compile(r"[%!?]|>>>|\.\.\.|In \[|^\s*[/,;]|\A\s", re.MULTILINE)
"""Whatever IPython might see a magic, a shell command, a question or a prompt in; and more."""
_ASSIGNMENT = re.compile(r"[^\W\d]\w*\s*=[^=]")
"""The start of the one kind of single line in which IPython never sees a command."""


class WorkerShell(InteractiveShell):
    """An `InteractiveShell` whose outputs go to a `Capture`."""

    displayhook_class = Type(ResultHook)
    display_pub_class = Type(Publisher)

    kernel: None = None
    """Libraries take a shell without this attribute for a terminal's (pandas sees how wide it is)."""

    capture: Capture | None = None
    code = ""
    coroutines: CoroutineRunner
    displayhook: ResultHook
    inputs: Inputs
    _transformer_counts: tuple[int, ...] = ()

    def run(self, code: str, count: int | None = None) -> tuple[str, str, list[str]] | None:
        """Run a cell.

        Args:
            code: Its source, magics and all.
            count: The number that the notebook shows; None: one more than the last; 0: it is no
                cell of the notebook, and leaves no trace among those.

        Returns:
            None where it ended well; else the exception's class name, its text and the
            traceback's lines.
        """
        self.code = code
        self._failure: tuple[str, str, list[str]] | None = None
        if count:
            self.execution_count = count
        if count != 0:
            self.inputs.add(self.execution_count, code)
        run_cell: Any = self.run_cell  # IPython leaves some of its functions untyped
        with self.coroutines.offered(code):
            result = run_cell(code, store_history=False)
        if count != 0:
            self.execution_count += 1
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return self._failure
        if self._failure is None:
            lines = traceback.format_exception_only(error)
            self._failure = (type(error).__name__, exception_text(error), _split(lines))
        return self._failure

    def system(self, cmd: str) -> None:
        """Run what stands behind ``!``."""
        if cmd.rstrip().endswith("&"):
            raise OSError("A program can't be put in the background by `&`: use subprocess.Popen.")
        expand: Any = self.var_expand
        self.user_ns["_exit_code"] = run_program_of_cell(expand(cmd, depth=1))

    system_piped = system_raw = system

    @contextmanager
    def _tee(self, channel: Literal["stdout", "stderr"]) -> Iterator[None]:  # noqa: ARG002
        """IPython would keep a copy of all that is printed, for ever."""
        yield

    def transform_cell(self, raw_cell: str) -> str:
        """Turn IPython's own syntax into Python; what has none of it is not looked through."""
        if (
            not _SPECIAL_SYNTAX.search(raw_cell)
            and ("\n" in raw_cell or _ASSIGNMENT.match(raw_cell))
            and self._count_transformers() == self._transformer_counts
        ):
            return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"
        transform: Any = super().transform_cell
        return str(transform(raw_cell))

    def _count_transformers(self) -> tuple[int, ...]:
        """How many transformers of source code there are; user code may add some."""
        manager = self.input_transformer_manager
        lists = (
            manager.cleanup_transforms,
            manager.line_transforms,
            manager.token_transformers,
            self.input_transformers_post,
        )
        return tuple(map(len, lists))

    def should_run_async(self, raw_cell: str, **options: Any) -> bool:
        """Whether the cell awaits; IPython compiles it to find out, which is seldom needed."""
        if "await" not in raw_cell and "async" not in raw_cell:
            return False
        return bool(super().should_run_async(raw_cell, **options))

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any],
        *,
        is_result: bool = False,
        display_id: str | None = None,
        update: bool = False,
    ) -> None:
        """Show a MIME bundle, or with ``update`` put it in the place of what has its id."""
        if self.capture is None or self.capture.show_in_fork(str(data.get("text/plain", ""))):
            return
        self.capture.before_display()
        self.capture.buffer_of_thread.display(
            data, metadata, is_result=is_result, display_id=display_id, update=update
        )
        self.capture.after_display()

    def clear_outputs(self, *, wait: bool) -> None:
        """Remove the cell's outputs, or with ``wait`` do so when the next one comes."""
        if self.capture is not None:
            self.capture.buffer_of_thread.clear(wait=wait)
            self.capture.after_display()

    def prepare(self) -> None:
        """Change, once for all cells, what of Python and of libraries is another in a worker.

        A zygote does it for its workers: it writes to memory in many places, which each worker
        would have of its own, more than a megabyte.
        """
        make_refusal: Any = ExitRefusal
        exiter = make_refusal()
        self.user_ns["exit"] = self.user_ns["quit"] = self.exiter = exiter
        self.user_ns_hidden.update({"exit": self.exiter, "quit": self.exiter})
        refuse_input(self)
        # IPython does and undoes it for each cell.
        self.builtin_trap.__enter__()
        self.display_trap.__enter__()
        register: Any = self.events.register
        register("post_execute", self.show_figures)
        use_plotly_renderer(self.show_bundle)
        use_text_bars(lambda: True)
        self.coroutines.offer_loop()
        follow_threads()
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        for name, value in PLAIN_PAGERS.items():
            os.environ.setdefault(name, value)

    def begin_afresh(self) -> None:
        """Forget what running in the zygote has left."""
        for name in [name for name in self.user_ns if name not in self.user_ns_hidden]:
            if not name.startswith("__") or name == "__":
                del self.user_ns[name]
        self.inputs.clear()
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            if hasattr(sys, name):
                delattr(sys, name)
        self.displayhook._ = self.displayhook.__ = self.displayhook.___ = ""
        self.user_ns.update(dict.fromkeys(RESULT_NAMES, ""))
        self.execution_count = 1
        self._transformer_counts = self._count_transformers()

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **options: Any) -> None:
        """Keep the exception for the cell's end; groups, which IPython prints, too."""
        with nullcontext() if self.capture is None else self.capture.gate.ignored():
            self._keep_failure(exc_tuple, *args, **options)

    def _keep_failure(self, exc_tuple: Any, *args: Any, **options: Any) -> None:
        try:
            kind, error, trace = self._get_exc_info(exc_tuple)
        except ValueError:
            print("No traceback available to show.", file=sys.stderr)  # noqa: T201  a magic's answer
            return
        if keep_format_error((kind, error, trace)):
            return
        if isinstance(error, asyncio.CancelledError) and self.coroutines.interrupted:
            kind, error = KeyboardInterrupt, KeyboardInterrupt().with_traceback(trace)
        if _has_group(error):
            self._showtraceback(kind, error, _group_lines(error))
            return
        super().showtraceback((kind, error, trace), *args, **options)

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[Any, Any, Any]:
        """The exception that is to be shown, with the user's frames only."""
        get_info: Any = super()._get_exc_info
        kind, error, _ = get_info(exc_tuple)
        keep_user_frames(error)
        return kind, error, error.__traceback__

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        """Keep what is shown of an exception for the cell's end."""
        text = exception_text(evalue)
        if isinstance(evalue, SyntaxError) and evalue.filename:
            label: Any = self.compile.format_code_name(evalue.filename)
            text = text.replace(evalue.filename, " ".join(label)) if label else text
        if etype is SystemExit and text != EXIT_SENTENCE:
            stb = [f"SystemExit: {text}", EXIT_SENTENCE]
        elif etype is SystemExit:
            stb = [f"SystemExit: {text}"]
        self._failure = (etype.__name__, text, _split(stb))

    def show_usage_error(self, exc: BaseException) -> None:
        """A magic was used in a wrong way."""
        text = exception_text(exc)
        self._failure = ("UsageError", text, [f"UsageError: {text}"])

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window in a worker, so there is nothing to do."""

    def ask_exit(self) -> None:
        """Say how a kernel ends."""
        raise SystemExit(EXIT_SENTENCE)

    def init_display_formatter(self) -> None:
        """Make what turns values into MIME bundles."""
        self.display_formatter = BundleFormatter(parent=self)
        configurables: list[Any] = self.configurables
        configurables.append(self.display_formatter)

    def show_figures(self) -> None:
        """Show figures that are open and that matplotlib's backend shows nowhere."""
        matplotlib: Any = sys.modules.get("matplotlib")
        if open_figures() and matplotlib.get_backend().lower() == "agg":
            for bundle in new_figures(frozenset()):
                self.publish(bundle, {})

    def show_bundle(self, data: dict[str, Any]) -> bool:
        """Show a MIME bundle that a library has made."""
        self.publish(data, {})
        return True

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
    shell.coroutines = CoroutineRunner()
    shell.inputs = Inputs(shell)
    shell.run_line_magic("load_ext", "storemagic")
    shell.loop_runner = shell.coroutines.run
    # What the first cells would import is in memory then before any worker is made.
    for code in ("1 + 1", "1 / 0", "%pwd", "[print]"):
        shell.run(code)
    # It says how to leave a terminal.
    warnings.filterwarnings("ignore", message="To exit: use 'exit'")
    return shell


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
    return with_cell_names("".join(shown.format())).split("\n")


def _split(lines: list[str]) -> list[str]:
    return "\n".join(line.rstrip("\n") for line in lines).split("\n")
