"""What happens while a notebook runs: one stream, in order, to whoever listens."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from llm_repl_core.execution.model_calls import CallLimit
from llm_repl_core.model.output import Output
from llm_repl_core.model.staleness import StaleReason

__all__ = [
    "CELL_STOPPED",
    "EXCERPTS",
    "EXCERPT_CHARACTERS",
    "REASONS_TOLD",
    "RUN_STOPPED",
    "CallQueued",
    "CallSent",
    "CandidateEnded",
    "CandidateRetried",
    "CandidateText",
    "CellCompleted",
    "CellFailed",
    "CellNeed",
    "CellOutput",
    "CellOutputUpdated",
    "CellOutputsCleared",
    "CellReasoning",
    "CellRemoved",
    "CellRetried",
    "CellStarted",
    "CellSuperseded",
    "CellText",
    "CellWaiting",
    "CellsStale",
    "Event",
    "ItemsProgress",
    "ItemsStarted",
    "RunCompleted",
    "RunFailed",
    "RunProgress",
    "RunStarted",
    "StaleReasonsChanged",
    "ToolApprovalNeeded",
]


RUN_STOPPED = "The run was stopped."
CELL_STOPPED = "The cell was stopped."
REASONS_TOLD = 200
"""Of how many cells an event says why they are stale; of more, the cells themselves say it."""
EXCERPTS = 500
"""Of how many items an event says what they are asked."""
EXCERPT_CHARACTERS = 200


class Event(Struct, frozen=True, kw_only=True):
    """The root of all events. Who sees something happen makes one; the run fills in whose it is.

    Attributes:
        notebook_id: Which notebook.
        run_id: Which run of it: a UUID.
        sequence: Rises by one from event to event within a session, from 1.
    """

    notebook_id: str = ""
    run_id: str = ""
    sequence: int = 0


class RunStarted(Event, frozen=True, kw_only=True):
    """A run began.

    Attributes:
        cell_ids: The cells of the run, in order.
        whole_notebook: Whether that is all of them, asked for as such.
    """

    cell_ids: tuple[str, ...]
    whole_notebook: bool


class CellStarted(Event, frozen=True, kw_only=True):
    """A cell began. It ends in exactly one `CellCompleted` or `CellFailed`.

    Attributes:
        cell_id: Which cell.
    """

    cell_id: str


class CellOutput(Event, frozen=True, kw_only=True):
    """A cell gave an output. Text of a stream may come in several pieces.

    What threads, tasks and programs of a cell give after its end comes after its `CellCompleted` or
    `CellFailed`, and perhaps after the end of its run: then only who listens to the session hears it.

    Attributes:
        cell_id: Which cell.
        output: The output.
        index: Its place among the cell's outputs, from 0; the pieces of a stream that follow one
            another are one output.
    """

    cell_id: str
    output: Output
    index: int


class CellOutputUpdated(Event, frozen=True, kw_only=True):
    """An output that was there changed: a display was updated, or a stream went back in its text.

    Attributes:
        cell_id: Whose output it is; perhaps of a cell that ran before.
        index: Its place among the cell's outputs, as in `CellOutput`.
        output: The output as it is now.
        lines: Of a stream: how many lines at its end, the last and perhaps empty one included,
            ``output`` takes the place of; None: it takes the place of the whole output.
    """

    cell_id: str
    index: int
    output: Output
    lines: int | None = None


class CellOutputsCleared(Event, frozen=True, kw_only=True):
    """The code of a cell removed the outputs that the cell had.

    Attributes:
        cell_id: Which cell.
    """

    cell_id: str


class CellText(Event, frozen=True, kw_only=True):
    """An answer grew. Pieces that come fast are joined: a cell has at most one event in 20 ms.

    Attributes:
        cell_id: Which cell.
        text: The text to append.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    text: str
    item: int | None = None


class CellReasoning(Event, frozen=True, kw_only=True):
    """What a model thinks before it answers grew; it comes as often as `CellText` at most.

    Attributes:
        cell_id: Which cell.
        text: The text to append.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    text: str
    item: int | None = None


class CellNeed(Struct, frozen=True, kw_only=True):
    """What a cell waits for.

    Attributes:
        cell_id: The cell that has to end first.
        variable: The variable that it sets; None: it goes along with the other, or may change
            anything.
    """

    cell_id: str
    variable: str | None = None


class CellWaiting(Event, frozen=True, kw_only=True):
    """The order has come to a cell, which waits until prompts above it have their answers.

    Attributes:
        cell_id: Which cell.
        needs: What it waits for.
    """

    cell_id: str
    needs: tuple[CellNeed, ...]


class CellRemoved(Event, frozen=True, kw_only=True):
    """A cell was taken out of a run that had not come to it; the rest of the run goes on.

    Attributes:
        cell_id: Which cell.
        dependents: Cells of the run that need it: they use what there is of it from before.
    """

    cell_id: str
    dependents: tuple[str, ...] = ()


class CallQueued(Event, frozen=True, kw_only=True):
    """A call to a model waits before it is sent; `CallSent` follows, unless it is stopped.

    Attributes:
        cell_id: The prompt.
        limit: What it waits for: ``provider``: as many calls as that gets at once are under way, or
            it has asked for a pause; ``run``: as many as the run makes at once are; ``budget``:
            what calls above it cost is not certain.
        provider: The provider.
        place: The call's place among those that wait for the same, from 1.
        at_once: How many are made at once; None: that is not it.
        pause_s: How long the provider is still left in peace, as it asked; None: that is not it.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    limit: CallLimit
    provider: str
    place: int
    at_once: int | None = None
    pause_s: float | None = None
    item: int | None = None


