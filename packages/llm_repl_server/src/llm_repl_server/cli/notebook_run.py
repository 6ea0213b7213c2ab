"""One notebook of a command line, run from its file to what is saved of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from llm_repl_core import (
    Application,
    Conflict,
    Event,
    Kernel,
    LLMReplError,
    Notebook,
    Session,
    Settings,
    ToolApprovalNeeded,
    load_settings,
)
from llm_repl_core.engine.budget import BudgetMeter
from llm_repl_core.engine.limits import ProviderLimits
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.engine.options import RunKeywords
from llm_repl_core.files import file_signature, refuse_unwritable
from llm_repl_core.ledger.record import Mode
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_server.cli.cell_choice import CellsToRun, NumberedCells
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.notebook_file import load_notebook_file
from llm_repl_server.cli.notebook_options import give_parameters
from llm_repl_server.cli.provider_choice import check_providers, choose_by_model
from llm_repl_server.cli.run_ledgers import RunLedgers
from llm_repl_server.cli.run_results import RunResults
from llm_repl_server.cli.termination import Termination

if TYPE_CHECKING:
    from llm_repl_core.parameters.injected import AppliedParameters

_ATTEMPTS = 5
_AGAIN_AFTER_S = 0.5

__all__ = ["NotebookRun", "RunArguments", "RunDisplay"]


class RunArguments(Struct, frozen=True, kw_only=True):
    """What a command line says of the run of a notebook.

    Attributes:
        options: How it is to go.
        mode: Of the command line; None: what the notebook says.
        record: Whether to write the recordings.
        use_log: Whether to keep calls in the log.
        how_to_record: The command that records what a replay misses.
        cells: Of ``--cells``, and so on.
        parameters: Of ``-p``.
        raw_parameters: Of ``-r``.
        parameters_file: Of ``-f``.
        kernel: Of ``--kernel``.
        provider: Of ``--provider``.
        model: Of ``--model``.
        base_url: Of ``--base-url``.
        cwd: The folder that the code runs in; None: the command's own.
    """

    options: RunKeywords = {}
    mode: Mode | None = None
    record: bool = False
    use_log: bool = True
    how_to_record: str = ""
    cells: tuple[range, ...] | None = None
    first: int | None = None
    last: int | None = None
    stale: bool = False
    parameters: tuple[tuple[str, str], ...] = ()
    raw_parameters: tuple[tuple[str, str], ...] = ()
    parameters_file: Path | None = None
    kernel: str | None = None
    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
    cwd: Path | None = None


class RunDisplay(Protocol):
    """Shows a run to whoever watches."""

    begun: bool
    interrupted: bool
    results: RunResults

    def show(self, event: Event) -> None:
        """Take the next event."""

    def approve(self, session: Session, event: ToolApprovalNeeded) -> None:
        """Settle whether a tool may be called."""

    def finish(self) -> bool:
        """Say how it ended; whether anything failed."""


class NotebookRun:
    """A notebook that is read, given its parameters, run, and saved.

    Args:
        path: The notebook's file.
        arguments: What the command line says.
        output: Where the notebook is saved; None: nowhere.
        plugins: Those of a command that runs several; None: they are loaded.
        limits: How many calls each provider gets at once, of all that such a command runs; None:
            as the settings say.

    Attributes:
        notebook: The notebook.
        to_run: Its cells that run.
        file_signature: How its file was when it was last read or written here.
        has_taken_edits: Whether its file was edited during a run, and what was edited is in the notebook
            now, and has not run.

    Raises:
        LLMReplError: Something that can be found out before the work is wrong.
    """

    def __init__(
        self,
        path: Path,
        arguments: RunArguments,
        *,
        output: Path | None = None,
        plugins: PluginManager | None = None,
        limits: ProviderLimits | None = None,
    ) -> None:
        self.path = path
        self._arguments = arguments
        self._output = output
        names = {
            "provider": arguments.provider,
            "model": arguments.model,
            "base_url": arguments.base_url,
        }
        settings = load_settings(Settings, flags=names)
        self.application = application = Application(
            settings, plugins=plugins, entry_points=plugins is None, limits=limits
        )
        provider, model = choose_by_model(application, **names)
        if output is not None:
            # What is wrong with it is better told before the work.
            application.format_for(output.name)
            with as_invalid_input():
                refuse_unwritable(output)
        self.file_signature = file_signature(path)
        self.has_taken_edits = False
        self.notebook = load_notebook_file(application, path)
        self.chosen = NumberedCells(
            self.notebook,
            cells=arguments.cells,
            first=arguments.first,
            last=arguments.last,
            stale=arguments.stale,
        )
        self._given = self._give_parameters(self.notebook)
        self._are_assigned = False
        self._ledgers = RunLedgers(
            path,
            self.notebook,
            mode=arguments.mode,
            keep=arguments.record,
            use_log=arguments.use_log,
            how_to_record=arguments.how_to_record
            and f"Run `{arguments.how_to_record}` to ask for the missing answers and record them.",
        )
        self._ledgers.choose_provider(
            application, provider=provider, model=model, base_url=arguments.base_url
        )
        self.to_run = self.chosen.settle(self._given)
        check_providers(application, self.notebook, self._ledgers.mode, self.to_run.running_ids)

    @contextmanager
    def open(
        self,
        kernel: Kernel | str | None,
        *,
        loop: EngineLoop | None = None,
        run_meter: BudgetMeter | None = None,
    ) -> Iterator[Session]:
        """The session in which it runs.

        Args:
            kernel: Its kernel.
            loop: Where the engine lives; None: in a loop of its own.
            run_meter: Counts what its runs spend together with others; None: each has its own.

        Raises:
            PriceUnknown: A budget limits money, and a prompt has no known price; nothing was run.
        """
        with (
            self._ledgers,
            Session(
                self.notebook,
                application=self.application,
                kernel=kernel,
                loop=loop,
                ledger=self._ledgers.ledger,
                cwd=self._arguments.cwd,
                run_meter=run_meter,
            ) as session,
        ):
            yield session

    def run(
        self,
        session: Session,
        to_run: CellsToRun,
        display: RunDisplay,
        termination: Termination,
    ) -> int:
        """Run cells, and save what came of it, whatever that was.

        Args:
            session: What `open` gives.
            to_run: Which cells.
            display: Who shows it.
            termination: Knows whether SIGTERM has come.

        Returns:
            The exit code.

        Raises:
            LLMReplError: It could not be begun, or not be saved.
        """
        options, chosen_ids = self._arguments.options, to_run.chosen_ids
        with as_invalid_input():
            session.check_prices(chosen_ids, with_needed=chosen_ids is not None, **options)
        interrupted = failed = False
        self._ledgers.count_calls(display.results.calls.add)
        try:
            if self._given is not None and not (self._given.injected or self._are_assigned):
                session.assign(self._given.values)
                self._are_assigned = True
            interrupted = self._show(session, to_run, display, termination)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            try:
                failed = display.finish()
            finally:
                try:
                    if display.begun:
                        self.save(session)
                finally:
                    self._ledgers.save()
        if interrupted or display.interrupted or termination.asked:
            return termination.exit_code
        return int(failed)

    def read_again(self) -> Notebook:
        """The notebook as its file has it now, with the parameters of the command line.

        Raises:
            LLMReplError: It cannot be read, or does not take them.
        """
        self.file_signature = file_signature(self.path)
        notebook = load_notebook_file(self.application, self.path)
        self._give_parameters(notebook)
        return notebook

    def take_edits(self, session: Session) -> None:
        """Give the notebook what its file has by now, and mark what that makes out of date.

        Raises:
            LLMReplError: The file cannot be read.
        """
        from llm_repl_server.cli.edits import take_edits

        take_edits(session, self.read_again())

    def save(self, session: Session | None = None) -> None:
        """Write the output file, where there is to be one.

        Args:
            session: In which it ran; None: nothing did.

        Raises:
            LLMReplError: It cannot be written; the file is as it was.
        """
        if self._output is None:
            return
        if session is not None:
            self.notebook.state_keys = list(session.state)
        if self._output.resolve() != self.path.resolve():
            self.application.save(self.notebook, self._output)
        else:
            self._save_in_its_file(session)

    def _save_in_its_file(self, session: Session | None) -> None:
        """Write it where it was read, with what others have written there meanwhile."""
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                self.file_signature = self.application.save(
                    self.notebook, self.path, expected=self.file_signature
                )
                return
            except Conflict:
                if session is None or not attempts_left:
                    raise
            try:
                self.take_edits(session)
                self.has_taken_edits = True
            except LLMReplError:  # it may be in the middle of being written
                if not attempts_left:
                    raise
                time.sleep(_AGAIN_AFTER_S)

    def _give_parameters(self, notebook: Notebook) -> AppliedParameters | None:
        arguments = self._arguments
        return give_parameters(
            notebook, arguments.parameters, arguments.raw_parameters, arguments.parameters_file
        )

    def _show(
        self,
        session: Session,
        to_run: CellsToRun,
        display: RunDisplay,
        termination: Termination,
    ) -> bool:
        """Run, and show what happens; whether Ctrl-C was pressed while something was shown."""
        interrupted = False
        chosen_ids = to_run.chosen_ids
        for event in session.stream(
            chosen_ids, with_needed=chosen_ids is not None, **self._arguments.options
        ):
            try:
                display.show(event)
                if isinstance(event, ToolApprovalNeeded):
                    display.approve(session, event)
                if termination.asked and not interrupted:
                    # A cell in this process may have had it for itself, while others go on.
                    interrupted = True
                    session.interrupt()
            except KeyboardInterrupt:
                interrupted = True
                session.interrupt()
        return interrupted
