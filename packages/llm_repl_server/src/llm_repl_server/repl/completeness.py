"""Whether what was typed can run, or goes on in the next line.

IPython's own check would import IPython into this process, which takes longer than all that the
terminal needs before its first prompt; here the same is decided by Python's compiler.
"""

from __future__ import annotations

import ast
import codeop
import re
import warnings

__all__ = ["indent_after", "is_complete"]

_SPECIAL = r"^(\s*)(?:[!%?].*|[^\n\"'#]*\?{1,2}\s*)$"
_ASSIGNED = r"^(\s*)([\w., \[\]]+=\s*)[!%].*$"
_DEDENTS = r"\s*(?:return|pass|break|continue|raise)\b"
_INDENT = 4


def is_complete(text: str) -> bool:
    """Whether a text is a whole cell, or wrong already, so that nothing is to be waited for.

    As in Python's own prompt, a block ends with an empty line.

    Args:
        text: Python, perhaps with IPython's magics and shell commands.
    """
    if text.lstrip().startswith("%%"):
        return text.endswith("\n")
    plain = "\n".join(_plain_line(line) for line in text.split("\n"))
    compile_command = codeop.CommandCompiler()
    compile_command.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ready = compile_command(plain, "<input>", "exec")
            return ready is not None and not _may_go_on(plain)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
            return True


def indent_after(text: str) -> str:
    """The blanks that a new line begins with, below a text."""
    line = text.rsplit("\n", 1)[-1]
    indent = line[: len(line) - len(line.lstrip())]
    code = line.split("#", 1)[0].rstrip()
    if code.endswith(":"):
        return indent + " " * _INDENT
    if re.match(_DEDENTS, line):
        return indent[:-_INDENT]
    return indent


def _plain_line(line: str) -> str:
    """A line in which IPython's own syntax is something that Python compiles."""
    if special := re.match(_SPECIAL, line):
        return f"{special[1]}pass"
    if assigned := re.match(_ASSIGNED, line):
        return f"{assigned[1]}{assigned[2]}0"
    return line


def _may_go_on(text: str) -> bool:
    """Whether the last statement is a block of several lines, which an empty one ends."""
    statements = ast.parse(text).body
    if not statements or text.endswith("\n") or not text.rsplit("\n", 1)[-1].strip():
        return False
    last = statements[-1]
    return hasattr(last, "body") and last.lineno != last.end_lineno and _ends_with(last, text)


def _ends_with(statement: ast.stmt, text: str) -> bool:
    return statement.end_lineno == text.count("\n") + 1
