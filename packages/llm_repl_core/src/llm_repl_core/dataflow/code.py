"""What Python code reads and writes, from its syntax tree.

``y = f(x)`` → reads ``f`` and ``x``, writes ``y``.
"""

from __future__ import annotations

import ast
from functools import lru_cache

from llm_repl_core.dataflow._magics import without_magics
from llm_repl_core.dataflow._state import Analysis
from llm_repl_core.dataflow._statements import visit_node
from llm_repl_core.dataflow.effects import NOTHING, Effects, combined, opaque_effects
from llm_repl_core.syntax import parse_expression, parse_statements

__all__ = ["analyse_code", "analyse_expression"]

_TOO_DEEP = "it is too deeply nested"
_NOT_PYTHON = "it is not Python"


@lru_cache(maxsize=2048)
def analyse_code(text: str) -> Effects:
    """What running a code cell does. No text makes it raise.

    Args:
        text: The cell's content.
    """
    try:
        statements = parse_statements(text)
    except SyntaxError:
        return _analyse_rest(text)
    return _analyse(statements, is_code=True) if statements else NOTHING


@lru_cache(maxsize=4096)
def analyse_expression(source: str) -> Effects:
    """What evaluating one expression does, as a template's field or a memory cell's value.

    Args:
        source: The expression. One that is none fails without an effect.
    """
    try:
        tree = parse_expression(source)
    except SyntaxError:
        return NOTHING
    return _analyse([ast.Expr(tree)])


def _analyse(statements: list[ast.stmt], *, is_code: bool = False) -> Effects:
    analysis = Analysis(visit_node)
    analysis.cell.calls = is_code
    try:
        analysis.visit(*statements)
    except RecursionError:
        return opaque_effects(_TOO_DEEP)
    return analysis.finish()


def _analyse_rest(text: str) -> Effects:
    """What a cell does that is not Python as it stands."""
    rest = without_magics(text)
    if rest is None:
        return opaque_effects(_NOT_PYTHON)
    python, magics = rest
    try:
        return combined([_analyse(parse_statements(python)), magics])
    except SyntaxError:
        return opaque_effects(_NOT_PYTHON)
