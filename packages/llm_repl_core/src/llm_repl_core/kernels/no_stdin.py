"""What asks a person something, in IPython: it says that nobody can answer, and what to do instead.

It stands alone, as Jupyter kernels get its text.
"""

from __future__ import annotations

import builtins
import cmd
import getpass
import pdb
import sys
from typing import Any

__all__ = ["refuse_input"]

_INPUT = "input() does not work in a cell, since it cannot be answered: assign the value instead."
_GETPASS = (
    "getpass() does not work in a cell, since it cannot be answered: start LLM-REPL with the secret in an "
    "environment variable (of a name that does not end in _API_KEY, as those are kept from code), and "
    "read it from os.environ."
)
_DEBUGGER = (
    "There is no debugger in a cell, since it cannot be answered: print the values, or look at them in "
    "the next cell."
)
_EDITOR = "There is no editor in a cell: edit the cell itself, or write a file by %%writefile."
_NO_CELL_TO_FILL = (
    "A magic can't write into a cell here: run a file by %run, or put its text into the cell."
)


def refuse_input(shell: Any) -> None:
    """Make them say so, in this process.

    Args:
        shell: IPython's, of a worker or of a Jupyter kernel.
    """
    builtins.input = _refusal(_INPUT)
    getpass.getpass = _refusal(_GETPASS)
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        # ipykernel puts these into the place of the two for each cell.
        kernel.raw_input = builtins.input
        kernel.getpass = getpass.getpass
    _refuse_debuggers()
    shell.set_next_input = _magic_refusal(_NO_CELL_TO_FILL)
    for name, sentence in (
        ("debug", _DEBUGGER),
        ("pdb", _DEBUGGER),
        ("edit", _EDITOR),
        ("ed", _EDITOR),
    ):
        shell.register_magic_function(
            _magic_refusal(sentence),
            magic_kind="line_cell" if name == "debug" else "line",
            magic_name=name,
        )


def _refuse_debuggers() -> None:
    from IPython.core.debugger import Pdb  # heavy, and there already

    # IPython's has methods of its own before those of Python's, and a Jupyter kernel's is IPython's.
    classes = {*Pdb.__mro__, *pdb.Pdb.__mro__}
    for debugger in (found for found in classes if issubclass(found, cmd.Cmd)):
        for name in ("set_trace", "interaction"):
            if name in vars(debugger):
                setattr(debugger, name, _refusal(_DEBUGGER))
    # pydevd, which ipykernel brings, has one of its own, that waits for a debugger without a word.
    sys.breakpointhook = _refusal(_DEBUGGER)


def _refusal(sentence: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        from IPython.core.error import StdinNotImplementedError

        raise StdinNotImplementedError(sentence)

    return refuse


def _magic_refusal(sentence: str) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        from IPython.core.error import UsageError

        raise UsageError(sentence)

    return refuse
