"""What a cell does, by its type."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from llm_repl_core.dataflow._record import combined
from llm_repl_core.dataflow.code import analyse_code, analyse_expression
from llm_repl_core.dataflow.effects import LAST_ANSWER, NOTHING, Effects, barrier_effects
from llm_repl_core.dataflow.memory import analyse_memory
from llm_repl_core.dataflow.template import analyse_template
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.names import as_variable, is_variable

__all__ = ["analyse_cell"]

_ITEM = "item"
"""What a prompt's template calls the item that it is sent for."""

_WITH_TOOLS = "its tools run in the kernel while the model thinks"


def analyse_cell(
    cell: Cell, variable: str | None = None, notebook_system: str | None = None
) -> Effects:
    """What running a cell does to the names of its notebook.

    Args:
        cell: The cell.
        variable: The variable of the answer, where it is a prompt.
        notebook_system: The notebook's own system text, which a prompt without one is sent with.
    """
    match cell:
        case MarkdownCell() | ForeignCell(is_raw=True):
            return NOTHING
        case CodeCell(content=content):
            return analyse_code(content)
        case MemoryCell(content=content):
            return analyse_memory(content)
        case PromptCell():
            return _analyse_prompt(
                cell.content,
                (cell.system if cell.system is not None else notebook_system) or "",
                cell.for_each,
                tuple(cell.attachments),
                cell.schema if isinstance(cell.schema, str) else "",
                tuple(cell.tools),
                variable,
            )
    return barrier_effects(
        f"cells of the type `{cell.type or _foreign_type(cell)}` are not analysed"
    )


@lru_cache(maxsize=4096)
def _analyse_prompt(
    content: str,
    system: str,
    for_each: str | None,
    attachments: tuple[str, ...],
    schema: str,
    tools: tuple[str, ...],
    variable: str | None,
) -> Effects:
    held = {as_variable(name) for name in attachments if is_variable(name)}
    model = schema.strip()
    named = {*held, *tools, *([as_variable(model)] if is_variable(model) else [])}
    # A file is part of the world outside, which other cells change.
    taken = Effects(reads=frozenset(named), calls=not all(map(is_variable, attachments)))
    inside = combined((analyse_template(content), analyse_template(system), taken))
    if for_each is not None:
        items = analyse_expression(for_each)
        inside = combined((items, _without_item(inside, items)))
    variables = frozenset({LAST_ANSWER, *([variable] if variable else [])})
    itself = Effects(writes=variables, rebinds=variables, barrier=_WITH_TOOLS if tools else None)
    return combined((inside, itself))


def _without_item(inside: Effects, items: Effects) -> Effects:
    """The effects of a template whose ``item`` is one of the items, and no variable."""

    def without(names: frozenset[str]) -> frozenset[str]:
        return (names - {_ITEM}) | items.reads if _ITEM in names else names

    return msgspec.structs.replace(
        inside,
        reads=inside.reads - {_ITEM},
        perhaps_reads=inside.perhaps_reads - {_ITEM},
        touches=without(inside.touches),
        consumes=without(inside.consumes) | items.reads,
        changes=without(inside.changes),
        links=tuple(map(without, inside.links)),
    )


def _foreign_type(cell: Cell) -> str:
    return getattr(cell, "foreign_type", "?")
