"""The outputs of one cell while it runs: kept in the cell, and told to whoever listens."""

from __future__ import annotations

from collections.abc import Sequence

from llm_repl_core.engine.calls import ModelCaller
from llm_repl_core.engine.displays import Displays
from llm_repl_core.engine.event_stream import RunEmitter
from llm_repl_core.execution.events import CellOutput, CellOutputsCleared, CellOutputUpdated
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import (
    DisplayUpdate,
    OutputChange,
    OutputList,
    OutputReset,
    StreamEdit,
)

__all__ = ["CellOutputs"]


class CellOutputs:
    """Puts outputs into a cell.

    They belong to the content that ran: an edit meanwhile puts a list of its own in this one's
    place, and then nothing is written back.

    Args:
        cell: The cell.
        emitter: Emits the events of the run.
        displays: What is displayed under which id, in all cells of the session.
        model_caller: Knows the keys, which are taken out of the outputs.
    """

    def __init__(
        self, cell: Cell, emitter: RunEmitter, displays: Displays, model_caller: ModelCaller
    ) -> None:
        self._cell = cell
        self._emitter = emitter
        self._displays = displays
        self._model_caller = model_caller
        self._list = OutputList()

    @property
    def are_current(self) -> bool:
        """Whether the cell still has these: it was neither edited nor run again meanwhile."""
        return self._cell.outputs is self._list.outputs

    @property
    def outputs(self) -> Sequence[Output]:
        """What there is."""
        return self._list.outputs

    def claim(self) -> None:
        """Have the cell show these."""
        self._cell.outputs = self._list.outputs

    def close(self) -> tuple[Output, ...]:
        """Put the outputs into the form in which they stay."""
        self._list.join_streams()
        # Again: a key may have been printed in pieces.
        self._list.outputs[:] = self._model_caller.redactor.value(self._list.outputs)
        return tuple(self._list.outputs)

    def put_late(self, change: OutputChange) -> None:
        """Make a change that comes after the cell's end, and emit it.

        Without an effect where the cell has other outputs by now, or is gone.
        """
        if self.are_current and self._displays.has(self._cell):
            self.put(change)
            self._list.join_streams()

    def put_error(self, name: str, message: str) -> None:
        """Add an error.

        Args:
            name: As an exception's class is called.
            message: One sentence.
        """
        self.put(Output.error(name, message))

    def put(self, change: OutputChange) -> None:
        """Make a change of the outputs, and emit it."""
        change = self._model_caller.redactor.value(change)
        cell_id, emit = self._cell.id, self._emitter.emit
        match change:
            case Output():
                index = self._list.add(change)
                emit(CellOutput(cell_id=cell_id, output=change, index=index))
                if change.display_id is not None:
                    self._displays.add(self._cell, self._list, change.display_id)
            case StreamEdit():
                output = Output(change.stream, change.text)
                edited = self._list.edit_stream(change)
                if edited is None:  # somebody has cleared it meanwhile
                    self.put(output)
                else:
                    emit(
                        CellOutputUpdated(
                            cell_id=cell_id, index=edited, output=output, lines=change.lines
                        )
                    )
            case DisplayUpdate():
                for shown_in, index in self._displays.update(change.output):
                    emit(CellOutputUpdated(cell_id=shown_in, index=index, output=change.output))
            case OutputReset():
                self._list.clear()
                emit(CellOutputsCleared(cell_id=cell_id))
