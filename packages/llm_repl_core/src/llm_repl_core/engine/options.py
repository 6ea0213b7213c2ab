"""How a run is to go: what its caller chooses."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from llm_repl_core.engine.budget import Budget
from llm_repl_core.errors import InvalidInput
from llm_repl_core.ledger.record import Mode
from llm_repl_core.misfit import misfit
from llm_repl_core.short_text import cut_short

__all__ = ["RunKeywords", "RunOptions", "run_options"]


class RunOptions(Struct, frozen=True, kw_only=True):
    """The options of a run.

    Attributes:
        stop_on_error: Whether a cell that fails ends the run: nothing more is started then, and
            what was independent of it and had started ends as it may. A run with a cell that
            was stopped always ends.
        mode: Whether models are asked, or the record; None: what the notebook says under
            ``metadata.llm_repl.mode``, else ``live``.
        concurrency: How many calls the run has under way at once; None: the settings' number.
        budget: What the run may spend; None: no limit of its own.
        allow_unpriced: Whether calls without a known price are sent, and counted as free, where a
            budget limits money. Without, they are refused.
        parallel: Whether prompts run at the same time as other cells. Without, each cell ends
            before the next begins; the results are the same.
        speculate: Whether prompts are sent ahead of cells that are not expected to change them; what
            was sent in vain costs money. None: what the notebook says under
            ``metadata.llm_repl.speculate``, else the settings.
        items: Of prompts over items, which are asked for: these, counted from 0, or those that
            have no answer (``failed``). The others keep the answer that they show, as long as
            their prompt is the same. None: all; after a run that did not end well, those answered
            then are taken from the record.
    """

    stop_on_error: bool = True
    mode: Mode | None = None
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    budget: Budget | None = None
    allow_unpriced: bool = False
    parallel: bool = True
    speculate: bool | None = None
    items: Literal["failed"] | tuple[Annotated[int, Meta(ge=0)], ...] | None = None


class RunKeywords(TypedDict, total=False):
    """The fields of `RunOptions`, as keywords."""

    stop_on_error: bool
    mode: Mode | None
    concurrency: int | None
    budget: Budget | None
    allow_unpriced: bool
    parallel: bool
    speculate: bool | None
    items: Literal["failed"] | tuple[int, ...] | None


def run_options(keywords: RunKeywords) -> RunOptions:
    """What a script chooses, checked: a mode that is misspelt would ask models.

    Args:
        keywords: As `RunOptions` has them.

    Raises:
        InvalidInput: One of them does not fit.
    """
    options = RunOptions(**keywords)
    budget = options.budget
    if not isinstance(budget, Budget | None):
        raise InvalidInput(
            "The run's option `budget` must be a `Budget`, such as `Budget(calls=3)`, not "
            f"{cut_short(repr(budget), 80)}."
        )
    try:
        checked = msgspec.convert(asdict(options) | {"budget": None}, RunOptions, strict=False)
    except msgspec.ValidationError as error:
        path, reason = misfit(error, RunOptions, {})
        raise InvalidInput(f"The run's option `{path}` is not usable: {reason}.") from None
    return replace(checked, budget=budget)
