"""Which cells to run, and what is answered when they have run."""

from __future__ import annotations

import abc
from typing import Generic, TypeVar

from msgspec.structs import replace

from llm_repl_core import CellCompleted, CellFailed, Event, RunOptions
from llm_repl_core.engine.run import Run
from llm_repl_core.engine.selection import CellSelection, Include
from llm_repl_core.model.cell import CellStatus
from llm_repl_core.plugins.contexts import RunResult
from llm_repl_server.services.encoding import EncodedOutputs
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.run_answers import AllExecuted, CellRunAnswer, SomeExecuted

__all__ = ["AllCells", "CellChoice", "ChosenCells", "Include", "OneCell", "StaleCells"]

Answer = TypeVar("Answer")


class CellChoice(abc.ABC, Generic[Answer]):
    """A choice of cells, for one run.

    Attributes:
        kind: What the run's record calls it.
    """

    kind: str

    @abc.abstractmethod
    def make_run(self, opened: OpenNotebook, options: RunOptions) -> Run:
        """A run of the cells, which does not run yet.

        Raises:
            CellNotFound: There is no such cell.
        """

    @abc.abstractmethod
    def answer(self, opened: OpenNotebook, run: Run, result: RunResult) -> Answer:
        """What became of the cells, when that is on disk.

        Args:
            opened: Their notebook.
            run: The run.
            result: How it ended, and where; also where what it did could not be written.
        """


class OneCell(CellChoice[CellRunAnswer]):
    """A cell, and perhaps others.

    Args:
        cell_id: Which cell.
        include: Which others.
    """

    def __init__(self, cell_id: str, include: Include | None = None) -> None:
        self.kind = include or "cell"
        self._cell_id = cell_id
        self._include = include
        self._ending: CellCompleted | CellFailed | None = None

    def make_run(self, opened: OpenNotebook, options: RunOptions) -> Run:
        """A run of the cell and of those others, in document order."""
        cell_ids = [self._cell_id]
        if self._include == "upstream":
            cell_ids = [*opened.dependencies.upstream(self._cell_id), *cell_ids]
        elif self._include == "downstream":
            cell_ids += opened.dependencies.downstream(self._cell_id)
        return opened.session.make_run(cell_ids, options, listener=self._listen)

    def answer(self, opened: OpenNotebook, run: Run, result: RunResult) -> CellRunAnswer:
        """What became of the cell."""
        answer = self._cell_run(opened)
        if self._include is None:
            return answer
        answer = replace(answer, cell_ids=list(run.cell_ids))
        if result.error is None or result.cell_id == self._cell_id:
            return answer
        return replace(answer, error=result.error, failed_cell_id=result.cell_id)

    def _listen(self, event: Event) -> None:
        # The cell itself may be in its next run, or changed, by the time that this one is kept.
        if (
            isinstance(event, CellCompleted | CellFailed)
            and event.cell_id == self._cell_id
            and self._ending is None
        ):
            self._ending = event

    def _cell_run(self, opened: OpenNotebook) -> CellRunAnswer:
        ending = self._ending
        if ending is None or opened.writer.is_unwritten(self._cell_id):
            # It was stopped before its turn, or could not be written: as it is now.
            cell = opened.notebook[self._cell_id]
            outputs, status, count = EncodedOutputs(cell.outputs), cell.status, cell.execution_count
        else:
            outputs, status = EncodedOutputs(ending.outputs), _status_of(ending)
            count = ending.execution_count
        return CellRunAnswer(
            id=self._cell_id,
            cell_id=self._cell_id,
            outputs=outputs,
            status=status,
            execution_count=count,
        )


class ChosenCells(CellChoice[SomeExecuted]):
    """A list of cells, or from one to another, or all; up to the first that fails.

    Args:
        selection: Which.
    """

    kind = "cells"

    def __init__(self, selection: CellSelection) -> None:
        self._selection = selection

    def make_run(self, opened: OpenNotebook, options: RunOptions) -> Run:
        """A run of these."""
        cell_ids = self._selection.of(opened.notebook, opened.dependencies)
        return opened.session.make_run(cell_ids, options)

    def answer(self, opened: OpenNotebook, run: Run, result: RunResult) -> SomeExecuted:  # noqa: ARG002
        """Which these were, and whether all have run."""
        return _some_executed(run, result)


class AllCells(CellChoice[AllExecuted]):
    """All cells of a notebook, up to the first that fails."""

    kind = "notebook"

    def make_run(self, opened: OpenNotebook, options: RunOptions) -> Run:
        """A run of all cells."""
        return opened.session.make_run(None, options)

    def answer(self, opened: OpenNotebook, run: Run, result: RunResult) -> AllExecuted:  # noqa: ARG002
        """Whether all have run."""
        if result.error is None:
            return AllExecuted(success=True)
        return AllExecuted(success=False, error=result.error, cell_id=result.cell_id)


class StaleCells(CellChoice[SomeExecuted]):
    """The cells that would give something else now, and what they need above."""

    kind = "stale"

    def make_run(self, opened: OpenNotebook, options: RunOptions) -> Run:
        """A run of these."""
        return opened.session.make_stale_run(options)

    def answer(self, opened: OpenNotebook, run: Run, result: RunResult) -> SomeExecuted:  # noqa: ARG002
        """Which these were, and whether all have run."""
        return _some_executed(run, result)


def _some_executed(run: Run, result: RunResult) -> SomeExecuted:
    cell_ids = list(run.cell_ids)
    if result.error is None:
        return SomeExecuted(success=True, cell_ids=cell_ids)
    return SomeExecuted(
        success=False, cell_ids=cell_ids, error=result.error, cell_id=result.cell_id
    )


def _status_of(ending: CellCompleted | CellFailed) -> CellStatus:
    if isinstance(ending, CellCompleted):
        return "completed"
    return "interrupted" if ending.interrupted else "error"
