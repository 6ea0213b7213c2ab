"""Tracebacks that show the user's code: the cells' own lines, and none of ours."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path

__all__ = ["CELL_PREFIX", "remember_source", "traceback_lines"]

CELL_PREFIX = "<cell "
"""How the file name of a cell's code begins."""

_OURS = str(Path(__file__).parent.parent)


def remember_source(filename: str, code: str) -> None:
    """Let tracebacks show lines of the cell."""
    # No modification time: linecache keeps the entry.
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)


def traceback_lines(error: BaseException) -> list[str]:
    """The traceback as lines, from the cell's own frame on."""
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _strip(shown, set())
    return "".join(shown.format()).rstrip("\n").split("\n")


def _strip(shown: traceback.TracebackException | None, seen: set[int]) -> None:
    """Take our own frames out, from causes and groups too."""
    if shown is None or id(shown) in seen:
        return
    seen.add(id(shown))
    frames = list(shown.stack)
    for position, frame in enumerate(frames):
        if frame.filename.startswith(CELL_PREFIX):
            del frames[:position]
            break
    kept = [frame for frame in frames if not frame.filename.startswith(_OURS)]
    shown.stack = traceback.StackSummary.from_list(kept)
    for inner in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        _strip(inner, seen)
