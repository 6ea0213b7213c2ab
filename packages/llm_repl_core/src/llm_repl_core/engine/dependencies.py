"""What of a notebook depends on what: for its graph, and for what has become stale."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from llm_repl_core.dataflow.dependents import Cause, Dependents
from llm_repl_core.dataflow.graph import Graph, build_graph
from llm_repl_core.engine.plan import analyse_notebook
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.staleness import StaleReason, bounded_text

__all__ = ["Dependencies", "Happening", "MarkedCells", "ValueChange"]

Happening: TypeAlias = Literal["added", "deleted", "edited", "failed", "moved", "ran", "stale"]
"""What happened to a cell that others depend on; ``stale``: it has become so itself."""

_VARIABLES_LIMIT = 3
"""How many variables of one cell are named as reasons."""

_INHERITED = ("model", "provider", "reasoning_effort", "system")
"""The fields of a prompt that are the notebook's where the prompt has none."""


class ValueChange(Struct, frozen=True):
    """What became of a variable; each text is bounded.

    Attributes:
        was: Before; None: not known.
        now: After; None: not known.
    """

    was: str | None = None
    now: str | None = None


class MarkedCells(Struct, frozen=True):
    """What became of the cells that depend on one that changed, in document order.

    Attributes:
        stale: Those that have become stale by it: they have run, and were not stale before.
        known: Those that were stale before, and have another reason now.
    """

    stale: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.stale or self.known)


