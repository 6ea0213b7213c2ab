"""What requests to run something hold, and what a run looks like."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from llm_repl_core import Budget, RunOptions
from llm_repl_core.ledger.record import Mode
from llm_repl_server.api.schemas import Executed
from llm_repl_server.services.execution import Include
from llm_repl_server.storage.run_record import RunState

__all__ = [
    "CellRun",
    "IncludeQuery",
    "RunAnswer",
    "RunBudget",
    "RunList",
    "RunRequest",
    "SomeExecuted",
]

# For JSON, 1.0 is as good an integer as 1.
_Number = Annotated[float, Meta(multiple_of=1, extra_json_schema={"format": "integer"})]
_Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]

_Limit = Annotated[_Number, Meta(ge=0, le=10**15)]


class RunBudget(Struct, frozen=True, kw_only=True):
    """What the calls of a run may cost at most; null: as much as they like."""

    calls: Annotated[_Limit | None, Meta(description="How many.")] = None
    tokens: Annotated[_Limit | None, Meta(description="Of messages and answers together.")] = None
    usd: Annotated[
        Annotated[float, Meta(ge=0)] | None, Meta(description="Money, in US dollars.")
    ] = None


class RunRequest(Struct, frozen=True, kw_only=True):
    """How a run is to go."""

    mode: Annotated[
        Mode | None,
        Meta(
            description="`live`: ask models; `reuse`: ask only what has no answer on record; "
            "`replay`: never ask. Null: as the notebook says, else `live`."
        ),
    ] = None
    concurrency: Annotated[
        Annotated[_Number, Meta(ge=1, le=10_000)] | None,
        Meta(description="How many calls may be under way at once; null: as the settings say."),
    ] = None
    budget: RunBudget | None = None
    stop_on_error: Annotated[bool, Meta(description="Whether a cell that fails ends the run.")] = (
        True
    )
    allow_unpriced: Annotated[
        bool,
        Meta(
            description="Whether calls without a known price are sent, and counted as free, where "
            "a budget limits money; else they are refused."
        ),
    ] = False
    parallel: Annotated[
        bool, Meta(description="Whether prompts run at the same time as other cells.")
    ] = True
    speculate: Annotated[
        bool | None,
        Meta(
            description="Whether prompts are sent ahead of cells that are not expected to change "
            "what they ask; null: as the notebook or the settings say."
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
        )


class IncludeQuery(Struct):
    """Which cells run along."""

    include: Annotated[
        Include | None,
        Meta(
            description="`upstream`: the cells that this one needs, too; `downstream`: those that "
            "need it."
        ),
    ] = field(default=None, name="with")


class CellRun(Executed):
    """What became of a cell. The last three: where other cells ran along."""

    cell_ids: Annotated[
        list[str] | UnsetType, Meta(description="All that ran or were to run, in order.")
    ] = UNSET
    error: Annotated[str | UnsetType, Meta(description="Why the run ended at another cell.")] = (
        UNSET
    )
    failed_cell_id: str | UnsetType | None = UNSET


class SomeExecuted(Struct):
    """What became of the cells that were stale."""

    success: bool
    cell_ids: Annotated[list[str], Meta(description="Those that were stale, in order.")]
    error: str | UnsetType = UNSET
    cell_id: str | UnsetType | None = UNSET


class RunAnswer(Struct):
    """A run of some cells of a notebook."""

    id: str
    notebook_id: str
    state: RunState
    kind: Annotated[
        str,
        Meta(
            description="What was asked for: `cell`, `notebook`, `stale`, or a cell with what is "
            "`upstream` or `downstream` of it."
        ),
    ]
    cell_ids: list[str]
    ended: Annotated[int, Meta(description="How many cells have ended.")]
    total: int
    mode: Literal["live", "reuse", "replay"]
    error: Annotated[str | None, Meta(description="One line of text, where it did not end well.")]
    cell_id: Annotated[str | None, Meta(description="The cell at which it ended, if at one.")]
    created_at: _Time
    started_at: Annotated[_Time | None, Meta(description="Null: it waits for its turn.")]
    ended_at: _Time | None


class RunList(Struct):
    """The latest runs of a notebook, the last that was asked for first."""

    runs: list[RunAnswer]


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
