"""What the terminal needs of a notebook that lives, wherever it lives."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from llm_repl_core import Budget, Cell, Event, Output
    from llm_repl_core.engine.forecast import RunForecast
    from llm_repl_core.engine.prompts.draft_preview import DraftPreview
    from llm_repl_core.engine.prompts.preview import Preview
    from llm_repl_core.kernels.views import Completions, Inspected, VariableList

__all__ = ["CellKind", "ReplTarget", "RunChoice"]

CellKind = Literal["code", "prompt", "markdown", "memory"]


class RunChoice(Struct, frozen=True, kw_only=True):
    """Which cells are to run.

    Attributes:
        cell_ids: These; None: all of them.
        only_stale: Those that would give something else now, and what they need.
    """

    cell_ids: tuple[str, ...] | None = None
    only_stale: bool = False


class ReplTarget(abc.ABC):
    """A notebook that lives: in this process, or in a server. Called by plain threads.

    What can go wrong is raised as an `LLMReplError`, whose text is for whoever sits at the terminal.
    Cells are what the terminal shows; changing them is done here, never on the cells themselves.
    """

    # What there is ---------------------------------------------------------------------------

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What the notebook is called."""

    @property
    @abc.abstractmethod
    def place(self) -> str:
        """Where it is kept: a file's path, or an address; empty: nowhere yet."""

    @abc.abstractmethod
    def cells(self) -> Sequence[Cell]:
        """The cells in document order."""

    @abc.abstractmethod
    def preference(self, name: str) -> Any:
        """What the notebook itself asks for: ``model``, ``system``, ``mode``; None where nothing."""

    @abc.abstractmethod
    def model(self) -> str:
        """Who answers prompts that name no model, as ``provider/model``."""

    @abc.abstractmethod
    def model_names(self) -> Sequence[str]:
        """Models that can be named, as ``provider/model``; those that are known without asking."""

    @abc.abstractmethod
    def kernel_state(self) -> str:
        """What the kernel does, in a word: ``idle``, ``busy``, ``off``."""

    @abc.abstractmethod
    def spending(self) -> tuple[Budget | None, float]:
        """The notebook's budget, and what its calls have cost, in US dollars."""

    @abc.abstractmethod
    def price_of(self, output: Output) -> float | None:
        """What the call of an answer has cost, in US dollars; None where that is not known."""

    # Changing it -----------------------------------------------------------------------------

    @abc.abstractmethod
    def add(self, kind: CellKind, content: str, **options: Any) -> Cell:
        """Put a cell at the end.

        Raises:
            InvalidInput: An option does not fit.
        """

    @abc.abstractmethod
    def change(self, cell_id: str, **changes: Any) -> Cell:
        """Change fields of a cell; a changed content clears its outputs."""

    @abc.abstractmethod
    def move(self, cell_id: str, position: int) -> None:
        """Have a cell stand at a position, from 0."""

    @abc.abstractmethod
    def delete(self, cell_id: str) -> None:
        """Take a cell out; `undo` has it back."""

    @abc.abstractmethod
    def undo(self) -> str | None:
        """Take back the last change that a person made; what was done, None: there is nothing."""

    @abc.abstractmethod
    def prefer(self, name: str, value: Any) -> None:
        """Note what the notebook itself asks for; None: nothing any more.

        Raises:
            InvalidInput: The value does not fit.
        """

    @abc.abstractmethod
    def save(self, place: str | None = None) -> str:
        """Keep the notebook; where it was kept.

        Args:
            place: Where, from now on; None: where it is kept already.

        Raises:
            LLMReplError: It cannot be written there; what was there is untouched.
        """

    # Running ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def run(self, choice: RunChoice) -> Iterator[Event]:
        """Run cells and yield what happens. Ctrl-C stops them; the events go on to the end then.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, once all that happened has been yielded.
        """

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop what runs."""

    @abc.abstractmethod
    def approve(self, call_id: str, *, approved: bool, whole_run: bool = False) -> None:
        """Say whether a tool may be called."""

    @abc.abstractmethod
    def restart(self) -> None:
        """Start the kernel anew, which then has only the memory."""

    @abc.abstractmethod
    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables to plain data."""

    @abc.abstractmethod
    def remember(self, value: Any) -> None:
        """Have a value as ``_``, as that of the last expression."""

    # Looking ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def plan(self, choice: RunChoice) -> RunForecast:
        """What `run` would do and cost."""

    @abc.abstractmethod
    def preview(self, cell_id: str) -> Preview:
        """What running a prompt would send now, exactly."""

    @abc.abstractmethod
    def preview_line(self, content: str, **options: Any) -> DraftPreview | None:
        """What a prompt at the end would send that is being written; None: that can't be said."""

    @abc.abstractmethod
    def variables(self) -> VariableList:
        """The variables, each in one line."""

    @abc.abstractmethod
    def complete(self, code: str, cursor: int) -> Completions | None:
        """What may be typed at a place of code; None: that can't be said now."""

    @abc.abstractmethod
    def inspect(self, code: str, cursor: int) -> Inspected | None:
        """What is told of a name in code; None: that can't be said now."""

    # Leaving ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def close(self) -> None:
        """Stop what runs, keep what there is, and let go of it. May be called twice."""

    def held(self) -> AbstractContextManager[None]:
        """Around several changes that are kept, or told to others, at once."""
        from contextlib import nullcontext

        return nullcontext()
