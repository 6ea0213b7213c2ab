"""What Python code reads and writes, from its syntax tree."""

from __future__ import annotations

import ast
from functools import lru_cache

import msgspec

from llm_repl_core.dataflow._definitions import CellVisitor
from llm_repl_core.dataflow._magics import holds_magics, without_magics
from llm_repl_core.dataflow.effects import NOTHING, Effects, barrier_effects
from llm_repl_core.syntax import parse_expression, parse_statements

__all__ = ["analyse_code", "analyse_expression"]

_TOO_DEEP = "it is too deeply nested"
_NOT_PYTHON = "it is not Python"
_MAGICS = "a magic or a shell command may do anything"


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
    if not statements:
        return NOTHING
    return msgspec.structs.replace(_analyse(statements), keeps=True)


@lru_cache(maxsize=2048)
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


def _analyse(statements: list[ast.stmt]) -> Effects:
    visitor = CellVisitor()
    try:
        visitor.run(statements)
        visitor.finish()
    except RecursionError:
        return barrier_effects(_TOO_DEEP)
    return visitor.cell.effects()


def _analyse_rest(text: str) -> Effects:
    """A barrier, with what the Python around magics does."""
    if not holds_magics(text):
        return barrier_effects(_NOT_PYTHON)
    try:
        rest = _analyse(parse_statements(without_magics(text)))
    except SyntaxError:
        return barrier_effects(_NOT_PYTHON)
    return msgspec.structs.replace(rest, calls=True, keeps=True, barrier=_MAGICS)
