"""IPython's magics and shell commands, and the Python around them.

``!ls {folder}`` → the word ``folder``; ``%time x = f(y)`` → the Python ``x = f(y)``;
``%matplotlib inline`` → nothing; ``%run other.py`` may do anything.
"""

from __future__ import annotations

import re

from llm_repl_core.dataflow._texts import words_of
from llm_repl_core.dataflow.effects import Effects

__all__ = ["without_magics"]

_ON_PYTHON = frozenset({"capture", "prun", "time", "timeit"})
"""Magics of a whole cell that run the rest of it as it stands."""

_ON_TEXT = frozenset(
    {
        *(
            "bash",
            "file",
            "html",
            "javascript",
            "js",
            "latex",
            "markdown",
            "perl",
            "ruby",
            "script",
        ),
        *("sh", "svg", "writefile"),
    }
)
"""Magics of a whole cell for which the rest of it is a text."""

_HARMLESS = _ON_PYTHON | {
    *("autoreload", "cd", "conda", "config", "env", "load_ext", "ls", "mamba", "matplotlib"),
    *("pip", "precision", "pwd", "uv", "xmode"),
}
"""Magics of a line that use no variables but those that the line names."""

_MAY_DO_ANYTHING = "a magic may do anything"

# Nothing here goes back over what it has passed, so that any text is searched in one pass.
_CELL_MAGIC = re.compile(r"\s*+%%(\w+)([^\n]*+)")
_LINE = re.compile(
    r"^(?P<before>[ \t]*+)(?:%(?:prun|timeit|time)[ \t]++(?P<python>[^\s-][^\n]*+)"
    r"|(?P<magic>[%!?][^\n]*+|[^#'\"\n]*\?[ \t]*+))$",
    re.MULTILINE,
)
_ASSIGNED = re.compile(
    r"^(?P<before>[\w,. \t]++=[ \t]*+)(?P<magic>[%!](?!=)[^\n]*+)$", re.MULTILINE
)


def without_magics(text: str) -> tuple[str, Effects] | None:
    """Take a cell's magics out.

    Args:
        text: A code cell's content, which is not Python.

    Returns:
        The Python that is left, and what the magics do; None where it does not look like IPython's.
    """
    cell_magic = _CELL_MAGIC.match(text)
    if not (cell_magic or _LINE.search(text) or _ASSIGNED.search(text)):
        return None
    magics = Effects(calls=True)
    if cell_magic is not None:
        name, options = cell_magic.groups()
        magics.writes |= words_of(options)
        if name not in _ON_PYTHON:
            magics.mentions |= words_of(text)
            magics.acts = True
            if name not in _ON_TEXT:
                magics.sees_all, magics.is_opaque = _MAY_DO_ANYTHING, True
            return "", magics
        text = text[cell_magic.end() :]

    def without(line: re.Match[str]) -> str:
        found = line.groupdict()
        if found.get("python"):
            return f"{found['before']}{found['python']}"
        magic = found["magic"]
        magics.mentions |= words_of(magic)
        magics.acts = magics.acts or magic.startswith("!")
        name = re.match(r"%\s*(\w+)", magic)
        if magic.startswith("%") and (name is None or name[1] not in _HARMLESS):
            magics.sees_all, magics.is_opaque = _MAY_DO_ANYTHING, True
        # Something stays in its place, as it may be all that a block holds.
        return f"{found['before']}{'None' if '=' in found['before'] else 'pass'}"

    return _ASSIGNED.sub(without, _LINE.sub(without, text)), magics
