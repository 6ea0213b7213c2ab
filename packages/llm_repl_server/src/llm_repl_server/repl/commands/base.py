"""What a command of the terminal is, and what it may use."""

from __future__ import annotations

import abc
import builtins
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import RenderableType

    from llm_repl_core import Cell
    from llm_repl_server.repl.modes import InputMode
    from llm_repl_server.repl.target import ReplTarget, RunChoice

__all__ = [
    "Argument",
    "Command",
    "CommandContext",
    "CommandError",
    "cell_arguments",
    "find_cells",
    "made_arguments",
    "variable_arguments",
]

Argument = tuple[str, str]
"""What may be typed, and what it means."""

_RANGE = re.compile(r"(\d+)(?:-(\d+)?)?")


class CommandError(Exception):
    """A command cannot be done as it was typed; the text says what to do instead."""


class Command(NamedTuple):
    """A command.

    Attributes:
        name: What stands behind the ``/``.
        summary: What it does: a sentence.
        example: A line that could be typed.
        run: Does it, given what stands behind the name.
        arguments: What it takes, for people: ``N|stale|all``.
        complete: What may stand there.
        details: More about it: sentences.
    """

    name: str
    summary: str
    example: str
    run: Callable[[CommandContext, str], None]
    arguments: str = ""
    complete: Callable[[CommandContext, str], Iterable[Argument]] = lambda _context, _typed: ()
    details: str = ""

    @property
    def usage(self) -> str:
        """The command with its arguments."""
        return f"/{self.name} {self.arguments}".rstrip()


class CommandContext(abc.ABC):
    """What commands are given: the notebook, and the terminal.

    Attributes:
        target: The notebook.
        prompt_options: Fields of the prompts to come: ``context``, ``schema``, ``tools``.
        next_options: Fields of the next prompt only: ``attachments``.
        ask_above_usd: Above which price it is asked first; None: never.
    """

    target: ReplTarget
    prompt_options: dict[str, Any]
    next_options: dict[str, Any]
    ask_above_usd: float | None

    @property
    @abc.abstractmethod
    def mode(self) -> InputMode:
        """What a line is that begins with no prefix."""

    @abc.abstractmethod
    def set_mode(self, mode: InputMode) -> None:
        """Have lines without a prefix be something else."""

    @property
    @abc.abstractmethod
    def columns(self) -> int:
        """How wide a line may be."""

    @abc.abstractmethod
    def say(self, text: str, *, hang: str = "") -> None:
        """Print a line about what was done; `hang` stands before its rest where it is too long."""

    @abc.abstractmethod
    def show(self, shown: RenderableType) -> None:
        """Print whatever Rich renders."""

    @abc.abstractmethod
    def show_cell(self, cell: Cell, number: int, *, outputs: bool = True) -> None:
        """Print a cell."""

    @abc.abstractmethod
    def confirm(self, question: str) -> bool:
        """Ask for a yes; where there is nobody to ask, it is a no."""

    @abc.abstractmethod
    def run(self, choice: RunChoice) -> bool:
        """Run cells, and print what they give; whether all went well."""

    @abc.abstractmethod
    def edit(self, text: str, *, suffix: str) -> str | None:
        """Have a text changed in ``$EDITOR``; None: it was left as it is."""

    @abc.abstractmethod
    def open(self, place: str) -> None:
        """Go on with another notebook."""

    @abc.abstractmethod
    def share(self) -> str:
        """Have the notebook live in a server; the address of its page.

        Raises:
            LLMReplError: That cannot be done.
        """

    @abc.abstractmethod
    def note_change(self) -> None:
        """The notebook was changed: it is kept, and the status line follows."""


def find_cells(context: CommandContext, text: str) -> list[Cell]:
    """The cells that numbers name: ``3``, ``2-4``, ``5-``, ``1,3``; in the order of the document.

    Raises:
        CommandError: They name none.
    """
    cells = context.target.cells()
    wanted: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip()):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise CommandError(f"`{part[:40]}` names no cell: give its number, or several as 2-4.")
        first = int(found[1])
        last = int(found[2] or len(cells)) if "-" in part else first
        missing = next((number for number in (first, last) if not 1 <= number <= len(cells)), None)
        if missing is not None:
            have = {0: "has no cells", 1: "has one cell"}.get(len(cells), f"has {len(cells)} cells")
            raise CommandError(f"There is no cell {missing}: the notebook {have}.")
        if first > last:
            raise CommandError(f"`{part[:40]}` names no cell: write {last}-{first}.")
        wanted.update(range(first, last + 1))
    return [cell for number, cell in enumerate(cells, 1) if number in wanted]


def cell_arguments(context: CommandContext, _typed: str) -> list[Argument]:
    """The numbers of the cells, each with its first words."""
    return [
        (str(number), f"{cell.type}: {' '.join(cell.content.split())[:60]}")
        for number, cell in enumerate(context.target.cells(), 1)
    ]


def variable_arguments(context: CommandContext) -> Iterable[Argument]:
    """The variables, each with its type."""
    for variable in context.target.variables().variables:
        yield variable.name, variable.type_name


def made_arguments(context: CommandContext, typed: str, kind: str) -> Iterable[Argument]:
    """What the notebook has made of a kind, ``function`` or ``class``, and begins as the last word."""
    word = re.split(r"[,\s]", typed)[-1]
    found = context.target.complete(word, len(word)) if word else None
    for match in [] if found is None else found.matches:
        if match.type == kind and not hasattr(builtins, match.text):
            yield match.text, kind
