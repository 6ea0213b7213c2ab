"""How far prompts over items are, for clients that come in the middle of one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from llm_repl_core import CellCompleted, CellFailed, CellStarted, ItemsProgress, ItemsStarted
from llm_repl_core.execution.events import EXCERPT_CHARACTERS, EXCERPTS

__all__ = ["EndedItem", "ItemsEvent", "ItemsOfCell", "ItemsUnderWay"]

ItemsEvent: TypeAlias = CellStarted | ItemsStarted | ItemsProgress | CellCompleted | CellFailed


class EndedItem(Struct, frozen=True, kw_only=True):
    """An item that has its answer, or will have none."""

    item: Annotated[int, Meta(ge=0, description="The index of the item.")]
    ename: Annotated[
        str | None, Meta(description="The type of its failure; null: it has an answer.")
    ]
    error: Annotated[
        str | None, Meta(description="Why it has no answer, in one line; null: it has one.")
    ]
    price_usd: Annotated[
        float | None,
        Meta(description="What it cost, in US dollars; null: not known, or nobody was asked."),
    ]
    is_asked: Annotated[
        bool, Meta(description="Whether a model was asked; else its answer was there before.")
    ]


class ItemsOfCell(Struct, frozen=True, kw_only=True):
    """How far a prompt over items is that is running."""

    cell_id: str
    total: Annotated[int, Meta(ge=0, description="How many items there are.")]
    ended: Annotated[int, Meta(ge=0, description="How many of them have ended.")]
    failed: Annotated[int, Meta(ge=0, description="How many of these have no answer.")]
    excerpts: Annotated[
        list[str],
        Meta(
            description=f"Of the first {EXCERPTS} items: what their prompts say behind what all of "
            f"them begin with, cut to {EXCERPT_CHARACTERS} characters."
        ),
    ]
    items: Annotated[
        list[EndedItem], Meta(description=f"Those of the first {EXCERPTS} that have ended.")
    ]


class _CellSoFar:
    def __init__(self, started: ItemsStarted) -> None:
        self.started = started
        self.ended = 0
        self.failed = 0
        self.items: list[EndedItem] = []


class ItemsUnderWay:
    """Collects what the engine says of items, until their cell ends."""

    def __init__(self) -> None:
        self._cells: dict[str, _CellSoFar] = {}

    def note(self, event: ItemsEvent) -> None:
        """Take an event of a cell."""
        match event:
            case ItemsStarted():
                self._cells[event.cell_id] = _CellSoFar(event)
            case ItemsProgress():
                cell = self._cells.get(event.cell_id)
                if cell is None:
                    return
                cell.ended, cell.failed = event.ended, event.failed
                if event.item < EXCERPTS:
                    cell.items.append(
                        EndedItem(
                            item=event.item,
                            ename=event.ename,
                            error=event.error,
                            price_usd=event.price_usd,
                            is_asked=event.is_asked,
                        )
                    )
            case _:
                self._cells.pop(event.cell_id, None)

    def list(self) -> list[ItemsOfCell]:
        """Each prompt over items that is running."""
        return [
            ItemsOfCell(
                cell_id=cell_id,
                total=cell.started.total,
                ended=cell.ended,
                failed=cell.failed,
                excerpts=[*cell.started.excerpts],
                items=[*cell.items],
            )
            for cell_id, cell in self._cells.items()
        ]
