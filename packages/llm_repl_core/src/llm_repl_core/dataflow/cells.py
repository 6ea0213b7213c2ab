"""What a cell does, by its type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from llm_repl_core.dataflow.code import analyse_code, analyse_expression
from llm_repl_core.dataflow.effects import LAST_ANSWER, NOTHING, Effects, combined, opaque_effects
from llm_repl_core.errors import InvalidMemory
from llm_repl_core.kernels.base import Expression
from llm_repl_core.memory import parse as parse_memory
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.names import is_variable, named_variable
from llm_repl_core.templates import parse as parse_template

__all__ = ["analyse_cell", "analyse_memory", "analyse_template"]

_ITEM = "item"
"""What a prompt's template calls the item that it is sent for."""

_MEMORY = "memory"
_WITH_TOOLS = "its tools run in the kernel while the model thinks"


def analyse_cell(
    cell: Cell, variable: str | None = None, notebook_system: str | None = None
) -> Effects:
    """What running a cell does to the names of its notebook.

    >>> effects = analyse_cell(PromptCell(content="Sum up {text}"), "answer")
    >>> effects.reads, sorted(effects.writes)
    ({'text'}, ['_', 'answer'])

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
            return _analyse_prompt(cell, variable, notebook_system)
    foreign_type = cell.type or getattr(cell, "foreign_type", "?")
    return opaque_effects(f"cells of the type `{foreign_type}` are not analysed")


@lru_cache(maxsize=4096)
def analyse_memory(text: str) -> Effects:
    """What a memory cell does. One that cannot be parsed fails before it does anything.

    >>> effects = analyse_memory("total = sum(prices)")
    >>> effects.reads, sorted(effects.writes)
    ({'prices'}, ['memory', 'total'])
    """
    try:
        assignments = parse_memory(text)
    except InvalidMemory:
        return NOTHING
    names = {assignment.name for assignment in assignments}
    if names:
        names.add(_MEMORY)
    # Values go through JSON, so that they are plain, and tied to nothing else.
    values = [analyse_expression(assignment.expression) for assignment in assignments]
    return combined([*values, Effects(writes=names, rebinds=names, plain=names)])


@lru_cache(maxsize=4096)
def analyse_template(text: str) -> Effects:
    """What filling a template, a prompt cell's content, does.

    >>> sorted(analyse_template('{title}: {prices[0]:.2f} {"a": 1}').reads)
    ['prices', 'title']
    """
    if "{" not in text:
        return NOTHING
    sources = [
        source for expression in parse_template(text).expressions for source in _sources(expression)
    ]
    return combined(map(analyse_expression, sources))


def _sources(expression: Expression) -> Iterator[str]:
    yield expression.source
    for part in expression.format_spec:
        if isinstance(part, Expression):
            yield from _sources(part)


def _analyse_prompt(cell: PromptCell, variable: str | None, notebook_system: str | None) -> Effects:
    return _effects_of_prompt(
        cell.content,
        (cell.system if cell.system is not None else notebook_system) or "",
        cell.for_each,
        named_variable(cell.schema),
        tuple(cell.attachments),
        tuple(cell.tools),
        variable,
    )


@lru_cache(maxsize=4096)
def _effects_of_prompt(
    content: str,
    system: str,
    for_each: str | None,
    model: str | None,
    attachments: tuple[str, ...],
    tools: tuple[str, ...],
    variable: str | None,
) -> Effects:
    attached = [*map(named_variable, attachments)]
    named = {*filter(None, (*attached, model)), *filter(is_variable, tools)}
    request = Effects(reads=named, reads_files=None in attached)
    inside = combined([analyse_template(content), analyse_template(system), request])
    if for_each is not None:
        items = analyse_expression(for_each)
        inside = combined([items, _without_item(inside, items)])
    variables = {LAST_ANSWER, *([variable] if variable else [])}
    answer = Effects(writes=variables, rebinds=variables)
    if model is None:
        answer.plain |= variables
    if tools:
        answer.add(opaque_effects(_WITH_TOOLS))
    return combined([inside, answer])


def _without_item(inside: Effects, items: Effects) -> Effects:
    """The effects of a template whose ``item`` is one of the items, and no variable."""
    rest = Effects()
    rest.add(inside, bound={_ITEM})
    for names in (rest.changes, rest.touches):
        if _ITEM in names:
            names.remove(_ITEM)
            names |= items.reads
    return rest
