"""What a run knows of its cells: what each waits for, and from where on it may be sent ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, structs

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.dataflow.effects import LAST_ANSWER, Effects
from llm_repl_core.dataflow.transitive import (
    ALWAYS_THERE,
    Names,
    TransitiveEffects,
    may_disturb,
)
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.names import named_variable
from llm_repl_core.model.notebook import Notebook

__all__ = ["Candidate", "Plan", "PlannedCell", "analyse_notebook"]

_LOOK_BACK = 256
"""How many cells a prompt is sent ahead of at most."""

_ITEM = "item"


class PlannedCell(Struct, frozen=True, kw_only=True):
    """A cell of a run, and what is known of it.

    Attributes:
        cell_id: Which cell.
        index: Where it stands among the cells of the run, from 0.
        is_prompt: Whether it is a future: its answer comes later.
        effects: What it does to the names of the notebook.
        variable: The variable of the answer, if the cell is a prompt.
        needs: Cells whose outputs it is sent with, so that they must have ended.
        needs_all: Whether that is all cells above it.
        is_unset: Whether it reads what no cell above it sets, and so may fail with an error that
            lists what there is.
        holds_order: Whether nothing below it may use the kernel before it has ended: its tools, or
            the class that its answer becomes, run there.
    """

    cell_id: str
    index: int
    is_prompt: bool
    effects: TransitiveEffects
    variable: str | None = None
    needs: frozenset[str] = frozenset()
    needs_all: bool = False
    is_unset: bool = False
    holds_order: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names that it uses or binds, but for those of its answer."""
        if not self.is_prompt:
            return self.effects.reads | self.effects.writes
        return self.effects.reads | (self.effects.writes - {self.variable, LAST_ANSWER})


class Candidate(Struct, frozen=True, kw_only=True):
    """A prompt that may be sent before the order has come to it.

    Attributes:
        cell_id: Which cell.
        index: Where it stands among the cells of the run, from 0.
        ahead_from: The first index at which the state is predicted to show what its position shows.
        sources: By name that it reads, the prompt among the cells between that gives it its value.
        needs: Cells whose outputs it is sent with.
        reads: The names that it reads.
    """

    cell_id: str
    index: int
    ahead_from: int
    sources: Mapping[str, str]
    needs: frozenset[str]
    reads: frozenset[str]


