"""The runs of a server: those under way, and the latest that have ended."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from llm_repl_server.storage.run_record import RunRecord, RunState

__all__ = ["RunRegistry"]

ENDED_LIMIT = 1000
"""How many runs that have ended are remembered; of those in the database, that knows more."""


class RunRegistry:
    """What is known of runs without asking the database. Used in the engine's loop.

    Args:
        last_number: The highest number of a run that an earlier server took in.
    """

    def __init__(self, last_number: int = 0) -> None:
        self._last_number = last_number
        self._open: dict[str, RunRecord] = {}
        self._ended: dict[str, RunRecord] = {}
        self._kept: set[str] = set()
        self._unwritten: dict[str, tuple[str, str]] = {}

    def begin(self, record: RunRecord, *, kept: bool) -> RunRecord:
        """Take in a run that waits for its turn.

        Args:
            record: The run.
            kept: Whether it is in the database too.

        Returns:
            The run with its number.
        """
        self._last_number += 1
        record = self._open[record.id] = replace(record, number=self._last_number)
        if kept:
            self._kept.add(record.id)
        return record

    def is_kept(self, run_id: str) -> bool:
        """Whether a run that is known is in the database too."""
        return run_id in self._kept

    def start(self, run_id: str) -> RunRecord | None:
        """Note that a run has got its turn; the run, or None where it is not known."""
        return self._change(run_id, state="running", started_at=datetime.now(UTC))

    def progress(self, run_id: str, ended: int) -> None:
        """Note how many cells of a run have ended."""
        self._change(run_id, completed=ended)

    def end(
        self, run_id: str, state: RunState, error: str | None = None, cell_id: str | None = None
    ) -> RunRecord | None:
        """Note how a run has ended; the run, or None where that is known already."""
        unwritten = self._unwritten.pop(run_id, None)
        if state == "completed" and unwritten is not None:
            state, (error, cell_id) = "failed", unwritten
        record = self._change(
            run_id, state=state, error=error, cell_id=cell_id, ended_at=datetime.now(UTC)
        )
        if record is None:
            return None
        if state == "completed":
            record = replace(record, completed=record.total)
        del self._open[run_id]
        self._ended[run_id] = record
        if len(self._ended) > ENDED_LIMIT:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._kept.discard(oldest)
        return record

    def fail(self, run_id: str, error: str, cell_id: str) -> RunRecord | None:
        """Note that what a run has done could not be written, whether or not it has ended.

        Returns:
            The run, where it had ended well; None elsewhere.
        """
        if run_id in self._open:
            self._unwritten.setdefault(run_id, (error, cell_id))
            return None
        record = self._ended.get(run_id)
        if record is None or record.state != "completed":
            return None
        record = replace(record, state="failed", error=error, cell_id=cell_id)
        self._ended[run_id] = record
        return record

    def find(self, run_id: str) -> RunRecord | None:
        """A run, or None where it is not known."""
        return self._open.get(run_id) or self._ended.get(run_id)

    def of_notebook(self, notebook_id: str) -> list[RunRecord]:
        """The runs of a notebook, in the order in which they were asked for."""
        known = (*self._ended.values(), *self._open.values())
        return sorted(
            (record for record in known if record.notebook_id == notebook_id),
            key=lambda record: record.number,
        )

    def open_runs(self) -> list[RunRecord]:
        """The runs of all notebooks that have not ended."""
        return list(self._open.values())

    def waiting_for(self, cell_id: str, notebook_id: str) -> list[str]:
        """The runs of one cell alone that wait for their turn."""
        return [
            record.id
            for record in self._open.values()
            if (record.notebook_id, record.cell_ids) == (notebook_id, (cell_id,))
            and record.state == "queued"
        ]

    def _change(self, run_id: str, **fields: object) -> RunRecord | None:
        record = self._open.get(run_id)
        if record is None:
            return None
        changed = self._open[run_id] = replace(record, **fields)
        return changed
