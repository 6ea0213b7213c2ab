"""What code reads and writes, from its syntax tree: Python, and IPython's magics around it."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from llm_repl_core.dataflow.analysis import Analysis
from llm_repl_core.dataflow.effects import NOTHING, Effects, combined, opaque_effects
from llm_repl_core.dataflow.known import word_set, words_of
from llm_repl_core.dataflow.statements import run
from llm_repl_core.syntax import parse_expression, parse_statements

__all__ = ["analyse_code", "analyse_expression"]

_TOO_DEEP = "it is too deeply nested"
_NOT_PYTHON = "it is not Python"
_MAY_DO_ANYTHING = "a magic may do anything"

_ON_PYTHON = frozenset({"capture", "prun", "time", "timeit"})
"""Magics of a whole cell that run the rest of it as it stands."""

_ON_TEXT = word_set("bash file html javascript js latex markdown perl ruby script sh svg writefile")
"""Magics of a whole cell for which the rest of it is a text."""

_HARMLESS = _ON_PYTHON | word_set(
    "autoreload cd conda config env load_ext ls mamba matplotlib pip precision pwd uv xmode"
)
"""Magics of a line that use no variables but those that the line names."""

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


@lru_cache(maxsize=2048)
def analyse_code(text: str) -> Effects:
    """What running a code cell does. No text makes it raise.

    >>> effects = analyse_code("y = f(x)")
    >>> sorted(effects.reads), effects.writes
    (['f', 'x'], {'y'})
    >>> analyse_code("%time y = x").reads, analyse_code("%run other.py").sees_all
    ({'x'}, 'a magic may do anything')
    """
    try:
        statements = parse_statements(text)
    except SyntaxError:
        return _analyse_magics(text)
    return _analyse(statements, is_code=True) if statements else NOTHING


@lru_cache(maxsize=4096)
def analyse_expression(source: str) -> Effects:
    """What evaluating an expression does, as a field's; one that is none fails without an effect.

    >>> sorted(analyse_expression("total / len(prices)").reads)
    ['prices', 'total']
    """
    try:
        tree = parse_expression(source)
    except SyntaxError:
        return NOTHING
    return _analyse([ast.Expr(tree)])


def _analyse(statements: list[ast.stmt], *, is_code: bool = False) -> Effects:
    state = Analysis()
    state.cell.calls = is_code
    try:
        run(state, statements)
    except RecursionError:
        return opaque_effects(_TOO_DEEP)
    return state.finish()


# Magics -------------------------------------------------------------------------------------------


def _analyse_magics(text: str) -> Effects:
    """What a cell does that is not Python as it stands: ``!ls {folder}`` → the word ``folder``."""
    cell_magic = _CELL_MAGIC.match(text)
    if not (cell_magic or _LINE.search(text) or _ASSIGNED.search(text)):
        return opaque_effects(_NOT_PYTHON)
    magics = Effects(calls=True)
    if cell_magic is not None:
        name, options = cell_magic.groups()
        magics.writes |= words_of(options)
        if name not in _ON_PYTHON:
            magics.mentions |= words_of(text)
            magics.acts = True
            return magics if name in _ON_TEXT else _opaque(magics)
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
            _opaque(magics)
        # Something stays in its place, as it may be all that a block holds.
        return f"{found['before']}{'None' if '=' in found['before'] else 'pass'}"

    python = _ASSIGNED.sub(without, _LINE.sub(without, text))
    try:
        return combined([_analyse(parse_statements(python)), magics])
    except SyntaxError:
        return opaque_effects(_NOT_PYTHON)


def _opaque(magics: Effects) -> Effects:
    magics.sees_all, magics.is_opaque = _MAY_DO_ANYTHING, True
    return magics
