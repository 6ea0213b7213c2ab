"""What asks a person something, in a worker: it says that nobody can answer, and what to do instead."""

from __future__ import annotations

import builtins
import getpass
import pdb
from typing import Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["refuse_questions"]

_INPUT = "input() does not work in a cell, as nobody can answer it: assign the value instead."
_GETPASS = (
    "getpass() does not work in a cell, as nobody can answer it: start LLM-REPL with the secret in an "
    "environment variable (of a name that does not end in _API_KEY, as those are kept from code), and "
    "read it from os.environ."
)
_DEBUGGER = (
    "There is no debugger in a cell, as nobody can answer it: print the values, or look at them in "
    "the next cell."
)
_EDITOR = "There is no editor in a cell: edit the cell itself, or write a file by %%writefile."


def refuse_questions(shell: InteractiveShell) -> None:
    """Make them say so, in this process."""
    builtins.input = _refusal(_INPUT)
    getpass.getpass = _refusal(_GETPASS)
    for name in ("set_trace", "interaction"):
        setattr(pdb.Pdb, name, _refusal(_DEBUGGER))
    for name, sentence in (
        ("debug", _DEBUGGER),
        ("pdb", _DEBUGGER),
        ("edit", _EDITOR),
        ("ed", _EDITOR),
    ):
        register: Any = shell.register_magic_function
        register(
            _magic_refusal(sentence),
            magic_kind="line_cell" if name == "debug" else "line",
            magic_name=name,
        )


def _refusal(sentence: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise StdinNotImplementedError(sentence)

    return refuse


def _magic_refusal(sentence: str) -> Any:
    def refuse(_line: str, _cell: str = "") -> None:
        raise UsageError(sentence)

    return refuse
