"""What happens while a notebook runs: one stream, in order, to whoever listens."""

from __future__ import annotations

from msgspec import Struct

from llm_repl_core.model.output import Output

__all__ = [
    "CellCompleted",
    "CellEndedBadly",
    "CellOutput",
    "CellStarted",
    "Event",
    "RunCompleted",
    "RunEndedBadly",
    "RunStarted",
]


class Event(Struct, frozen=True, kw_only=True):
    """The root of all events.

    Attributes:
        notebook_id: Which notebook.
        run_id: Which run of it: a UUID.
        sequence: Rises by one from event to event within a session, from 1.
    """

    notebook_id: str
    run_id: str
    sequence: int


class RunStarted(Event, frozen=True, kw_only=True):
    """A run began.

    Attributes:
        cell_ids: The cells that it will run, in order.
        whole_notebook: Whether that is all of them, asked for as such.
    """

    cell_ids: tuple[str, ...]
    whole_notebook: bool


class CellStarted(Event, frozen=True, kw_only=True):
    """A cell began. It ends in exactly one `CellCompleted` or `CellEndedBadly`.

    Attributes:
        cell_id: Which cell.
    """

    cell_id: str


class CellOutput(Event, frozen=True, kw_only=True):
    """A cell gave an output. Text of a stream may come in several pieces.

    Attributes:
        cell_id: Which cell.
        output: The output.
    """

    cell_id: str
    output: Output


class CellCompleted(Event, frozen=True, kw_only=True):
    """A cell ended well.

    Attributes:
        cell_id: Which cell.
        outputs: All its outputs, streams joined.
        execution_count: Its number in the kernel's count, from 1.
        duration_s: From its start to its end.
    """

    cell_id: str
    outputs: tuple[Output, ...]
    execution_count: int
    duration_s: float


class CellEndedBadly(Event, frozen=True, kw_only=True):
    """A cell failed, was interrupted, or lost its kernel.

    Attributes:
        cell_id: Which cell.
        error: One line of text.
        outputs: All its outputs; the last is the error.
        interrupted: Whether somebody stopped it.
        execution_count: Its number in the kernel's count, from 1.
        duration_s: From its start to its end.
    """

    cell_id: str
    error: str
    outputs: tuple[Output, ...]
    interrupted: bool
    execution_count: int
    duration_s: float


class RunCompleted(Event, frozen=True, kw_only=True):
    """All cells of a run ended well."""


class RunEndedBadly(Event, frozen=True, kw_only=True):
    """A run ended at a cell that failed; the cells after it were not run.

    Attributes:
        error: One line of text.
        cell_id: The cell; None where the run failed outside of one.
        interrupted: Whether somebody stopped it.
    """

    error: str
    cell_id: str | None
    interrupted: bool
