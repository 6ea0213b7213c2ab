"""What a prompt's template reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from llm_repl_core.dataflow._record import combined
from llm_repl_core.dataflow.code import analyse_expression
from llm_repl_core.dataflow.effects import NOTHING, Effects
from llm_repl_core.kernels.base import Expression
from llm_repl_core.templates import parse

__all__ = ["analyse_template"]


@lru_cache(maxsize=4096)
def analyse_template(text: str) -> Effects:
    """What filling a template does.

    Args:
        text: A prompt cell's content, or any other text with ``{fields}``.
    """
    if "{" not in text:
        return NOTHING
    sources = [source for expression in parse(text).expressions for source in _sources(expression)]
    return combined(map(analyse_expression, sources)) if sources else NOTHING


def _sources(expression: Expression) -> Iterator[str]:
    yield expression.source
    for part in expression.format_spec:
        if isinstance(part, Expression):
            yield from _sources(part)
