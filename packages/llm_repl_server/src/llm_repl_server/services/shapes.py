"""The shapes that answers and events share. Descriptions are made from them; data are plain dictionaries."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from llm_repl_core.model.cell import CellStatus

__all__ = ["CellAnswer", "Metadata", "NewVariableName", "NotebookHeader", "OutputAnswer"]

Metadata = dict[str, Any]
NewVariableName = Annotated[
    str,
    Meta(
        pattern=r"^(?:[^\W\d]\w*)?$(?!\n)",
        max_length=200,
        description="A Python identifier; the engine names it where empty or null.",
    ),
]


class NotebookHeader(Struct):
    """What identifies a notebook. `id` and `notebook_id` are the same."""

    id: str
    notebook_id: str
    name: str
    created_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    updated_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class OutputAnswer(Struct):
    """An output; it has the other fields of its type as well."""

    type: str
    content: str


class CellAnswer(Struct):
    """A cell; it has the fields of its type as well. `id` and `cell_id` are the same."""

    id: str
    cell_id: str
    type: str
    content: str
    outputs: list[OutputAnswer]
    status: CellStatus
    execution_count: int | None
    stale: Annotated[
        bool, Meta(description="Whether it has run and would give something else now.")
    ]
    pinned: Annotated[bool, Meta(description="Part of the context of every prompt below it.")]
    skipped: Annotated[bool, Meta(description="Part of no prompt's context.")]
    metadata: Metadata
    version: Annotated[str, Meta(description="For `If-Match`; changes with every edit.")]
