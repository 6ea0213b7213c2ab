"""Tracebacks that show the user's code: the cells' own lines, and none of ours."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path

__all__ = ["CellFiles", "remember_source", "traceback_lines"]

_CELL_PREFIX = "<cell "
"""How the file name of a cell's code begins."""

_OURS = str(Path(__file__).parent.parent)


class CellFiles:
    """The file names that cells' code is compiled with.

    Functions keep the lines they were made from: where another text runs under a number that was
    there before, it has another name.
    """

    def __init__(self) -> None:
        self._texts: dict[int, dict[str, int]] = {}

    def remember(self, number: int, code: str) -> str:
        """Let tracebacks show lines of a cell; its file name."""
        texts = self._texts.setdefault(number, {})
        text = texts.setdefault(code, len(texts) + 1)
        filename = f"{_CELL_PREFIX}{number}{'' if text == 1 else f', text {text}'}>"
        remember_source(filename, code)
        return filename


def remember_source(filename: str, code: str) -> None:
    """Let tracebacks show lines of code."""
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
        if frame.filename.startswith(_CELL_PREFIX):
            del frames[:position]
            break
    kept = [frame for frame in frames if not frame.filename.startswith(_OURS)]
    shown.stack = traceback.StackSummary.from_list(kept)
    for inner in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        _strip(inner, seen)
