"""What a run knows of its cells before it starts."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from msgspec import structs

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.dataflow.hazards import ALWAYS_THERE, Closed, Names
from llm_repl_core.engine.prompts.prepare import answer_variable
from llm_repl_core.engine.scheduler import Planned
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.names import as_variable, is_variable
from llm_repl_core.model.notebook import Notebook

__all__ = ["analyse_notebook", "plan", "unset_names"]


def analyse_notebook(notebook: Notebook) -> list[Effects]:
    """What each cell does to the names of the notebook, in document order."""
    system = notebook.preference("system")
    return [
        analyse_cell(cell, _variable(cell, place), system)
        for place, cell in enumerate(notebook.cells)
    ]


def unset_names(notebook: Notebook) -> dict[str, frozenset[str]]:
    """By prompt: the names that it reads and that no cell above it sets, where there are any."""
    found: dict[str, frozenset[str]] = {}
    known = {*ALWAYS_THERE, *notebook.memory, "item"}
    for cell, effects in zip(notebook.cells, analyse_notebook(notebook), strict=True):
        if isinstance(cell, PromptCell) and not effects.reads <= known:
            found[cell.id] = effects.reads - known
        known |= effects.writes
    return found


def plan(
    notebook: Notebook,
    cell_ids: Sequence[str],
    *,
    plain: Iterable[str] = (),
    in_order: Container[str] = (),
) -> Iterator[Planned]:
    """Prepare a run of cells.

    Args:
        notebook: All of it is looked at: a cell outside of the run may define what one calls.
        cell_ids: Those that run, in document order; ids that do not exist are passed over.
        plain: Names of variables that are known to hold plain data, which no cell sets.
        in_order: Cells that nothing may overtake, as they fail, and say what there is.
    """
    effects = analyse_notebook(notebook)
    cells = notebook.cells
    names = Names(effects, texts=_texts(cells, effects), plain={*plain, *notebook.memory, "item"})
    by_id = {cell.id: place for place, cell in enumerate(cells)}
    pinned = [place for place, cell in enumerate(cells) if cell.pinned and not cell.skipped]
    for place, cell_id in enumerate(cell_ids):
        index = by_id.get(cell_id)
        if index is None:
            continue
        cell = cells[index]
        is_prompt = isinstance(cell, PromptCell)
        yield Planned(
            cell_id=cell_id,
            content=cell.content,
            place=place,
            is_prompt=is_prompt,
            effects=(
                structs.replace(
                    names.closed(effects[index]), barrier="a name that it reads is not set"
                )
                if cell_id in in_order
                else names.closed(effects[index])
            ),
            variable=_variable(cell, index),
            needs=(
                frozenset(cells[above].id for above in pinned if above < index)
                | (frozenset(cell.context) if isinstance(cell.context, list) else frozenset())
                if isinstance(cell, PromptCell)
                else frozenset()
            ),
            needs_all=isinstance(cell, PromptCell) and cell.context == "above",
            later=_later(cell, names) if isinstance(cell, PromptCell) else None,
        )


def _later(cell: PromptCell, names: Names) -> Closed | None:
    """What is still done to the names when the answer of a prompt is there."""
    name = as_variable(cell.schema.strip()) if isinstance(cell.schema, str) else ""
    if not is_variable(name):
        return None
    only = frozenset({name})
    made = names.closed(Effects(reads=only, touches=only))
    # To make an instance of a class changes what its methods visibly change. That it might do
    # more would hold up all prompts with one class until the one before has its answer.
    changes = made.changes - only
    return Closed(
        reads=made.reads,
        writes=made.writes,
        changes=changes,
        reach=frozenset(names.objects(made.reads)),
        touches=frozenset(names.objects(changes)),
    )


def _variable(cell: Cell, place: int) -> str | None:
    return answer_variable(cell, place) if isinstance(cell, PromptCell) else None


def _texts(cells: Sequence[Cell], effects: Sequence[Effects]) -> set[str]:
    """The variables that hold the plain text of an answer, whoever sets them."""
    texts = set()
    others: set[str] = set()
    for place, (cell, one) in enumerate(zip(cells, effects, strict=True)):
        if isinstance(cell, PromptCell) and cell.schema is None and cell.for_each is None:
            texts.add(answer_variable(cell, place))
        else:
            others |= one.writes
    return texts - others
