"""Braces that are plain text, and look as if a field was meant; and fields where LaTeX was.

Whether a field was meant depends on the notebook, too: in an example of JSON, in CSS or in a
formula it was not, as the notebook has no variables of these names.
"""

from __future__ import annotations

import ast
import re
import sys
from bisect import bisect_right
from functools import cached_property
from typing import Literal

from msgspec import Struct

from llm_repl_core.model.names import as_variable
from llm_repl_core.syntax import parse_expression
from llm_repl_core.templates.fields import LONGEST, end_of_expression, read_field

__all__ = ["Lookalike", "LookalikeFinder"]


class Lookalike(Struct, frozen=True):
    """Braces that look like a field, and are none.

    Attributes:
        text: The braces, with what is in them.
        line: Where they start, from 1.
        kind: ``doubled`` where both braces are doubled, ``open`` where nothing closes them, and
            else ``expression``: no name comes first, or it changes the state.
        names: The names that it would read.
    """

    text: str
    line: int
    kind: Literal["doubled", "open", "expression"]
    names: frozenset[str]

    @property
    def notice(self) -> str:
        """That it is sent as text, in a sentence."""
        text = self.text
        if len(text) > _TEXT_SHOWN:
            text = f"{text[: _TEXT_SHOWN - 1]}…"
        named = f"`{text}` at line {self.line}"
        if self.kind == "doubled":
            plain = f"{named} is sent as `{text[1:-1]}`"
            return f"{plain}: doubled braces are plain ones, single ones a field."
        if self.kind == "open":
            return f"{named} is sent as it stands, as no brace closes it on its line."
        return (
            f"{named} is sent as it stands: a field starts from a name, as "
            "`{str.join(', ', names)}` does, and sets nothing."
        )


_CODE = re.compile(r"^[ \t]*+(```|~~~).*?(?:^[ \t]*+\1|\Z)|`[^`\n]++`", re.MULTILINE | re.DOTALL)
_FORMULA = re.compile(
    # As pandoc tells them from prices: no space within, and no digit behind.
    r"\$\$[^$]++\$\$|\$(?![\s$])[^$\n]++(?<!\s)\$(?!\d)"
    r"|\\\((?:[^\\\n]|\\(?!\))){0,2000}+\\\)|\\\[(?:[^\\]|\\(?!\])){0,2000}+\\\]"
)
_BEFORE_GROUP = re.compile(r"(?:[_^]|\\[A-Za-z]+)\Z")
_NAME = re.compile(r"\{[ \t]*+([^\W\d]\w*+)")
_LETTER = re.compile(r"[^\W\d]")
_TEXT_SHOWN = 80  # characters
_LONGEST_MACRO = 30  # characters
# More would take time, and tell nobody more.
_MOST_FOUND = 20
_MOST_LOOKED_AT = 1000


class LookalikeFinder:
    """Looks at the braces of one text, in order.

    >>> finder = LookalikeFinder("The sum is {-price}.")
    >>> finder.look_at(11)
    >>> [(lookalike.text, lookalike.kind) for lookalike in finder.found]
    [('{-price}', 'expression')]

    Args:
        text: The template.

    Attributes:
        found: What looks like a field.
    """

    def __init__(self, text: str) -> None:
        self.found: list[Lookalike] = []
        self._text = text
        self._group_end = -1
        """Where a group of a LaTeX command ends: another may follow."""
        self._left = _MOST_LOOKED_AT

    def look_at(self, start: int) -> None:
        """Look at braces that are no field.

        Args:
            start: Where a ``{`` stands.
        """
        if self._opens_group(start) or self._left == 0 or len(self.found) == _MOST_FOUND:
            return
        self._left -= 1
        text, limit = self._text, start + LONGEST
        if text.startswith("{{", start):
            found = read_field(text, start + 1)
            if found is not None and text.startswith("}", found.end):
                self._add(start, found.end + 1, "doubled", _names(found.expression.source))
            return
        self._read_unclosed(start)
        end = end_of_expression(text, start + 1, min(len(text), limit))
        if end is None:
            return
        closing = text.find("}", end, limit)
        behind = text[end : closing + 1]
        if closing >= 0 and ";" not in behind and "\n" not in behind:
            self._add(start, closing + 1, "expression", _names(text[start + 1 : end].strip()))

    def is_in_formula(self, start: int) -> bool:
        """Whether a brace opens what LaTeX takes for a group, within a formula.

        Args:
            start: Where a ``{`` stands.
        """
        return (
            self._opens_group(start)
            and _is_within(self._formulas, start)
            and not _is_within(self._code, start)
        )

    def _read_unclosed(self, start: int) -> None:
        text, limit = self._text, start + LONGEST
        line_end = text.find("\n", start, limit)
        line_end = min(len(text), limit) if line_end < 0 else line_end
        name = _NAME.match(text, start)
        line = text[start:line_end]
        if name is not None and "}" not in line and ";" not in line:
            self._add(start, line_end, "open", frozenset({as_variable(name[1])}))

    def _add(
        self,
        start: int,
        end: int,
        kind: Literal["doubled", "open", "expression"],
        names: frozenset[str],
    ) -> None:
        if names and not _is_within(self._code, start):
            line = self._text.count("\n", 0, start) + 1
            self.found.append(Lookalike(self._text[start:end], line, kind, names))

    def _opens_group(self, start: int) -> bool:
        before = self._text[max(start - _LONGEST_MACRO, 0) : start]
        opens = start == self._group_end or _BEFORE_GROUP.search(before) is not None
        if opens:
            self._group_end = self._text.find("}", start, start + LONGEST) + 1
        return opens

    @cached_property
    def _code(self) -> list[tuple[int, int]]:
        return [found.span() for found in _CODE.finditer(self._text)]

    @cached_property
    def _formulas(self) -> list[tuple[int, int]]:
        return [found.span() for found in _FORMULA.finditer(self._text)]


def _is_within(spans: list[tuple[int, int]], index: int) -> bool:
    at = bisect_right(spans, (index, sys.maxsize)) - 1
    return at >= 0 and index < spans[at][1]


def _names(source: str) -> frozenset[str]:
    """The names that an expression reads; none where it is no expression."""
    if not _LETTER.search(source):
        return frozenset()
    try:
        tree = parse_expression(f"({source}\n)")
    except SyntaxError:
        return frozenset()
    names = [part for part in ast.walk(tree) if isinstance(part, ast.Name)]
    bound = {part.id for part in names if isinstance(part.ctx, ast.Store)}
    bound |= {part.arg for part in ast.walk(tree) if isinstance(part, ast.arg)}
    return frozenset(part.id for part in names) - bound
