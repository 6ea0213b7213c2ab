"""What Python code reads and writes, from its syntax tree."""

from __future__ import annotations

from functools import lru_cache

from llm_repl_core.dataflow._barriers import barrier_of_text
from llm_repl_core.dataflow._definitions import CellVisitor
from llm_repl_core.dataflow.effects import NOTHING, Effects, barrier_effects
from llm_repl_core.syntax import parse_expression, parse_statements

__all__ = ["analyse_code", "analyse_expression"]

_TOO_DEEP = "it is too deeply nested"


@lru_cache(maxsize=4096)
def analyse_code(text: str) -> Effects:
    """What running a code cell does. No text makes it raise.

    Args:
        text: The cell's content.
    """
    if not text.strip():
        return NOTHING
    try:
        statements = parse_statements(text)
        visitor = CellVisitor()
        visitor.run(statements)
        visitor.finish()
    except SyntaxError:
        return barrier_effects(barrier_of_text(text))
    except RecursionError:
        return barrier_effects(_TOO_DEEP)
    return visitor.cell.effects()


@lru_cache(maxsize=4096)
def analyse_expression(source: str) -> Effects:
    """What evaluating one expression does, as a template's field or a memory cell's value.

    Args:
        source: The expression. One that is none fails without an effect.
    """
    try:
        tree = parse_expression(source)
        visitor = CellVisitor()
        visitor.value(tree)
    except SyntaxError:
        return NOTHING
    except RecursionError:
        return barrier_effects(_TOO_DEEP)
    return visitor.cell.effects()
