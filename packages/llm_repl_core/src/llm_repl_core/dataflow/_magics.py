"""IPython's magics and shell commands, and the Python around them."""

from __future__ import annotations

import re

__all__ = ["holds_magics", "without_magics"]

_ON_PYTHON = frozenset({"capture", "prun", "time", "timeit"})
"""Magics of a whole cell that run the rest of it as it stands."""

# Nothing here goes back over what it has passed, so that any text is searched in one pass.
_CELL_MAGIC = re.compile(r"\s*+%%(\w+)[^\n]*+")
_LINE = re.compile(
    r"^(?P<indent>[ \t]*+)(?:%(?:prun|timeit|time)[ \t]++(?P<python>[^\s-][^\n]*+)"
    r"|[%!?][^\n]*+|[^#'\"\n]*\?[ \t]*+)$",
    re.MULTILINE,
)
_ASSIGNED = re.compile(r"^([\w,. \t]++=[ \t]*+)[%!](?!=)[^\n]*+$", re.MULTILINE)


def holds_magics(text: str) -> bool:
    """Whether text that is not Python looks like IPython's.

    Args:
        text: A code cell's content.
    """
    return bool(_CELL_MAGIC.match(text) or _LINE.search(text) or _ASSIGNED.search(text))


def without_magics(text: str) -> str:
    """What is left of a cell where its magics are taken out.

    Args:
        text: A code cell's content.
    """
    found = _CELL_MAGIC.match(text)
    if found is not None:
        if found[1] not in _ON_PYTHON:
            return ""
        text = text[found.end() :]
    return _ASSIGNED.sub(r"\1None", _LINE.sub(_python_of, text))


def _python_of(line: re.Match[str]) -> str:
    # Something stays in its place, as it may be all that a block holds.
    return f"{line['indent']}{line['python'] or 'pass'}"
