"""What comes fast is joined, so that nobody is told more often than they can look."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeAlias, TypeVar

from msgspec.structs import replace

from llm_repl_core import CellOutput, CellOutputsCleared, CellOutputUpdated, Output
from llm_repl_core.engine.throttle import Throttle
from llm_repl_core.model.output import is_plain_stream
from llm_repl_core.model.output_changes import StreamEdit

__all__ = ["LatestThrottle", "OutputEvent", "OutputThrottle"]

T = TypeVar("T")

OutputEvent: TypeAlias = CellOutput | CellOutputUpdated | CellOutputsCleared


class LatestThrottle(Generic[T]):
    """Passes a value on at once where none was for a while, else the latest of an interval.

    Args:
        send: Is given the values.
    """

    def __init__(self, send: Callable[[T], None]) -> None:
        self._send = send
        self._latest: T | None = None
        self._throttle = Throttle(self.flush)

    def add(self, value: T) -> None:
        """Take a value; what it replaces is sent to nobody."""
        self._latest = value
        self._throttle.request()

    def flush(self) -> None:
        """Pass on what waits."""
        self._throttle.cancel()
        latest, self._latest = self._latest, None
        if latest is not None:
            self._throttle.note_sent()
            self._send(latest)


class OutputThrottle:
    """Passes on what happens to the outputs of one cell: what comes fast is joined.

    Within an interval the pieces of each stream make one event, in the order in which the streams
    first spoke; of an output that is updated, the latest state counts; of what is cleared, nothing
    is told. Other new outputs go on at once, behind what waits. An output that changes before it was
    told of is told of as new, as it is by then.

    Args:
        send: Is given the events.
    """

    def __init__(self, send: Callable[[OutputEvent], None]) -> None:
        self._send = send
        self._waiting: dict[Hashable, OutputEvent] = {}
        self._begins: set[str] = set()
        """Streams of which what waits is the beginning of an output."""
        self._last_index = -1
        self._throttle = Throttle(self.flush)

    def add(self, event: OutputEvent) -> None:
        """Take an event."""
        match event:
            case CellOutputsCleared():
                self._waiting = {"cleared": event}
                self._begins.clear()
                self._last_index = -1
            case CellOutputUpdated(lines=None):
                before = self._waiting.get(event.index)
                if isinstance(before, CellOutput):
                    self._waiting[event.index] = replace(before, output=event.output)
                else:
                    self._waiting[event.index] = event
            case CellOutputUpdated():
                self._join(event)
            case CellOutput() if is_plain_stream(event.output):
                self._join(event)
            case CellOutput() if "cleared" in self._waiting:
                self._waiting[event.index] = event
                self._last_index = event.index
            case CellOutput():
                self.flush()
                self._last_index = event.index
                self._send(event)
                return
        self._throttle.request()

    def flush(self) -> None:
        """Pass on what waits."""
        self._throttle.cancel()
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            self._begins.clear()
            self._throttle.note_sent()
            for event in waiting.values():
                self._send(event)

    def _join(self, event: CellOutput | CellOutputUpdated) -> None:
        """Join what happens to a stream's text."""
        stream = event.output.type
        edit = _edit_of(event)
        before = self._waiting.get(stream)
        if before is not None and not self._is_joined_to(before, event):
            # The earlier text is another output's, which does not change any more.
            self.flush()
            before = None
        if isinstance(event, CellOutput) and event.index > self._last_index:
            self._last_index = event.index
            if before is None:
                self._begins.add(stream)
        if before is None:
            self._waiting[stream] = event
            return
        assert not isinstance(before, CellOutputsCleared)
        joined = _edit_of(before).then(edit)
        output = Output(stream, joined.text)
        if joined.lines and stream not in self._begins:
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

    def _is_joined_to(self, before: OutputEvent, event: CellOutput | CellOutputUpdated) -> bool:
        assert not isinstance(before, CellOutputsCleared)
        if before.index == event.index:
            return True
        if _edit_of(before).lines or _edit_of(event).lines:
            return False
        # Text of the other stream may stand between them, and nothing else.
        return not any(
            isinstance(key, int) and before.index < key < event.index for key in self._waiting
        )


def _edit_of(event: CellOutput | CellOutputUpdated) -> StreamEdit:
    lines = event.lines or 0 if isinstance(event, CellOutputUpdated) else 0
    return StreamEdit(event.output.type, lines, event.output.content)
