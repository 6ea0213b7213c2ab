"""Formulas in TeX as MathML, which browsers draw without a script."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from llm_repl_core.formats.html._markup import Markup, element

if TYPE_CHECKING:
    from math_core import LatexToMathML

__all__ = ["draw_formula"]

_MOST_LENGTH = 5_000
_MOST_NESTED = 50
"""The parser is recursive, and ends the process where its stack ends."""
_NESTS = re.compile(r"(?<!\\)[{}]|\\(?:left|right|begin|end)\b")
_CHAIN = re.compile(r"(?:\\[A-Za-z]+[\s\[]*|[_^]\s*){40}")
_DELIMITERS = re.compile(r"^\s*(?:\$\$(.*)\$\$|\\\[(.*)\\\]|\$(.*)\$|\\\((.*)\\\))\s*$", re.DOTALL)


def draw_formula(source: str, *, is_display: bool) -> Markup:
    """A formula; its source where it cannot be drawn.

    Args:
        source: In TeX, with its delimiters or without.
        is_display: Whether it stands on lines of its own.
    """
    found = _DELIMITERS.match(source)
    formula = source if found is None else next(filter(None, found.groups()), "")
    drawn = _drawn(formula.strip(), is_display=is_display)
    kind = "formula is-display" if is_display else "formula"
    content = element("code", source) if drawn is None else Markup(drawn)
    # As the page: read out as its source, which says more than the letters alone.
    return element("span", content, class_=kind, role="math", aria_label=source)


def _drawn(formula: str, *, is_display: bool) -> str | None:
    if len(formula) > _MOST_LENGTH or _depth(formula) > _MOST_NESTED or _CHAIN.search(formula):
        return None
    converter = _converter()
    if converter is None:
        return None
    from math_core import LatexError

    try:
        return converter.convert_with_local_state(formula, displaystyle=is_display)
    except (LatexError, UnicodeError):
        return None


@cache
def _converter() -> LatexToMathML | None:
    try:
        from math_core import LatexToMathML
    except ImportError:
        return None
    return LatexToMathML(fancy_error=False)


def _depth(formula: str) -> int:
    depth = deepest = 0
    for mark in _NESTS.finditer(formula):
        depth += 1 if mark[0] in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    return deepest
