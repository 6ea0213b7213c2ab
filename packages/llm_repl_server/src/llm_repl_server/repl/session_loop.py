"""What every way of typing has in common: a line becomes a cell, runs, and is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.terminal_text import escape_controls, is_dumb
from llm_repl_server.repl.commands.base import CommandContext, CommandError
from llm_repl_server.repl.keyboard import Keyboard
from llm_repl_server.repl.modes import InputMode, TypedLine

if TYPE_CHECKING:
    from rich.console import RenderableType

    from llm_repl_core import Cell
    from llm_repl_server.cli.cell_printer import CellPrinter
    from llm_repl_server.repl.own_server import OwnServer
    from llm_repl_server.repl.run_printer import RunPrinter
    from llm_repl_server.repl.target import ReplTarget, RunChoice

__all__ = ["CellLoop"]

_MOCK = (
    "No provider is chosen, so the mock answers, which makes things up: `llm-repl keys set openai` "
    "and `/model openai/…` ask a real one."
)


class CellLoop(CommandContext):
    """Takes entries, one after the other.

    Args:
        plain: For screen readers and pipes: nothing is drawn that goes away again.
        open_other: Opens another notebook.
        is_unchosen: Whether nobody has chosen who answers.
    """

    def __init__(
        self,
        *,
        plain: bool,
        open_other: Callable[[str], ReplTarget],
        is_unchosen: Callable[[], bool],
    ) -> None:
        self.prompt_options: dict[str, Any] = {"context": "above"}
        self.next_options: dict[str, Any] = {}
        self.ask_above_usd: float | None = None
        self._mode = InputMode.PYTHON
        self._plain = plain
        self._open_other = open_other
        self._is_unchosen = is_unchosen
        self._is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._is_dumb = is_dumb()
        self.keyboard = Keyboard(is_dumb=self._is_dumb)
        self._printer: CellPrinter | None = None
        self._mock_told = False
        self._own_server: OwnServer | None = None
        self.unsaved = ""
        """Why the notebook could not be kept; empty: it was."""

    @property
    def cells(self) -> CellPrinter:
        """Prints what Rich renders."""
        if self._printer is None:
            from llm_repl_server.cli.cell_printer import CellPrinter

            self._printer = CellPrinter()
        return self._printer

    # What commands use -----------------------------------------------------------------------

    @property
    def mode(self) -> InputMode:
        """See `CommandContext.mode`."""
        return self._mode

    def set_mode(self, mode: InputMode) -> None:
        """See `CommandContext.set_mode`."""
        self._mode = mode

    @property
    def columns(self) -> int:
        """See `CommandContext.columns`."""
        return self.cells.columns

    def say(self, text: str, *, hang: str = "") -> None:
        """See `CommandContext.say`."""
        echo(escape_controls(text), hang=hang)

    def note(self, text: str) -> None:
        """Print sentences about what goes on, beside what is asked for."""
        if self._is_interactive:
            echo(escape_controls(text), dim=True)
        else:
            echo(text, err=True, wrap=False)

    def fail(self, text: str) -> None:
        """Print what is wrong, in a line."""
        echo(escape_controls(text), err=not self._is_interactive, fg="red")

    def show(self, shown: RenderableType) -> None:
        """See `CommandContext.show`."""
        self.cells.show(shown)

    def show_cell(self, cell: Cell, number: int, *, outputs: bool = True) -> None:
        """See `CommandContext.show_cell`."""
        self.cells.cell(cell, number=number, outputs=outputs)

    def confirm(self, question: str) -> bool:
        """See `CommandContext.confirm`."""
        if not self._is_interactive:
            return False
        echo(f"{question} [y/N] ", nl=False)
        return self.keyboard.answer().lower() in ("y", "yes")

    def run(self, choice: RunChoice) -> bool:
        """See `CommandContext.run`."""
        return self._run(choice, titles=True)

    def edit(self, text: str, *, suffix: str) -> str | None:
        """See `CommandContext.edit`."""
        import click

        from llm_repl_server.cli.editor import EditorProblem

        try:
            with self.keyboard.as_before():
                changed = click.edit(text, extension=suffix, require_save=False)
        except click.ClickException as error:
            raise CommandError(EditorProblem(error).sentence) from None
        # An editor, and what calls it, end the last line.
        is_same = changed is None or changed.rstrip("\n") == text.rstrip("\n")
        return None if is_same else changed

    def open(self, place: str) -> None:
        """See `CommandContext.open`."""
        opened = self._open_other(place)
        earlier = self.target
        try:
            earlier.save()
        finally:
            self.target = opened
            earlier.close()
        self.say(about(opened))

    def share(self) -> str:
        """See `CommandContext.share`."""
        from pathlib import Path

        from llm_repl_core import InvalidInput
        from llm_repl_server.repl.attached.address import ServerAddress
        from llm_repl_server.repl.attached.attached_target import AttachedTarget
        from llm_repl_server.repl.attached.joining import attach
        from llm_repl_server.repl.own_server import OwnServer

        if not isinstance(self.target, AttachedTarget):
            self.note_change()
            if self.unsaved or not self.target.place:
                raise InvalidInput(f"The notebook is in no file: {self.unsaved or 'use /save'}")
            path = Path(self.target.place).absolute()
            if self._own_server is None:
                self._own_server = OwnServer(path.parent)
            notebook_id = self._own_server.open(path)
            shared = attach(ServerAddress(self._own_server.base, notebook_id), None)
            earlier, self.target = self.target, shared
            earlier.close()
        return self.target.place

    def end(self) -> None:
        """Let go of the notebook, and end what was started for it."""
        self.target.close()
        if self._own_server is not None:
            self._own_server.stop()

    def note_change(self) -> None:
        """See `CommandContext.note_change`."""
        from llm_repl_core import LLMReplError

        try:
            self.target.save()
        except LLMReplError as error:
            if self.unsaved != str(error):
                self.fail(f"Not saved: {error}")
            self.unsaved = str(error)
        else:
            self.unsaved = ""

    # Entries ---------------------------------------------------------------------------------

    def take(self, entry: TypedLine) -> bool:
        """Do what was typed; whether all went well.

        Raises:
            EOFError: It was a command to leave.
        """
        from llm_repl_core import LLMReplError
        from llm_repl_server.repl.commands import run_command

        try:
            if entry.is_command:
                run_command(self, entry.text)
                return True
            if entry.asks_about:
                return self._tell_of(entry.asks_about, with_source=entry.wants_source)
            return self._take_cell(entry)
        except (CommandError, LLMReplError) as error:
            self.fail(str(error))
            return False
        except OSError as error:
            if error.filename is None:
                raise  # the terminal's own is gone
            self.fail(f"{error.filename}: {error.strerror}.")
            return False
        finally:
            for warning in self.target.take_warnings():
                self.note(warning)

    def _tell_of(self, name: str, *, with_source: bool) -> bool:
        """Say what has a name; whether there is something to tell."""
        found = self.target.inspect(name, len(name))
        if found is None or not found.name:
            self.fail(f"There is nothing named {name}.")
            return False
        title = f"{found.name}{found.signature}" if found.signature else found.name
        self.say(f"{title}: {found.type_name}")
        if found.text and not found.signature:
            self.say(found.text)
        source = self.target.source_of(name) if with_source else None
        if source is not None:
            from rich.syntax import Syntax

            self.show(Syntax(source, "python", theme="ansi_dark", background_color="default"))
        elif found.documentation:
            self.say(found.documentation)
        return True

    def _take_cell(self, entry: TypedLine) -> bool:
        from llm_repl_server.repl.target import RunChoice

        options: dict[str, Any] = {}
        if entry.kind == "prompt":
            options = {**self.prompt_options, **self.next_options}
            if not self._mock_told and self._is_unchosen() and self._asks_mock():
                self._mock_told = True
                self.note(_MOCK)
        cell = self.target.add(entry.kind, entry.text, **options)
        if entry.kind == "prompt":
            self.next_options.clear()
        if entry.kind == "markdown":
            self.note_change()
            return True
        return self._run(RunChoice(cell_ids=(cell.id,)), titles=False)

    def _asks_mock(self) -> bool:
        """Whether the mock answers without having been named."""
        model = self.target.preference("model") or "mock"
        return self.target.model() == f"mock/{model}"

    def _run(self, choice: RunChoice, *, titles: bool) -> bool:
        if not self._may_cost(choice):
            self.say("Nothing was sent.")
            return False
        from llm_repl_server.repl.run_printer import RunPrinter

        live = self._is_interactive and not self._plain and not self._is_dumb
        printer = RunPrinter(
            self.target, self.cells, titles=titles, live=live, rendered=self._is_interactive
        )
        self.keyboard.expect_pastes()
        try:
            with printer:
                self._follow(choice, printer)
        except KeyboardInterrupt:
            if not printer.stopped:  # before the cell began, or after its end
                self.note("stopped")
            printer.stopped = True
        self._remember(choice)
        self.note_change()
        return not (printer.failed or printer.stopped)

    def _follow(self, choice: RunChoice, printer: RunPrinter) -> None:
        from llm_repl_core import ToolApprovalNeeded
        from llm_repl_server.repl.approval import settle_in_place

        for event in self.target.run(choice):
            try:
                printer.show(event)
                if isinstance(event, ToolApprovalNeeded):
                    with printer.region.hidden():
                        printer.break_line()
                        title = printer.title(event.cell_id)
                        settle_in_place(self.target, event, title, self.keyboard)
            except KeyboardInterrupt:
                printer.stopped = True
                self.target.stop()

    def _may_cost(self, choice: RunChoice) -> bool:
        """Ask where it may cost more than what somebody has said; whether it may."""
        limit = self.ask_above_usd
        if limit is None:
            return True
        from llm_repl_server.cli.terminal_text import format_price

        way = self.target.plan(choice).way
        if not way.asked_calls or (way.price_usd is not None and way.price_usd <= limit):
            return True
        price = (
            "has no known price"
            if way.price_usd is None
            else (f"may cost {format_price(way.price_usd)}")
        )
        return self.confirm(f"This {price}, and your limit is {format_price(limit)}. Send it?")

    def _remember(self, choice: RunChoice) -> None:
        """Have the last answer as ``_``."""
        from llm_repl_core import LLMReplError, PromptCell

        chosen = choice.cell_ids
        for cell in reversed(self.target.cells()):
            if not isinstance(cell, PromptCell) or (chosen is not None and cell.id not in chosen):
                continue
            if cell.status == "completed":
                with suppress(LLMReplError):
                    self.target.remember(cell.id)
            return


def about(target: ReplTarget) -> str:
    """A notebook in a line: where it is, and how much it has."""
    cells = target.cells()
    prompts = sum(cell.type == "prompt" for cell in cells)
    if not cells:
        return f"{target.place or target.name}: a new notebook"
    numbers = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
    asked = f", {prompts} of them {'a prompt' if prompts == 1 else 'prompts'}" if prompts else ""
    return f"{target.place or target.name}: {numbers}{asked}; /cells lists them, /run all runs them"
