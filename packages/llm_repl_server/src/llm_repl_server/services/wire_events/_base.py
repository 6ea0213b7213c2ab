"""What all events have: a name, a notebook, and perhaps a run or a cell."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from llm_repl_core import Output

__all__ = [
    "CellEvent",
    "Item",
    "Line",
    "NotebookEvent",
    "RunCellEvent",
    "RunEvent",
    "WireEvent",
    "storage_failure",
]


class WireEvent(Struct, frozen=True, kw_only=True):
    """Something that clients are told."""

    wire_name: ClassVar[str] = ""
    """What clients know it by."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.wire_name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def room(self) -> str | None:
        """The notebook that it is about; None: it is for everybody."""
        return None

    def if_not_written(self, error: BaseException) -> WireEvent | None:  # noqa: ARG002 - for subclasses
        """What is told where what it says could not be written; None: nothing."""
        return None


_Epoch = Annotated[
    str,
    Meta(
        description="Another one when the numbers start over: when the server does, or a deleted "
        "notebook is loaded again."
    ),
]


_Sequence = Annotated[
    int, Meta(ge=1, description="Increases by one from event to event of the notebook.")
]


class NotebookEvent(WireEvent, frozen=True, kw_only=True):
    """Something happened to a notebook.

    Its `epoch` and `sequence` are given when it is published, and always sent.
    """

    notebook_id: str
    epoch: _Epoch = ""
    sequence: _Sequence = 0

    @property
    def room(self) -> str:
        """The notebook."""
        return self.notebook_id


class CellEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened to a cell."""

    cell_id: str


_RunId = Annotated[str, Meta(description="The same for all events of a run.")]


class RunEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened in a run."""

    run_id: _RunId

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as its base has it
        """The same, or a number would be missing."""
        return self


class RunCellEvent(RunEvent, frozen=True, kw_only=True):
    """Something happened to a cell of a run."""

    cell_id: str


Item = Annotated[
    int | None, Meta(description="The index of the item, in a prompt over items; null otherwise.")
]


Line = Annotated[str, Meta(description="One line of text.")]


def storage_failure(error: BaseException) -> Output:
    """What a cell says that has run and whose outputs could not be written."""
    return Output.error("StorageError", f"The outputs could not be kept: {error}")
