"""What became of the cells of a run, and what its calls took: for the summary and for reports."""

from __future__ import annotations

import time
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct, field

from llm_repl_core import (
    Application,
    CallRecord,
    CellCompleted,
    CellFailed,
    Event,
    Notebook,
    Output,
    RunFailed,
    RunStarted,
)
from llm_repl_core.errors import CallNotSent
from llm_repl_server.cli.terminal_text import format_price

__all__ = [
    "CallTally",
    "CellEnding",
    "EndedCell",
    "NotebookReport",
    "RunResults",
    "counted",
    "duration_text",
]

CellEnding: TypeAlias = Literal["completed", "failed", "stopped", "not_run"]


class EndedCell(Struct, frozen=True, kw_only=True):
    """How a cell ended.

    Attributes:
        state: Whether it did well; ``not_run``: the run ended before.
        duration_s: From its start to its end.
        error: One line of text; empty where there is none.
        outputs: What it gave.
    """

    state: CellEnding = "not_run"
    duration_s: float = 0.0
    error: str = ""
    outputs: tuple[Output, ...] = ()


class CallTally(Struct, kw_only=True):
    """What calls have taken.

    Attributes:
        calls: How many were sent.
        from_record: How many were answered from the record.
        tokens: Of messages and answers together, of those that were sent.
        usd: Their price, in US dollars, as far as it is known.
        unpriced: Of how many it is not.
    """

    calls: int = 0
    from_record: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0

    def add(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        if record.source != "live":
            self.from_record += 1
            return
        self.calls += 1
        if record.usage is not None:
            self.tokens += (record.usage.input_tokens or 0) + (record.usage.output_tokens or 0)
        if record.price_usd is None:
            self.unpriced += 1
        else:
            self.usd += record.price_usd

    def merge(self, other: CallTally) -> None:
        """Count what another one has counted."""
        self.calls += other.calls
        self.from_record += other.from_record
        self.tokens += other.tokens
        self.usd += other.usd
        self.unpriced += other.unpriced

    def words(self) -> list[str]:
        """Each number that is not zero, in words."""
        words = []
        if self.calls:
            words.append(counted(self.calls, "call"))
        if self.from_record:
            words.append(f"{self.from_record:,} from record")
        if self.calls:
            words.append(counted(self.tokens, "token"))
            if self.unpriced < self.calls:
                words.append(format_price(self.usd))
            if self.unpriced:
                words.append(f"price of {counted(self.unpriced, 'call')} unknown")
        return words


class RunResults(Struct, kw_only=True):
    """Gathers what a run's events say. A run over several notebooks has one for each.

    Attributes:
        cells: By id, in the order of the run.
        calls: What its calls have taken.
        error: Why the run failed, where that was no cell; else None.
        not_run: How many cells it did not come to.
    """

    cells: dict[str, EndedCell] = {}
    calls: CallTally = field(default_factory=CallTally)
    error: str | None = None
    not_run: int = 0
    _started_s: float = field(default_factory=time.monotonic)
    _ended_s: float | None = None

    def take(self, event: Event) -> None:
        """Take the next event of the run."""
        match event:
            case RunStarted():
                self._started_s = time.monotonic()
                self.cells = {cell_id: EndedCell() for cell_id in event.cell_ids}
            case CellCompleted():
                self.cells[event.cell_id] = EndedCell(
                    state="completed", duration_s=event.duration_s, outputs=event.outputs
                )
            case CellFailed():
                self.cells[event.cell_id] = EndedCell(
                    state=_state_of(event),
                    duration_s=event.duration_s,
                    error=event.error,
                    outputs=event.outputs,
                )
            case RunFailed():
                self.not_run = len(event.not_run)
                if event.cell_id is None:
                    self.error = event.error

    def end(self) -> None:
        """Note that the run has ended."""
        self._ended_s = time.monotonic()

    @property
    def duration_s(self) -> float:
        """From the start of the run to its end, or until now."""
        return (time.monotonic() if self._ended_s is None else self._ended_s) - self._started_s

    @property
    def ended(self) -> int:
        """How many cells have ended."""
        return len(self.cells) - len(self.in_state("not_run"))

    def in_state(self, state: CellEnding) -> list[str]:
        """The ids of the cells that ended so, in order."""
        return [cell_id for cell_id, cell in self.cells.items() if cell.state == state]

    @property
    def failed(self) -> bool:
        """Whether anything failed or was stopped."""
        return bool(self.error is not None or self.in_state("failed") or self.in_state("stopped"))

    def summary(self) -> str:
        """The run in one line: cells, time, calls, tokens, price."""
        took = f"{counted(self.ended, 'cell')} in {duration_text(self.duration_s)}"
        calls = self.calls.words()
        return f"{took}: {', '.join(calls)}." if calls else f"{took}."


class NotebookReport(NamedTuple):
    """A notebook that was to run, and how that went.

    Attributes:
        name: Its file.
        notebook: The notebook; None: it could not be read.
        application: Which ran it; None: nothing did.
        results: What became of its cells.
        error: Why it could not run at all; empty where it could.
    """

    name: str
    notebook: Notebook | None
    application: Application | None
    results: RunResults
    error: str = ""


def _state_of(event: CellFailed) -> CellEnding:
    if event.interrupted:
        return "stopped"
    return "not_run" if event.error.startswith(CallNotSent.__name__) else "failed"


def counted(number: int, noun: str) -> str:
    """A number of things, in words.

    >>> counted(1, "call"), counted(1200, "call")
    ('1 call', '1,200 calls')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration_text(seconds: float) -> str:
    """A time that something took.

    >>> duration_text(3.14), duration_text(125), duration_text(7260)
    ('3.1 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
