"""What the terminal needs of a notebook that lives, wherever it lives."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from llm_repl_core import Budget, Cell, Event, Output
    from llm_repl_core.engine.answers.versions import AnswerDetail, AnswerPage
    from llm_repl_core.engine.forecast import RunForecast
    from llm_repl_core.engine.prompts.draft_preview import DraftPreview
    from llm_repl_core.engine.prompts.preview import Preview
    from llm_repl_core.kernels.views import Completions, Inspected, VariableList
    from llm_repl_core.ledger.record import Mode

__all__ = ["CellKind", "MadeCall", "News", "ReplTarget", "RunChoice"]

CellKind = Literal["code", "prompt", "markdown", "memory"]


class RunChoice(NamedTuple):
    """Which cells are to run.

    Attributes:
        cell_ids: These; None: all of them.
        only_stale: Those that would give something else now, and what they need.
        mode: Where answers come from; None: as the notebook says.
    """

    cell_ids: tuple[str, ...] | None = None
    only_stale: bool = False
    mode: Mode | None = None


class MadeCall(NamedTuple):
    """A call to a model.

    Attributes:
        cell_id: The prompt.
        provider: Who was asked.
        model: Which model of theirs.
        state: ``completed``, ``failed``, ``interrupted``, ``running`` or ``superseded``.
        source: ``live``, or where the answer was found.
        input_tokens: Of what was sent; None: not counted.
        output_tokens: Of the answer; None: not counted.
        price_usd: What it cost; None: not known.
        duration_s: How long it took; None: it runs.
        error: Why it failed; empty: it did not.
    """

    cell_id: str
    provider: str
    model: str
    state: str
    source: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    price_usd: float | None = None
    duration_s: float | None = None
    error: str = ""


class News(NamedTuple):
    """What somebody else has done in the notebook, or a cell that has ended.

    Attributes:
        text: A sentence; may be empty.
        cell_id: A cell that has run, and whose outputs are worth showing; None: none has.
        outputs: What else is to be shown.
    """

    text: str
    cell_id: str | None = None
    outputs: Sequence[Output] = ()


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
    def remember(self, cell_id: str) -> None:
        """Have a prompt's answer as ``_``, as the value of the last expression.

        Raises:
            Conflict: There is no answer, or no kernel.
        """

    # Looking ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def plan(self, choice: RunChoice) -> RunForecast:
        """What `run` would do and cost."""

    @abc.abstractmethod
    def preview(self, cell_id: str) -> Preview:
        """What running a prompt would send now, exactly."""

    @abc.abstractmethod
    def preview_line(self, content: str, **options: Any) -> DraftPreview:
        """What a prompt at the end would send that is being written."""

    @abc.abstractmethod
    def variables(self) -> VariableList:
        """The variables, each in one line."""

    @abc.abstractmethod
    def complete(self, code: str, cursor: int) -> Completions | None:
        """What may be typed at a place of code; None: that can't be said now."""

    @abc.abstractmethod
    def inspect(self, code: str, cursor: int) -> Inspected | None:
        """What is told of a name in code; None: that can't be said now."""

    # Answers and calls -----------------------------------------------------------------------

    @abc.abstractmethod
    def answers(self, cell_id: str, item: int | None = None) -> AnswerPage:
        """The latest versions of a prompt's answer, the newest first.

        Raises:
            InvalidInput: It is no prompt, or the item does not fit it.
        """

    @abc.abstractmethod
    def answer(self, cell_id: str, answer_id: str, item: int | None = None) -> AnswerDetail:
        """A version in full, and how it differs from the one in use."""

    @abc.abstractmethod
    def use_answer(self, cell_id: str, answer_id: str, item: int | None = None) -> None:
        """Take a version into use: the variable follows.

        Raises:
            Conflict: The cell runs.
            InvalidInput: It does not have the form that the prompt asks for.
        """

    @abc.abstractmethod
    def calls(self, limit: int) -> Sequence[MadeCall]:
        """The latest calls of the notebook, the newest first."""

    @abc.abstractmethod
    def draw_graph(self) -> str:
        """Which cells depend on which, drawn with characters."""

    @abc.abstractmethod
    def needs(self, cell_id: str) -> Sequence[tuple[str, str | None]]:
        """The cells that a cell needs, each with the variable by which; None: it goes along."""

    def follow(self, listener: Callable[[News], None]) -> None:  # noqa: B027  here nobody else is
        """Be told what others do from now on, by another thread, one at a time."""

    def source_of(self, name: str) -> str | None:  # noqa: ARG002  where it cannot be had
        """The source of what has a name, perhaps a dotted one; None: that can't be had."""
        return None

    def take_warnings(self) -> Sequence[str]:
        """What went wrong beside the work since this was last asked: a sentence each."""
        return ()

    # Leaving ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def close(self) -> None:
        """Stop what runs, keep what there is, and let go of it. May be called twice."""
