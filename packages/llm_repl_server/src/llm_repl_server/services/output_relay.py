"""Joins what a cell puts out and changes, so that nobody is told more often than they can look."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeAlias

from msgspec.structs import replace

from llm_repl_core import CellOutput, CellOutputsCleared, CellOutputUpdated, Output
from llm_repl_core.engine.pace import Pace
from llm_repl_core.model.output import is_plain_stream
from llm_repl_core.model.output_changes import StreamEdit

__all__ = ["OutputEvent", "OutputRelay"]

OutputEvent: TypeAlias = CellOutput | CellOutputUpdated | CellOutputsCleared


class OutputRelay:
    """Passes on what happens to the outputs of one cell: what comes fast is joined.

    Within an interval the pieces of each stream make one event, in the order in which the streams
    first spoke; of an output that is updated, the latest state counts; of what is cleared, nothing
    is told. Other new outputs go on at once, behind what waits.

    Args:
        tell: Is given the events.
    """

    def __init__(self, tell: Callable[[OutputEvent], None]) -> None:
        self._tell = tell
        self._waiting: dict[Hashable, OutputEvent] = {}
        self._pace = Pace(self.flush)

    def add(self, event: OutputEvent) -> None:
        """Take an event."""
        match event:
            case CellOutputsCleared():
                self._waiting = {"cleared": event}
            case CellOutputUpdated(lines=None):
                self._waiting[event.index] = event
            case CellOutputUpdated():
                self._join(event)
            case CellOutput() if is_plain_stream(event.output):
                self._join(event)
            case CellOutput() if "cleared" in self._waiting:
                self._waiting[event.index] = event
            case CellOutput():
                self.flush()
                self._tell(event)
                return
        self._pace.ask()

    def flush(self) -> None:
        """Pass on what waits."""
        self._pace.cancel()
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            self._pace.told()
            for event in waiting.values():
                self._tell(event)

    def _join(self, event: CellOutput | CellOutputUpdated) -> None:
        """Join what happens to a stream's text."""
        stream = event.output.type
        before = self._waiting.get(stream)
        if before is None:
            self._waiting[stream] = event
            return
        assert not isinstance(before, CellOutputsCleared)
        edit = _edit_of(event)
        if edit.lines and before.index != event.index:
            # The earlier text is another output's, which does not change any more.
            self.flush()
            self._waiting[stream] = event
            return
        joined = _edit_of(before).then(edit)
        output = Output(stream, joined.text)
        if joined.lines:
            self._waiting[stream] = CellOutputUpdated(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                sequence=event.sequence,
                cell_id=event.cell_id,
                index=event.index,
                output=output,
                lines=joined.lines,
            )
        else:
            self._waiting[stream] = replace(before, output=output, index=event.index)


def _edit_of(event: CellOutput | CellOutputUpdated) -> StreamEdit:
    lines = event.lines or 0 if isinstance(event, CellOutputUpdated) else 0
    return StreamEdit(event.output.type, lines, event.output.content)
