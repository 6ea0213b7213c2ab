"""How far prompts over items are, for clients that come in the middle of one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from llm_repl_core import CellCompleted, CellFailed, CellStarted, ItemsProgress, ItemsStarted
from llm_repl_core.execution.events import EXCERPT_CHARACTERS, EXCERPTS

__all__ = [
    "EndedItem",
    "ItemError",
    "ItemErrorName",
    "ItemExcerpts",
    "ItemIndex",
    "ItemIsAsked",
    "ItemPrice",
    "ItemsEvent",
    "ItemsOfCell",
    "ItemsTotal",
    "ItemsUnderWay",
]

ItemsEvent: TypeAlias = CellStarted | ItemsStarted | ItemsProgress | CellCompleted | CellFailed


ItemIndex: TypeAlias = Annotated[int, Meta(ge=0, description="The index of the item.")]
ItemErrorName: TypeAlias = Annotated[
    str | None, Meta(description="The type of its failure; null: it has an answer.")
]
ItemError: TypeAlias = Annotated[
    str | None, Meta(description="Why it has no answer, in one line; null: it has one.")
]
ItemPrice: TypeAlias = Annotated[
    float | None,
    Meta(description="What it cost, in US dollars; null: not known, or nobody was asked."),
]
ItemIsAsked: TypeAlias = Annotated[
    bool, Meta(description="Whether a model was asked; else its answer was there before.")
]
ItemsTotal: TypeAlias = Annotated[int, Meta(ge=0, description="How many items there are.")]
ItemExcerpts: TypeAlias = Annotated[
    list[str],
    Meta(
        description=f"Of the first {EXCERPTS} items: what their prompts say behind what all of "
        f"them begin with, cut to {EXCERPT_CHARACTERS} characters."
    ),
]


class EndedItem(Struct, frozen=True, kw_only=True):
    """An item that has its answer, or will have none."""

    item: ItemIndex
    ename: ItemErrorName
    error: ItemError
    price_usd: ItemPrice
    is_asked: ItemIsAsked


class ItemsOfCell(Struct, frozen=True, kw_only=True):
    """How far a prompt over items is that is running."""

    cell_id: str
    total: ItemsTotal
    ended: Annotated[int, Meta(ge=0, description="How many of them have ended.")]
    failed: Annotated[int, Meta(ge=0, description="How many of these have no answer.")]
    excerpts: ItemExcerpts
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
