"""What requests to run something hold."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from llm_repl_core import Budget, RunOptions
from llm_repl_core.engine.selection import CellSelection
from llm_repl_core.ledger.record import Mode
from llm_repl_server.services.cell_choices import ChosenCells, Include, StaleCells

__all__ = ["ChosenRun", "IncludeQuery", "RunBudget", "RunRequest"]

# For JSON, 1.0 is as good an integer as 1.
_Number = Annotated[float, Meta(multiple_of=1, extra_json_schema={"format": "integer"})]

CellId = Annotated[str, Meta(min_length=1, max_length=200, description="The id of a cell.")]
_Item = Annotated[_Number, Meta(ge=0, le=10**6)]

_Limit = Annotated[_Number, Meta(ge=0, le=10**15)]


class RunBudget(Struct, frozen=True, kw_only=True):
    """The budget of a run; null: no limit."""

    calls: Annotated[_Limit | None, Meta(description="How many.")] = None
    tokens: Annotated[_Limit | None, Meta(description="Of messages and answers together.")] = None
    usd: Annotated[
        Annotated[float, Meta(ge=0)] | None, Meta(description="The cost in US dollars.")
    ] = None


class RunRequest(Struct, frozen=True, kw_only=True):
    """The options of a run."""

    mode: Annotated[
        Mode | None,
        Meta(
            description="`live`: always ask models; `reuse`: use recorded answers, else ask; "
            "`replay`: use recorded answers only. Null: the notebook's mode, or "
            "`live`."
        ),
    ] = None
    concurrency: Annotated[
        Annotated[_Number, Meta(ge=1, le=10_000)] | None,
        Meta(description="How many calls may run at once; null: the setting `run_concurrency`."),
    ] = None
    budget: RunBudget | None = None
    stop_on_error: Annotated[bool, Meta(description="Whether a failed cell ends the run.")] = True
    allow_unpriced: Annotated[
        bool,
        Meta(
            description="Whether a budget in US dollars allows calls whose price is unknown, "
            "counting them as free; otherwise they are refused."
        ),
    ] = False
    parallel: Annotated[
        bool, Meta(description="Whether prompts run at the same time as other cells.")
    ] = True
    speculate: Annotated[
        bool | None,
        Meta(
            description="Whether prompts are sent ahead of cells that are not expected to change "
            "them; null: as set in the notebook or the settings."
        ),
    ] = None

    items: Annotated[
        Literal["failed"] | Annotated[list[_Item], Meta(max_length=10_000)] | None,
        Meta(
            description="Of prompts over items, which are asked for: the items of these indexes, "
            "or `failed`: those that have no answer. The others keep the answers that they show. "
            "Null: all."
        ),
    ] = None

    def options(self) -> RunOptions:
        """The same for the engine."""
        budget = None
        if self.budget is not None:
            budget = Budget(
                calls=_whole(self.budget.calls),
                tokens=_whole(self.budget.tokens),
                usd=self.budget.usd,
            )
        return RunOptions(
            mode=self.mode,
            concurrency=_whole(self.concurrency),
            budget=budget,
            stop_on_error=self.stop_on_error,
            allow_unpriced=self.allow_unpriced,
            parallel=self.parallel,
            speculate=self.speculate,
            items=tuple(map(int, self.items)) if isinstance(self.items, list) else self.items,
        )


class ChosenRun(RunRequest, frozen=True, kw_only=True):
    """Which cells to run, and the options of the run. Without a choice: all."""

    cells: Annotated[
        Annotated[list[CellId], Meta(max_length=10_000)] | None,
        Meta(description="These cells, whatever their order; null: all."),
    ] = None
    first: Annotated[CellId | None, Meta(description="From this cell on.")] = field(
        default=None, name="from"
    )
    last: Annotated[CellId | None, Meta(description="Up to this cell, and with it.")] = field(
        default=None, name="to"
    )
    include: Annotated[
        Include | None,
        Meta(
            description="`upstream`: also the cells that these need; `downstream`: also those that "
            "need them."
        ),
    ] = field(default=None, name="with")
    stale: Annotated[
        bool,
        Meta(
            description="The stale cells, and before them the cells that they need; the other "
            "choices are not looked at then."
        ),
    ] = False

    def choice(self) -> ChosenCells | StaleCells:
        """The cells."""
        if self.stale:
            return StaleCells()
        return ChosenCells(
            CellSelection(
                cell_ids=None if self.cells is None else tuple(self.cells),
                first=self.first,
                last=self.last,
                include=self.include,
            )
        )


class IncludeQuery(Struct):
    """Which cells run along."""

    include: Annotated[
        Include | None,
        Meta(
            description="`upstream`: also run the cells that this one needs; `downstream`: also "
            "those that need it."
        ),
    ] = field(default=None, name="with")


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
