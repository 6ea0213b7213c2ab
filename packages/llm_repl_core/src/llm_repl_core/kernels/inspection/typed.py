"""Completions that need no state: the names that stand in a cell, and Python's own."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

__all__ = ["typed_completions", "typed_names", "word_start"]

_MAX_TYPED = 200
_NAME = re.compile(r"[^\W\d]\w*")
_NAME_BEFORE = re.compile(r"[^\W\d]\w*\Z")


def word_start(code: str, cursor: int) -> tuple[int, bool]:
    """Where the word before a place begins, and whether it is a name of its own.

    >>> word_start("x = pri", 7), word_start("x.pri", 5), word_start("x + ", 4)
    ((4, True), (2, False), (4, False))
    """
    word = _NAME_BEFORE.search(code[:cursor])
    if word is None:
        return cursor, False
    start = word.start()
    return start, code[start - 1 : start] not in (".", "%", '"', "'", "/")


def typed_names(code: str, begin: str) -> list[tuple[str, str]]:
    """Names that stand in the cell, and keywords: those of a function's own are in no state."""
    names = {name for name in _NAME.findall(code) if name.startswith(begin) and name != begin}
    found = [(name, "variable") for name in sorted(names) if not keyword.iskeyword(name)]
    return found + [(word, "keyword") for word in keyword.kwlist if word.startswith(begin)]


def typed_completions(code: str, cursor: int, names: Iterable[str]) -> dict[str, object]:
    """What may be typed at a place, as far as the text and known names tell.

    Args:
        code: The cell's text.
        cursor: The place, in characters.
        names: Variables that there are.

    Returns:
        As `llm_repl_core.kernels.inspection.completion.complete_code`.
    """
    start, is_name = word_start(code, cursor)
    matches: dict[str, str] = {}
    if is_name:
        begin = code[start:cursor]
        matches = {name: "variable" for name in names if name.startswith(begin)}
        for text, kind in typed_names(code, begin):
            matches.setdefault(text, kind)
        for name, value in vars(builtins).items():
            if name.startswith(begin) and not name.startswith("_"):
                matches.setdefault(name, "class" if isinstance(value, type) else "function")
    listed = [{"text": text, "type": kind} for text, kind in matches.items()]
    return {"start": start, "end": cursor, "matches": listed[:_MAX_TYPED]}
