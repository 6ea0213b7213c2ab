"""What requests about prompts and about the graph hold."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from llm_repl_core.ledger.record import Mode
from llm_repl_server.api.schemas import CellChange

__all__ = ["Decision", "DraftRequest", "GraphQuery", "NewDraft"]


class Decision(Struct):
    """Whether a tool may be called."""

    approved: bool
    whole_run: Annotated[
        bool,
        Meta(description="Whether approving counts for all calls of this function in the run."),
    ] = False


class NewDraft(CellChange, kw_only=True):
    """A prompt that is not there yet, and how to look at it."""

    mode: Annotated[
        Mode | None,
        Meta(description="Where a run would take answers from; null: as the notebook says."),
    ] = None
    fill_calls: Annotated[
        bool,
        Meta(
            description="Whether fields that call something, as `{orders.head()}` does, are filled "
            "as well. Looking then runs code of the notebook."
        ),
    ] = False


class DraftRequest(NewDraft, kw_only=True):
    """Fields of a prompt that are not saved, and how to look at it."""

    models: Annotated[
        list[Annotated[str, Meta(max_length=200)]],
        Meta(
            max_length=100,
            description="Other models, as a cell names them, that are to say what they would take.",
        ),
    ] = field(default_factory=list)


class GraphQuery(Struct):
    """How to show the graph."""

    format: Literal["json", "text", "mermaid", "svg"] = "json"
