"""What a kernel lacks for some cells to run: which of the cells above give it that, and how."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from llm_repl_core.dataflow.cells import analyse_memory
from llm_repl_core.dataflow.effects import LAST_ANSWER
from llm_repl_core.dataflow.graph import Edge, Graph
from llm_repl_core.engine.executors.memory import MEMORY_VARIABLE
from llm_repl_core.engine.prompts.answer_json import read_answer_json
from llm_repl_core.errors import AnswerMisfit
from llm_repl_core.model.cell import Cell, ForeignCell, MemoryCell, PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.names import named_variable
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

__all__ = ["CatchUp", "plan_catch_up"]


class CatchUp(Struct, frozen=True, kw_only=True):
    """How a kernel gets what it lacks, in the order of the document.

    Attributes:
        cell_ids: The cells that were asked for, and those above that must run for them.
        restored: Cells that need not run, by id, with the variables that they leave: prompts whose
            answer the notebook has, and memory cells.
        rerun: Of the cells that run, those that would give the same as before: they run for the
            variables alone, and prompts among them take their answers from the record.
    """

    cell_ids: tuple[str, ...]
    restored: Mapping[str, Mapping[str, JSONValue]] = field(default_factory=dict)
    rerun: frozenset[str] = frozenset()


def plan_catch_up(
    notebook: Notebook, graph: Graph, wanted: Iterable[str], held: Collection[str]
) -> CatchUp:
    """Find what must happen above some cells before they can run.

    Args:
        notebook: The notebook.
        graph: Its dependencies.
        wanted: The cells that are to run, whatever happens.
        held: The cells whose variables the kernel has.
    """
    above: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        above.setdefault(edge.target, []).append(edge)
    run = set(wanted)
    restored: dict[str, Mapping[str, JSONValue]] = {}
    rerun: set[str] = set()
    waiting = list(run)
    while waiting:
        for edge in above.get(waiting.pop(), ()):
            source = edge.source
            if source in run or source in restored or source in held or source not in notebook:
                continue
            cell = notebook[source]
            if not _is_needed(cell, edge):
                continue
            is_valid = cell.status == "completed" and not cell.stale
            values = _left_by(cell, notebook) if is_valid else None
            if values is not None:
                restored[source] = values
                continue
            run.add(source)
            waiting.append(source)
            if is_valid:
                rerun.add(source)
    in_order = tuple(cell.id for cell in notebook if cell.id in run)
    return CatchUp(cell_ids=in_order, restored=restored, rerun=frozenset(rerun))


def _is_needed(cell: Cell, edge: Edge) -> bool:
    """Whether a cell leaves something in the kernel that the target of the edge may use."""
    if isinstance(cell, ForeignCell) or edge.kind == "context":
        return False  # what goes with a prompt is in the notebook, not in the kernel
    # Code that cannot be analysed may use any answer, but none is paid for on a suspicion.
    return edge.variable is not None or cell.status == "completed"


def _left_by(cell: Cell, notebook: Notebook) -> dict[str, JSONValue] | None:
    """The variables that a cell left when it ran, where the notebook has them; else None."""
    if isinstance(cell, MemoryCell):
        names = analyse_memory(cell.content).writes - {MEMORY_VARIABLE}
        if not names <= notebook.memory.keys():
            return None
        kept: dict[str, JSONValue] = {name: notebook.memory[name] for name in sorted(names)}
        return copy.deepcopy(kept | {MEMORY_VARIABLE: dict(notebook.memory)})
    if isinstance(cell, PromptCell):
        value = _answer(cell)
        if isinstance(value, UnsetType):
            return None
        return {cell.answer_variable(notebook.index(cell.id)): value, LAST_ANSWER: value}
    return None


def _answer(cell: PromptCell) -> JSONValue | UnsetType:
    """The answer that a prompt's outputs hold; UNSET where they do not hold all of its value."""
    if named_variable(cell.schema) is not None:
        return UNSET  # an instance of a class, which only the kernel can make
    responses = [output for output in cell.outputs if output.type == "llm_response"]
    if any(reply.fields.get("failed") or reply.fields.get("interrupted") for reply in responses):
        return UNSET
    try:
        if cell.for_each is None:
            return _value(cell, responses[-1]) if responses else UNSET
        by_item = {reply.fields.get("item"): reply for reply in responses}
        if set(by_item) != set(range(len(by_item))):
            return UNSET
        return [_value(cell, by_item[item]) for item in range(len(by_item))]
    except AnswerMisfit:
        return UNSET  # it was edited


def _value(cell: PromptCell, response: Output) -> Any:
    return response.content if not cell.has_schema else read_answer_json(response.content)
