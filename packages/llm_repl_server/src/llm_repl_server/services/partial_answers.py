"""The text of answers that are under way, for clients that come in the middle of one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from llm_repl_core import (
    CellCompleted,
    CellFailed,
    CellReasoning,
    CellRetried,
    CellStarted,
    CellText,
)

__all__ = ["AnswerEvent", "PartialAnswer", "PartialAnswers"]

AnswerEvent: TypeAlias = (
    CellStarted | CellText | CellReasoning | CellRetried | CellCompleted | CellFailed
)


class PartialAnswer(Struct, frozen=True):
    """What has come so far of an answer that is under way."""

    cell_id: str
    item: Annotated[
        int | None,
        Meta(description="The index of the item, in a prompt over items; null otherwise."),
    ]
    text: str
    reasoning: str


class _Pieces:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []


class PartialAnswers:
    """Collects what the engine says of answers, until the cell ends."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[int | None, _Pieces]] = {}

    def note(self, event: AnswerEvent) -> None:
        """Take an event of a cell."""
        match event:
            case CellText():
                self._pieces(event.cell_id, event.item).text.append(event.text)
            case CellReasoning():
                self._pieces(event.cell_id, event.item).reasoning.append(event.text)
            case CellRetried():  # what had come is void
                self._cells.get(event.cell_id, {}).pop(event.item, None)
            case _:
                self._cells.pop(event.cell_id, None)

    def list(self) -> list[PartialAnswer]:
        """What has come of each answer that is under way."""
        return [
            PartialAnswer(cell_id, item, "".join(pieces.text), "".join(pieces.reasoning))
            for cell_id, items in self._cells.items()
            for item, pieces in items.items()
        ]

    def _pieces(self, cell_id: str, item: int | None) -> _Pieces:
        return self._cells.setdefault(cell_id, {}).setdefault(item, _Pieces())
