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
        notebook: The notebook; to be read only.
        run_id: A UUID.
        cell_ids: The cells that the run is to run, in order.
    """

    notebook: Notebook
    run_id: str
    cell_ids: tuple[str, ...]


class RunResult(Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes:
        error: One line of text, or None where it ended well.
        cell_id: The cell that failed, or None.
        duration_s: From start to end.
    """

    error: str | None
    cell_id: str | None
    duration_s: float


class CellContext(Struct, frozen=True, kw_only=True):
    """A cell that is run.

    Attributes:
        notebook: The notebook; to be read only.
        cell: The cell; to be read only.
        run_id: The run's UUID.
    """

    notebook: Notebook
    cell: Cell
    run_id: str


class CellResult(Struct, frozen=True, kw_only=True):
    """How a cell ended.

    Attributes:
        outputs: All its outputs.
        error: One line of text, or None where it ended well.
        duration_s: From start to end.
    """

    outputs: tuple[Output, ...]
    error: str | None
    duration_s: float


class CallContext(Struct, frozen=True, kw_only=True):
    """A call to a model.

    Attributes:
        notebook: The notebook; to be read only.
        cell: The prompt cell; to be read only.
        run_id: The run's UUID.
        provider: The provider's name.
        request: All that is sent. It holds no key.
        preview: Whether somebody only looks at what would be sent.
    """

    notebook: Notebook
    cell: Cell
    run_id: str
    provider: str
    request: Request
    preview: bool = False


class CallResult(Struct, frozen=True, kw_only=True):
    """How a call ended.

    Attributes:
        text: The answer, or what had come of it.
        model: The model that answered, where the provider says it.
        usage: What it cost, where the provider counts.
        error: One line of text, or None where it ended well.
        duration_s: From start to end.
    """

    text: str
    model: str | None
    usage: Usage | None
    error: str | None
    duration_s: float
