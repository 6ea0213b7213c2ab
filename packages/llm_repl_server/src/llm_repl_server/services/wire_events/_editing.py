"""Notebooks and cells that are made, changed and deleted, and the files that notebooks live in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from llm_repl_server.services.answers import CellAnswer, Metadata
from llm_repl_server.services.encoding import Time
from llm_repl_server.services.file_status import FileStatus
from llm_repl_server.services.wire_events._base import CellEvent, NotebookEvent

__all__ = [
    "CellChanged",
    "CellCreated",
    "CellDeleted",
    "CellMoved",
    "HeaderEvent",
    "NotebookChanged",
    "NotebookCreated",
    "NotebookDeleted",
    "NotebookFileState",
    "NotebookFileTaken",
    "OutputsCleared",
]


class HeaderEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened to the header of a notebook."""

    id: str
    name: str
    created_at: Time
    updated_at: Time


class NotebookCreated(HeaderEvent, frozen=True, kw_only=True):
    """A notebook was created, or loaded from a file."""


class NotebookChanged(HeaderEvent, frozen=True, kw_only=True):
    """A notebook's name or metadata was changed."""

    metadata: Metadata


class NotebookDeleted(NotebookEvent, frozen=True, kw_only=True):
    """A notebook was deleted, and its kernel shut down."""


class NotebookFileState(NotebookEvent, frozen=True, kw_only=True):
    """The file of a notebook is in another state than before, or it lives in another one, or in none."""

    file: Annotated[FileStatus | None, Meta(description="Null: it lives in none any more.")]


class NotebookFileTaken(NotebookEvent, frozen=True, kw_only=True):
    """What another program has written to a notebook's file was taken over.

    It comes after the events that say what is changed by it.
    """

    path: Annotated[str, Meta(description="The file, relative to the root folder.")]
    merged: Annotated[
        bool,
        Meta(
            description="Whether the notebook had changes that the file had not, so that the two "
            "were merged."
        ),
    ]
    conflicts: Annotated[
        list[str],
        Meta(
            description="What could not be merged, a sentence each. A cell whose same lines both have "
            "changed has both texts, and is not run until somebody has chosen."
        ),
    ]


_Position = Annotated[int, Meta(ge=0, description="The cell's index in the notebook, from 0.")]


class CellCreated(CellEvent, frozen=True, kw_only=True):
    """A cell was created or duplicated."""

    position: _Position
    cell: CellAnswer


class CellChanged(CellEvent, frozen=True, kw_only=True):
    """A cell was edited, or one of its outputs was updated by code that ran later."""

    cell: CellAnswer


class CellMoved(CellEvent, frozen=True, kw_only=True):
    """A cell was moved."""

    position: _Position


class CellDeleted(CellEvent, frozen=True, kw_only=True):
    """A cell was deleted."""


class OutputsCleared(NotebookEvent, frozen=True, kw_only=True):
    """The outputs of some cells were cleared."""

    cell_ids: list[str]
