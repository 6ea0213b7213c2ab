"""What a memory cell reads and writes."""

from __future__ import annotations

from functools import lru_cache

from llm_repl_core.dataflow._record import combined
from llm_repl_core.dataflow.code import analyse_expression
from llm_repl_core.dataflow.effects import NOTHING, Effects
from llm_repl_core.errors import InvalidMemory
from llm_repl_core.memory import parse

__all__ = ["analyse_memory"]

_MEMORY = "memory"


@lru_cache(maxsize=4096)
def analyse_memory(text: str) -> Effects:
    """What a memory cell does. One that cannot be parsed fails before it does anything.

    Args:
        text: The cell's content.
    """
    try:
        assignments = parse(text)
    except InvalidMemory:
        return NOTHING
    found = []
    for one in assignments:
        value = analyse_expression(one.expression)
        # The dictionary `memory` holds what is set, beside the variable itself. Values go
        # through JSON, so that they are tied to nothing else.
        found.append(value)
        found.append(
            Effects(
                writes=frozenset({one.name, _MEMORY}),
                rebinds=frozenset({one.name, _MEMORY}),
                links=(frozenset({one.name, _MEMORY}),),
            )
        )
    return combined(found) if found else NOTHING