class Dependencies:
    """The dependencies of one notebook, kept up with its edits.

    Args:
        notebook: The notebook, whose edits are found by its ``revision``.
        in_the_way: What runs have seen: a prompt that was sent ahead in vain, and a cell that was
            in the way, as they are at the moment.
    """

    def __init__(
        self,
        notebook: Notebook,
        in_the_way: Callable[[], Iterable[tuple[str, str]]] = lambda: (),
    ) -> None:
        self._notebook = notebook
        self._in_the_way = in_the_way
        self._dependents = Dependents(notebook)
        self._graph: tuple[int, Graph] | None = None

    def graph(self) -> Graph:
        """Which cells need which, by which variables, and which were in the way of a prompt."""
        revision = self._notebook.revision
        if self._graph is None or self._graph[0] != revision:
            self._graph = revision, build_graph(self._notebook, analyse_notebook(self._notebook))
        return self._graph[1].with_in_the_way(self._in_the_way())

    def upstream(self, cell_id: str) -> list[str]:
        """The ids of the cells that a cell needs, directly or not, in document order.

        Raises:
            CellNotFound: There is no such cell.
        """
        return self.graph().upstream(self._notebook[cell_id].id)

    def downstream(self, cell_id: str) -> list[str]:
        """The ids of the cells that need a cell, directly or not, in document order.

        Raises:
            CellNotFound: There is no such cell.
        """
        return self.graph().downstream(self._notebook[cell_id].id)

    def stale(self) -> list[str]:
        """The ids of the cells that would give something else now, in document order."""
        return [cell.id for cell in self._notebook if cell.stale]

    def mark_changed(
        self,
        cell_id: str,
        *,
        happening: Happening = "edited",
        except_ids: Container[str] = frozenset(),
    ) -> tuple[str, ...]:
        """Mark what depends on a cell that has run, was edited, or is about to be removed.

        Args:
            cell_id: The cell; one that does not exist changes nothing.
            happening: What happened to it.
            except_ids: Those that are known to have seen the change.

        Returns:
            The ids of the cells that have become stale by it, in document order: those that have
            run, and were not stale before.
        """
        return self.note_change(cell_id, happening, except_ids=except_ids).stale

    def note_change(
        self,
        cell_id: str,
        happening: Happening,
        *,
        except_ids: Container[str] = frozenset(),
        values: Mapping[str, ValueChange] | None = None,
    ) -> MarkedCells:
        """As `mark_changed`, which also tells of cells that were stale before.

        Args:
            cell_id: The cell; one that does not exist changes nothing.
            happening: What happened to it.
            except_ids: Those that are known to have seen the change.
            values: By variable that it sets: what became of it, as far as that is known.
        """
        notebook = self._notebook
        stale, known = [], []

        def may_differ(dependent_id: str) -> bool:
            cell = notebook[dependent_id]
            return (cell.stale or cell.status != "idle") and dependent_id not in except_ids

        def fresh(dependent_id: str) -> bool:
            return not notebook[dependent_id].stale and may_differ(dependent_id)

        # What depends on a cell that is stale, or was edited and not run since, is stale already.
        causes = self._dependents.causes(
            cell_id, ends_at=lambda dependent_id: not fresh(dependent_id)
        )
        for dependent_id, because_of in causes.items():
            if not may_differ(dependent_id):
                continue
            dependent = notebook[dependent_id]
            was_stale, before = dependent.stale, dependent.staleness.reasons
            dependent.be_stale(
                *self._reasons(cell_id, happening, dependent, because_of, values or {})
            )
            if not was_stale:
                stale.append(dependent_id)
            elif dependent.staleness.reasons != before:
                known.append(dependent_id)
        return MarkedCells(tuple(stale), tuple(known))

    def note_values(self, cell_id: str, values: Mapping[str, ValueChange]) -> None:
        """Complete the reasons of `note_change` by values that were read after it.

        Args:
            cell_id: The cell that ran.
            values: By variable that it sets.
        """
        for dependent_id in self.watchers(cell_id):
            dependent = self._notebook[dependent_id]
            for reason in dependent.staleness.reasons:
                if reason.kind != "variable" or reason.cell_id != cell_id:
                    continue
                value = values.get(reason.variable or "")
                if value is not None:
                    dependent.be_stale(_variable_reason(cell_id, reason.variable, dependent, value))

    def watchers(self, cell_id: str) -> dict[str, frozenset[str]]:
        """The cells that read a variable of this one at first hand, and have run: which variables.

        Args:
            cell_id: The cell; one that does not exist has none.
        """
        return {
            dependent_id: frozenset[str]().union(
                *(cause.variables for cause in because_of if cause.cell_id == cell_id)
            )
            for dependent_id, because_of in self._dependents.causes(
                cell_id, ends_at=lambda _: True
            ).items()
            if self._notebook[dependent_id].stale or self._notebook[dependent_id].status != "idle"
        }

    def note_notebook_edit(self, before: Mapping[str, object]) -> MarkedCells:
        """Mark the prompts that inherit what was edited of the notebook's own choices.

        Args:
            before: What stood under ``metadata.llm_repl``.
        """
        now = self._notebook.own_metadata
        edited = [name for name in _INHERITED if before.get(name) != now.get(name)]
        stale: list[str] = []
        known: list[str] = []
        for cell in self._notebook if edited else ():
            if not isinstance(cell, PromptCell) or not (cell.stale or cell.status != "idle"):
                continue
            reasons = [
                StaleReason(
                    kind="notebook", field=name, was=_shown(before, name), now=_shown(now, name)
                )
                for name in edited
                if getattr(cell, name) is None
            ]
            if reasons:
                (known if cell.stale else stale).append(cell.id)
                cell.be_stale(*reasons)
        # What uses an answer that may differ, may differ, too.
        further = [self.note_change(cell_id, "stale") for cell_id in stale]
        return MarkedCells(
            self._in_order([*stale, *(each for marked in further for each in marked.stale)]),
            self._in_order([*known, *(each for marked in further for each in marked.known)]),
        )

    def _in_order(self, cell_ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(cell_ids), key=self._notebook.index))

    def _reasons(
        self,
        cell_id: str,
        happening: Happening,
        dependent: Cell,
        because_of: Iterable[Cause],
        values: Mapping[str, ValueChange],
    ) -> Iterator[StaleReason]:
        number = self._notebook.index(cell_id) + 1 if happening == "deleted" else None
        for cause in because_of:
            named = sorted(cause.variables)[:_VARIABLES_LIMIT]
            variables: list[str | None] = [*named] if named else [None]
            for variable in variables:
                if cause.cell_id != cell_id:
                    yield StaleReason(kind="stale", cell_id=cause.cell_id, variable=variable)
                elif happening != "ran":
                    yield StaleReason(
                        kind=happening, cell_id=cell_id, cell_number=number, variable=variable
                    )
                elif variable is None:
                    yield StaleReason(kind="run", cell_id=cell_id)
                else:
                    value = values.get(variable, ValueChange())
                    yield _variable_reason(cell_id, variable, dependent, value)


def _variable_reason(
    cell_id: str, variable: str | None, dependent: Cell, value: ValueChange
) -> StaleReason:
    """That a variable was set again: from what the last run saw, to what it is."""
    return StaleReason(
        kind="variable",
        cell_id=cell_id,
        variable=variable,
        was=dependent.staleness.seen.get(variable or "", value.was),
        now=value.now,
    )


def _shown(own: Mapping[str, object], name: str) -> str | None:
    value = own.get(name)
    return bounded_text(value) if isinstance(value, str) else None
