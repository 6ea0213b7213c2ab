"""What a line is: Python, a prompt, Markdown, memory, a shell command, or a command of the terminal."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from llm_repl_server.repl.target import CellKind

__all__ = ["InputMode", "TypedLine", "mode_of", "read_line"]


class InputMode(Enum):
    """What a line is that begins with no prefix. The value is the word for it."""

    PYTHON = "python"
    PROMPT = "prompt"
    MARKDOWN = "markdown"
    MEMORY = "memory"
    SHELL = "shell"

    @property
    def label(self) -> str:
        """The short word in front of the input."""
        return _LABELS[self]

    def next(self) -> InputMode:
        """The mode that Tab on an empty line changes to."""
        modes = list(InputMode)
        return modes[(modes.index(self) + 1) % len(modes)]


_LABELS = {
    InputMode.PYTHON: "py",
    InputMode.PROMPT: "ask",
    InputMode.MARKDOWN: "md",
    InputMode.MEMORY: "mem",
    InputMode.SHELL: "sh",
}
_PREFIXES = {"?": InputMode.PROMPT, ":": InputMode.MEMORY, "!": InputMode.SHELL}
_KINDS: dict[InputMode, CellKind] = {
    InputMode.PYTHON: "code",
    InputMode.PROMPT: "prompt",
    InputMode.MARKDOWN: "markdown",
    InputMode.MEMORY: "memory",
    InputMode.SHELL: "code",
}
_LEAVES = r"(exit|quit)(?:\s*\(\s*\))?"
"""What leaves Python and IPython; a kernel it does not end."""
_COMMAND = r"/(?:[a-z][\w-]*|\?)?(?:\s|\Z)"
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_ASKED_BEFORE = rf"(\?{{1,2}})\s*({_DOTTED})"
_ASKED_BEHIND = rf"({_DOTTED})\s*(\?{{1,2}})"


class TypedLine(NamedTuple):
    """What was typed, and what it is.

    Attributes:
        mode: What it is.
        text: What the cell holds; of a command, what stands behind the ``/``.
        is_command: Whether it is for the terminal, and no cell.
        asks_about: The name that it asks about, and that is no cell either; empty: none.
        wants_source: Whether it asks for the source of that.
    """

    mode: InputMode
    text: str
    is_command: bool = False
    asks_about: str = ""
    wants_source: bool = False

    @property
    def kind(self) -> CellKind:
        """The type of the cell."""
        return _KINDS[self.mode]


def mode_of(text: str, mode: InputMode) -> InputMode:
    """What a text would be as it is being typed: its prefix, else the mode.

    Args:
        text: What stands in the input.
        mode: What it is without a prefix.
    """
    if mode is not InputMode.PYTHON:
        return mode
    start = text.lstrip()
    if start.startswith("#") and _is_prose(text):
        return InputMode.MARKDOWN
    return _PREFIXES.get(start[:1], mode)


def read_line(text: str, mode: InputMode, names: Collection[str] = ()) -> TypedLine | None:
    """What somebody has typed; None: nothing.

    ``?name`` and ``??name`` ask about a variable or a function where there is one of that name, as
    in IPython; any other text behind ``?`` is a prompt. ``exit`` and ``quit`` leave, as there.

    Args:
        text: The input.
        mode: What it is where it begins with no prefix.
        names: The variables that there are.
    """
    if not text.strip():
        return None
    stripped = text.strip()
    if re.match(_COMMAND, stripped):
        return TypedLine(mode, stripped[1:], is_command=True)
    found = mode_of(text, mode)
    if found is InputMode.SHELL:
        program = stripped.removeprefix("!").strip()
        return TypedLine(found, f"!{program}") if program else None
    if found is InputMode.MARKDOWN or mode is not InputMode.PYTHON:
        return TypedLine(found, text.strip("\n").rstrip())
    if found is InputMode.PYTHON:
        if (leaves := re.fullmatch(_LEAVES, stripped)) and leaves[1] not in names:
            return TypedLine(found, "quit", is_command=True)
        asked = re.fullmatch(_ASKED_BEHIND, stripped)
        if asked:
            return _question(stripped, asked[1], asked[2])
        return TypedLine(found, text.strip("\n").rstrip())
    asked = re.fullmatch(_ASKED_BEFORE, stripped)
    if asked and (asked[2].partition(".")[0] in names or hasattr(builtins, asked[2])):
        return _question(stripped, asked[2], asked[1])
    return _without_prefix(found, stripped)


def _question(text: str, name: str, marks: str) -> TypedLine:
    return TypedLine(InputMode.PYTHON, text, asks_about=name, wants_source=marks == "??")


def _without_prefix(mode: InputMode, text: str) -> TypedLine | None:
    rest = text[1:].strip()
    return TypedLine(mode, rest) if rest else None


def _is_prose(text: str) -> bool:
    """Whether a text that begins with ``#`` is Markdown, and not code below a comment."""
    if "\n" not in text.strip():
        return True
    try:
        return not ast.parse(text).body
    except (SyntaxError, ValueError):
        return True