class Plan:
    """The cells of one run, as they are when they are asked for: it follows edits of the notebook.

    Args:
        notebook: All of it is looked at: a cell outside of the run may define what one calls.
        cell_ids: Those that run, in document order; ids that do not exist are passed over.
        plain: Names of variables that are known to hold plain data, which no cell sets.
        ran: Tells the effects of what the kernel has run and no cell says any more.
        mispredicted: Whether a cell (the second) was seen to disturb a prompt (the first) that was
            sent ahead of it.
    """

    def __init__(
        self,
        notebook: Notebook,
        cell_ids: Sequence[str],
        *,
        plain: Iterable[str] = (),
        ran: Callable[[], Iterable[Effects]] = tuple,
        mispredicted: Callable[[str, str], bool] = lambda _prompt, _above: False,
    ) -> None:
        self._notebook = notebook
        self.cell_ids = cell_ids
        self._plain = frozenset(plain)
        self._ran = ran
        self._mispredicted = mispredicted
        self._revision = -1
        self._planned: dict[int, PlannedCell] = {}
        self._effects: list[Effects] = []
        self._indexes: dict[str, int] = {}
        self._pinned: list[int] = []
        self._always: set[str] = set()
        self._first_bound: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.cell_ids)

    def at(self, index: int) -> PlannedCell | None:
        """One of the cells.

        Args:
            index: Where it stands among the cells of the run, from 0.

        Returns:
            None: it was removed.
        """
        self._refresh()
        planned = self._planned.get(index)
        if planned is None and self.cell_ids[index] in self._indexes:
            planned = self._planned[index] = self._plan(index)
        return planned

    def candidate(self, index: int) -> Candidate | None:
        """A prompt as one that may be sent ahead.

        Args:
            index: Where it stands among the cells of the run, from 0.

        Returns:
            None: it is never sent ahead.
        """
        planned = self.at(index)
        if planned is None or not planned.is_prompt:
            return None
        cell = self._notebook[planned.cell_id]
        assert isinstance(cell, PromptCell)
        effects = planned.effects
        if cell.tools or planned.needs_all or planned.is_unset:
            return None
        if effects.sees_all is not None or effects.acts:
            return None
        sources: dict[str, str] = {}
        unbound = set(effects.reads)
        first = index
        for above_index in range(index - 1, max(index - _LOOK_BACK, 0) - 1, -1):
            above = self.at(above_index)
            if above is not None:
                if self._disturbs(above, planned):
                    break
                if above.is_prompt:
                    given = unbound & {above.variable or LAST_ANSWER, LAST_ANSWER}
                    sources.update(dict.fromkeys(given, above.cell_id))
                    unbound -= given
            first = above_index
        return Candidate(
            cell_id=planned.cell_id,
            index=index,
            ahead_from=first,
            sources=sources,
            needs=planned.needs,
            reads=effects.reads,
        )

    def _disturbs(self, above: PlannedCell, below: PlannedCell) -> bool:
        if self._mispredicted(below.cell_id, above.cell_id):
            return True
        effects = above.effects
        if above.is_prompt:
            if above.holds_order and effects.sees_all is not None:
                return True
            kept = effects.writes - {above.variable, LAST_ANSWER}
            effects = structs.replace(effects, writes=kept)
        return may_disturb(effects, below.effects)

    def _plan(self, index: int) -> PlannedCell:
        cell_id = self.cell_ids[index]
        position = self._indexes[cell_id]
        cell = self._notebook.cells[position]
        effects = self._names.transitive(self._effects[position])
        if not isinstance(cell, PromptCell):
            return PlannedCell(cell_id=cell_id, index=index, is_prompt=False, effects=effects)
        needs = frozenset(self._notebook.cells[at].id for at in self._pinned if at < position)
        if isinstance(cell.context, list):
            needs |= frozenset(cell.context)
        return PlannedCell(
            cell_id=cell_id,
            index=index,
            is_prompt=True,
            effects=effects,
            variable=cell.answer_variable(position),
            needs=needs,
            needs_all=cell.context == "above",
            is_unset=not all(
                name in self._always or self._first_bound.get(name, position) < position
                for name in self._effects[position].reads
            ),
            holds_order=bool(cell.tools) or named_variable(cell.schema) is not None,
        )

    def _refresh(self) -> None:
        notebook = self._notebook
        if notebook.revision == self._revision:
            return
        self._revision = notebook.revision
        self._planned.clear()
        self._effects = analyse_notebook(notebook)
        self._names = Names([*self._effects, *self._ran()], plain={*self._plain, _ITEM})
        self._indexes = {cell.id: position for position, cell in enumerate(notebook.cells)}
        self._pinned = [
            position
            for position, cell in enumerate(notebook.cells)
            if cell.pinned and not cell.skipped
        ]
        self._always = {*ALWAYS_THERE, *self._plain, *notebook.memory, _ITEM}
        self._first_bound = {}
        for position, effects in enumerate(self._effects):
            for name in effects.writes:
                self._first_bound.setdefault(name, position)


def analyse_notebook(notebook: Notebook) -> list[Effects]:
    """What each cell does to the names of the notebook, in document order."""
    system = notebook.preference("system")
    return [
        analyse_cell(cell, _variable(cell, position), system)
        for position, cell in enumerate(notebook.cells)
    ]


def _variable(cell: Cell, position: int) -> str | None:
    return cell.answer_variable(position) if isinstance(cell, PromptCell) else None