class CallSent(Event, frozen=True, kw_only=True):
    """A call that had been queued is sent.

    Attributes:
        cell_id: The prompt.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    item: int | None = None


class CellSuperseded(Event, frozen=True, kw_only=True):
    """A call that was sent ahead was in vain: the prompt's request turned out to be different.

    Attributes:
        cell_id: The prompt.
        item: The index of the item, in a prompt over items; else None.
        above_ids: The cells that ran in between and may have changed its request.
    """

    cell_id: str
    item: int | None
    above_ids: tuple[str, ...]


class CellRetried(Event, frozen=True, kw_only=True):
    """The text that had come of an answer is void, as it will be asked for again.

    Either the call failed, or the answer did not have the form that the prompt asks for.

    Attributes:
        cell_id: Which cell.
        attempt: How many attempts have failed, from 1.
        error: One line of text.
        wait_s: How long until the next.
        attempts: How many are made at most; 0: not known.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    attempt: int
    error: str
    wait_s: float
    attempts: int = 0
    item: int | None = None


class ToolApprovalNeeded(Event, frozen=True, kw_only=True):
    """A model asks for a tool that somebody has to agree to: see `Session.approve`.

    Attributes:
        cell_id: Which cell.
        call_id: What to name in the answer.
        name: The function.
        arguments: JSON, exactly as the model wrote it.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    call_id: str
    name: str
    arguments: str
    item: int | None = None


class CellCompleted(Event, frozen=True, kw_only=True):
    """A cell ended well.

    Attributes:
        cell_id: Which cell.
        outputs: All its outputs, streams joined.
        execution_count: The cell's: code and memory cells count, from 1.
        duration_s: From its start to its end.
    """

    cell_id: str
    outputs: tuple[Output, ...]
    execution_count: int
    duration_s: float


class CellFailed(Event, frozen=True, kw_only=True):
    """A cell failed, was interrupted, or lost its kernel.

    Attributes:
        cell_id: Which cell.
        error: One line of text.
        outputs: All its outputs; the last is the error.
        interrupted: Whether somebody stopped it.
        execution_count: The cell's: code and memory cells count, from 1.
        duration_s: From its start to its end.
    """

    cell_id: str
    error: str
    outputs: tuple[Output, ...]
    interrupted: bool
    execution_count: int
    duration_s: float


class RunProgress(Event, frozen=True, kw_only=True):
    """One more cell of a run has ended.

    Attributes:
        ended: How many have.
        total: How many there are.
    """

    ended: int
    total: int


class ItemsStarted(Event, frozen=True, kw_only=True):
    """A prompt over items is about to be asked for each of them.

    Attributes:
        cell_id: The prompt.
        total: How many items there are.
        excerpts: Of the first `EXCERPTS`: what their prompts say, behind what all begin with.
    """

    cell_id: str
    total: int
    excerpts: tuple[str, ...] = ()


class ItemsProgress(Event, frozen=True, kw_only=True):
    """One more item of a prompt over items has ended, in whatever order.

    Attributes:
        cell_id: The prompt.
        ended: How many have.
        failed: How many of them have no answer.
        total: How many there are.
        item: The index of the one that ended.
        ename: Its failure's type; None: it has an answer.
        error: Why it has no answer, in one line; None: it has one.
        price_usd: What it cost, in US dollars; None: not known, or nobody was asked.
        is_asked: Whether a model was asked; else its answer was there before.
    """

    cell_id: str
    ended: int
    failed: int
    total: int
    item: int = 0
    ename: str | None = None
    error: str | None = None
    price_usd: float | None = None
    is_asked: bool = True


class CandidateText(Event, frozen=True, kw_only=True):
    """An answer grew of one of several that a prompt is asked of side by side; see `Session.ask`.

    Attributes:
        cell_id: The prompt.
        candidate: Which one, from 0.
        text: The text to append.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    candidate: int
    text: str
    item: int | None = None


class CandidateRetried(Event, frozen=True, kw_only=True):
    """The text that had come of one of several is void, as it will be asked for again.

    Attributes:
        cell_id: The prompt.
        candidate: Which one, from 0.
        error: One line of text.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    candidate: int
    error: str
    item: int | None = None


class CandidateEnded(Event, frozen=True, kw_only=True):
    """One of several has answered, or will not.

    Attributes:
        cell_id: The prompt.
        candidate: Which one, from 0.
        state: How it ended.
        error: Why there is no answer; None where there is.
        item: The index of the item, in a prompt over items; else None.
    """

    cell_id: str
    candidate: int
    state: Literal["running", "completed", "failed", "interrupted"]
    error: str | None
    item: int | None = None


class CellsStale(Event, frozen=True, kw_only=True):
    """Some cells would give something else now, since what they depend on has run anew.

    Attributes:
        cell_ids: Those that were not stale before, in document order.
        reasons: Why, by cell, of the first `REASONS_TOLD`.
    """

    cell_ids: tuple[str, ...]
    reasons: dict[str, tuple[StaleReason, ...]] = {}


class StaleReasonsChanged(Event, frozen=True, kw_only=True):
    """Of cells that were stale before, more is known why.

    Attributes:
        cell_ids: These cells, in document order.
        reasons: Why they are stale, by cell, of the first `REASONS_TOLD`.
    """

    cell_ids: tuple[str, ...]
    reasons: dict[str, tuple[StaleReason, ...]] = {}


class RunCompleted(Event, frozen=True, kw_only=True):
    """All cells of a run ended well."""


class RunFailed(Event, frozen=True, kw_only=True):
    """A run ended with a cell that failed, or was stopped.

    Attributes:
        error: One line of text.
        cell_id: The first cell in order that failed; None where the run failed outside of one.
        interrupted: Whether somebody stopped it.
        not_run: The cells that were not started, in order.
    """

    error: str
    cell_id: str | None
    interrupted: bool
    not_run: tuple[str, ...] = ()
