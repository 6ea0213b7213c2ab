"""Which cells a command runs: by their numbers, those that are out of date, or all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from llm_repl_server.cli.cell_numbers import CellNumbers

if TYPE_CHECKING:
    from llm_repl_core import Cell, Notebook
    from llm_repl_core.engine.dependencies import Dependencies
    from llm_repl_core.parameters.injected import AppliedParameters

__all__ = ["CellsToRun", "NumberedCells", "cell_choice_options"]

F = TypeVar("F", bound=Callable[..., Any])


def cell_choice_options(command: F) -> F:
    """Add ``--cells``, ``--from``, ``--to`` and ``--stale``."""
    number = click.IntRange(min=1)
    options = [
        click.option("--cells", type=CellNumbers(), help="Run only these cells: 3,5-7 or 5-."),
        click.option("first", "--from", metavar="N", type=number, help="Run only from cell N on."),
        click.option("last", "--to", metavar="N", type=number, help="Run only up to cell N."),
        click.option(
            "--stale",
            is_flag=True,
            help="Run only cells that have no result, failed, or would give something else now.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class NumberedCells:
    """The cells that a command line names. They are found before anything changes their numbers.

    Args:
        notebook: The notebook, as its file has it.
        cells: Of ``--cells``.
        first: Of ``--from``.
        last: Of ``--to``.
        stale: Of ``--stale``.

    Attributes:
        is_all: Whether nothing limits it. Otherwise what the cells need runs, too.

    Raises:
        InvalidInput: A cell is named that is not there, or nothing is left to run.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        cells: tuple[range, ...] | None = None,
        first: int | None = None,
        last: int | None = None,
        stale: bool = False,
    ) -> None:
        from llm_repl_core import InvalidInput

        self.is_all = cells is None and first is None and last is None and not stale
        self._notebook = notebook
        self._stale = stale
        count = len(notebook)
        for number in filter(None, (first, last)):
            CellNumbers.indexes((range(number, number + 1),), count)  # refuses what is not there
        indexes = set(range(count) if cells is None else CellNumbers.indexes(cells, count))
        if first is not None and last is not None and first > last:
            raise InvalidInput(f"From cell {first} to cell {last} there is nothing to run.")
        indexes &= {*range((first or 1) - 1, last or count)}
        if not indexes:
            raise InvalidInput("Of --cells, nothing lies between --from and --to.")
        self._all_ids = {cell.id for cell in notebook}
        self._cell_ids = [notebook.cells[index].id for index in sorted(indexes)]

    def settle(self, given: AppliedParameters | None = None) -> CellsToRun:
        """Which cells these are now.

        Args:
            given: Parameters, which are in the notebook; what ran with other ones is out of date.
        """
        if self.is_all:
            return CellsToRun(None, None)
        from llm_repl_core.engine.catch_up import plan_catch_up
        from llm_repl_core.engine.dependencies import Dependencies

        notebook, dependencies = self._notebook, Dependencies(self._notebook)
        if given is not None:
            _mark_given(notebook, dependencies, given)
        if self._stale:
            for cell in notebook:  # a file may have been edited by what does not know what follows
                if _is_out_of_date(cell):
                    dependencies.mark_changed(cell.id)
        chosen = [
            cell_id
            for cell_id in self._cell_ids
            if not self._stale or _is_out_of_date(notebook[cell_id])
        ]
        needed = plan_catch_up(notebook, dependencies.graph(), chosen, ())
        return CellsToRun(tuple(chosen), frozenset(needed.cell_ids))

    def out_of_date(self) -> CellsToRun:
        """Those of them that are out of date after the notebook was edited; added ones, too."""
        notebook = self._notebook
        left_out = self._all_ids - set(self._cell_ids)
        chosen = [cell.id for cell in notebook if cell.id not in left_out and _is_out_of_date(cell)]
        return CellsToRun(tuple(chosen), None)


class CellsToRun(NamedTuple):
    """The cells of a run that starts without any variable.

    Attributes:
        chosen_ids: Those that were chosen, in document order; None: all.
        running_ids: Those, and the cells that run for them; None: all.
    """

    chosen_ids: tuple[str, ...] | None
    running_ids: frozenset[str] | None


def _mark_given(notebook: Notebook, dependencies: Dependencies, given: AppliedParameters) -> None:
    """Mark what ran with other parameters."""
    if given.cell_id is not None:
        if notebook[given.cell_id].status == "idle":  # it has other values than when it ran
            dependencies.mark_changed(given.cell_id)
        return
    from llm_repl_core.engine.plan import analyse_notebook

    for cell, effects in zip(notebook, analyse_notebook(notebook), strict=True):
        if effects.reads & given.values.keys() and cell.status != "idle":
            cell.be_stale()
            dependencies.mark_changed(cell.id, happening="stale")


def _is_out_of_date(cell: Cell) -> bool:
    """Whether a cell has no result, or one that may not be the one it would have now."""
    from llm_repl_core import ForeignCell, MarkdownCell

    if isinstance(cell, ForeignCell | MarkdownCell):
        return False
    return cell.stale or cell.status != "completed"
