"""What hooks are told: frozen, so that a plugin sees and does not meddle."""

from __future__ import annotations

from msgspec import Struct

from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.providers.base import Request, Usage

__all__ = ["CallContext", "CallResult", "CellContext", "CellResult", "RunContext", "RunResult"]


class RunContext(Struct, frozen=True, kw_only=True):
    """A run of a notebook.

    Attributes:
        notebook: The notebook; do not change it.
        run_id: A UUID.
        cell_ids: The cells to run, in order.
    """

    notebook: Notebook
    run_id: str
    cell_ids: tuple[str, ...]


class RunResult(Struct, frozen=True, kw_only=True):
    """The outcome of a run.

    Attributes:
        error: One line of text, or None if it completed.
        cell_id: The cell that failed, or None.
        duration_s: From start to end.
    """

    error: str | None
    cell_id: str | None
    duration_s: float


class CellContext(Struct, frozen=True, kw_only=True):
    """A cell that is run.

    Attributes:
        notebook: The notebook; do not change it.
        cell: The cell; do not change it.
        run_id: The run's UUID.
    """

    notebook: Notebook
    cell: Cell
    run_id: str


class CellResult(Struct, frozen=True, kw_only=True):
    """The outcome of a cell.

    Attributes:
        outputs: All its outputs.
        error: One line of text, or None if it completed.
        duration_s: From start to end.
    """

    outputs: tuple[Output, ...]
    error: str | None
    duration_s: float


class CallContext(Struct, frozen=True, kw_only=True):
    """A call to a model.

    Attributes:
        notebook: The notebook; do not change it.
        cell: The prompt cell; do not change it.
        run_id: The run's UUID.
        provider: The provider's name.
        request: Everything that is sent. It contains no key.
        preview: Whether this is only a preview.
    """

    notebook: Notebook
    cell: Cell
    run_id: str
    provider: str
    request: Request
    preview: bool = False


class CallResult(Struct, frozen=True, kw_only=True):
    """The outcome of a call.

    Attributes:
        text: The answer, or the part of it that arrived.
        model: The model that answered, if the provider says so.
        usage: The token counts, if the provider reports them.
        error: One line of text, or None if it completed.
        duration_s: From start to end.
    """

    text: str
    model: str | None
    usage: Usage | None
    error: str | None
    duration_s: float
