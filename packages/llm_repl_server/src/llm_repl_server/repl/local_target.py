"""A notebook that lives in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_repl_core import (
    Application,
    Budget,
    Cell,
    CodeCell,
    Event,
    Expression,
    InvalidInput,
    Kernel,
    LLMReplError,
    MarkdownCell,
    MemoryCell,
    Notebook,
    Output,
    PromptCell,
    Session,
    Value,
)
from llm_repl_core.engine.notebook_preferences import check_preferences, preferred_budget
from llm_repl_core.engine.options import RunKeywords
from llm_repl_core.engine.routing import route
from llm_repl_core.kernels import views
from llm_repl_core.model.cell import build_cell
from llm_repl_server.cli.run_ledgers import RunLedgers
from llm_repl_server.repl.late_outputs import LateOutputs
from llm_repl_server.repl.target import CellKind, MadeCall, News, ReplTarget, RunChoice

if TYPE_CHECKING:
    from llm_repl_core.engine.answers.versions import AnswerDetail, AnswerPage
    from llm_repl_core.engine.forecast import RunForecast
    from llm_repl_core.engine.prompts.draft_preview import DraftPreview
    from llm_repl_core.engine.prompts.preview import Preview
    from llm_repl_core.kernels.views import Completions, Inspected, VariableList
    from llm_repl_server.repl.notebook_file import NotebookFile

__all__ = ["LocalTarget"]

_CELL_CLASSES: dict[CellKind, type[Cell]] = {
    "code": CodeCell,
    "prompt": PromptCell,
    "markdown": MarkdownCell,
    "memory": MemoryCell,
}
_UNDO_LIMIT = 200
_WRITE_LIMIT_S = 1.0
"""How long after its answer a call may be recorded."""


class LocalTarget(ReplTarget):
    """Runs a notebook in a session of its own, and keeps it in a file.

    Args:
        application: Settings, providers and kernels.
        notebook: The notebook.
        file: Where it is kept; None: nowhere.
        kernel: Its kernel; the one that it names where None.
        use_log: Whether to keep calls in the log.
    """

    def __init__(
        self,
        application: Application,
        notebook: Notebook,
        file: NotebookFile | None,
        *,
        kernel: Kernel | str | None = None,
        use_log: bool = True,
    ) -> None:
        self.application = application
        self.file = file
        self._on_close = ExitStack()
        path = Path(notebook.name) if file is None else file.path
        # Which answers a run takes is said when it begins: so the recordings are there from now on.
        self._warnings: list[str] = []
        ledgers = RunLedgers(
            path,
            notebook,
            mode="reuse",
            use_log=use_log,
            opens_log_early=False,
            how_to_record="After /mode reuse, /run asks for the missing answers.",
            how_to_go_on="After /mode reuse, /run asks for those only.",
            warn=self._warnings.append,
        )
        self._on_close.enter_context(ledgers)
        self._ledger = ledgers.ledger
        self.session = Session(
            notebook, application=application, kernel=kernel, ledger=self._ledger
        )
        self._on_close.callback(self.session.close)
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._is_changed = False

    @property
    def notebook(self) -> Notebook:
        """The notebook."""
        return self.session.notebook

    @property
    def name(self) -> str:
        """See `ReplTarget.name`."""
        return self.notebook.name

    @property
    def place(self) -> str:
        """See `ReplTarget.place`."""
        return "" if self.file is None else str(self.file.path)

    def cells(self) -> Sequence[Cell]:
        """See `ReplTarget.cells`."""
        return self.notebook.cells

    def preference(self, name: str) -> Any:
        """See `ReplTarget.preference`."""
        return self.notebook.own_metadata.get(name)

    def model(self) -> str:
        """See `ReplTarget.model`."""
        providers = self.application.providers
        found = route(PromptCell(), self.notebook, providers.choice, providers.names())
        model = found.model
        if model is None:
            with suppress(LLMReplError):
                model = providers.require(found.provider).default_model
        return f"{found.provider}/{model}" if model else found.provider

    def model_names(self) -> Sequence[str]:
        """See `ReplTarget.model_names`."""
        providers = self.application.providers
        names = dict.fromkeys([self.model()])
        for name in providers.names():
            with suppress(LLMReplError):
                names[f"{name}/{providers.require(name).default_model}"] = None
        return list(names)

    def kernel_state(self) -> str:
        """See `ReplTarget.kernel_state`."""
        if self.session.live.busy:
            return "busy"
        return "idle" if self.session.kernel.alive else "off"

    def spending(self) -> tuple[Budget | None, float]:
        """See `ReplTarget.spending`."""
        _, _, usd = self.session.loop.call(self._ledger.spent(self.notebook.id))
        return preferred_budget(self.notebook.own_metadata), usd

    def price_of(self, output: Output) -> float | None:
        """See `ReplTarget.price_of`."""
        call_id = output.fields.get("call_id")
        if not isinstance(call_id, str):
            return None
        deadline_s = time.monotonic() + _WRITE_LIMIT_S
        while True:
            found = self.session.loop.call(self._ledger.find(self.notebook.id, [call_id]))
            if found or time.monotonic() > deadline_s:
                return found[0].price_usd if found else None
            time.sleep(_WRITE_LIMIT_S / 50)

    # Changing it -----------------------------------------------------------------------------

    def add(self, kind: CellKind, content: str, **options: Any) -> Cell:
        """See `ReplTarget.add`."""
        cell = build_cell(_CELL_CLASSES[kind], {"content": content, **options})
        self.notebook.insert(cell)
        self._note(f"cell {len(self.notebook)} was added", lambda: self._remove(cell.id))
        return cell

    def change(self, cell_id: str, **changes: Any) -> Cell:
        """See `ReplTarget.change`."""
        before = self.notebook[cell_id].copy(id=cell_id)
        number = self._number(cell_id)
        cell = self.notebook.change(cell_id, **changes)
        self.session.dependencies.note_change(cell_id, "edited")
        self._note(f"cell {number} was changed", lambda: self._replace(before))
        return cell

    def move(self, cell_id: str, position: int) -> None:
        """See `ReplTarget.move`."""
        before = self.notebook.index(cell_id)
        self._move(cell_id, position)
        self._note(
            f"cell {before + 1} was moved to {position + 1}", lambda: self._move(cell_id, before)
        )

    def delete(self, cell_id: str) -> None:
        """See `ReplTarget.delete`."""
        position = self.notebook.index(cell_id)
        cell = self._remove(cell_id)

        def restore() -> None:
            self.notebook.insert(cell, min(position, len(self.notebook)))
            self.session.dependencies.note_change(cell_id, "added")

        self._note(f"cell {position + 1} was deleted", restore)

    def undo(self) -> str | None:
        """See `ReplTarget.undo`."""
        if not self._undo:
            return None
        what, take_back = self._undo.pop()
        self._is_changed = True
        take_back()
        return what

    def prefer(self, name: str, value: Any) -> None:
        """See `ReplTarget.prefer`."""
        before = dict(self.notebook.own_metadata)
        own = {key: kept for key, kept in before.items() if key != name}
        if value is not None:
            own[name] = value
        check_preferences(own)
        self._set_own(own)
        self._note(f"the notebook's {name} was changed", lambda: self._set_own(before))

    def save(self, place: str | None = None) -> str:
        """See `ReplTarget.save`."""
        from llm_repl_server.repl.notebook_file import NotebookFile

        if place is not None:
            path = Path(place).expanduser()
            file = NotebookFile(self.application, path)
            if path.exists():
                raise InvalidInput(f"{path} is there already: choose another name.")
            file.save(self.notebook)
            earlier, self.file = self.file, file
            if earlier is not None and earlier.is_scratch:
                with suppress(OSError):  # it may never have been there
                    earlier.path.unlink(missing_ok=True)
        elif self.file is not None and self._is_changed:
            self.file.save(self.notebook)
        self._is_changed = False
        return self.place

    # Running ---------------------------------------------------------------------------------

    def run(self, choice: RunChoice) -> Iterator[Event]:
        """See `ReplTarget.run`."""
        self._is_changed = True
        if choice.only_stale:
            stale = self.session.dependencies.stale()
            return self.session.stream(stale, with_needed=True, **_options(choice))
        return self.session.stream(choice.cell_ids, **_options(choice))

    def stop(self) -> None:
        """See `ReplTarget.stop`."""
        self.session.interrupt()

    def approve(self, call_id: str, *, approved: bool, whole_run: bool = False) -> None:
        """See `ReplTarget.approve`."""
        self.session.approve(call_id, approved=approved, whole_run=whole_run)

    def restart(self) -> None:
        """See `ReplTarget.restart`."""
        self.session.restart()

    def remember(self, cell_id: str) -> None:
        """See `ReplTarget.remember`."""
        self.session.loop.call(self.session.live.answers.remember(cell_id))

    def start_kernel(self) -> None:
        """Have the kernel start, so that the first cell does not wait for it."""
        self.session.loop.submit(self.session.live.assign({}))

    # Looking ---------------------------------------------------------------------------------

    def plan(self, choice: RunChoice) -> RunForecast:
        """See `ReplTarget.plan`."""
        if choice.only_stale:
            return self.session.plan_stale(**_options(choice))
        return self.session.plan(choice.cell_ids, **_options(choice))

    def preview(self, cell_id: str) -> Preview:
        """See `ReplTarget.preview`."""
        return self.session.preview(cell_id)

    def preview_line(self, content: str, **options: Any) -> DraftPreview:
        """See `ReplTarget.preview_line`."""
        cell = build_cell(PromptCell, {"content": content, **options})
        assert isinstance(cell, PromptCell)
        return self.session.loop.call(self.session.live.preview_draft(cell))

    def variables(self) -> VariableList:
        """See `ReplTarget.variables`."""
        looks = self.session.live.looks
        found = self.session.loop.call(
            looks.ask(lambda state, may_call: views.list_variables(state, with_texts=may_call))
        )
        return views.VariableList(variables=[]) if found is None else found.answer

    def complete(self, code: str, cursor: int) -> Completions | None:
        """See `ReplTarget.complete`."""
        looks = self.session.live.looks
        found = self.session.loop.call(
            looks.ask(lambda state, _: views.complete(state, code, cursor))
        )
        return None if found is None else found.answer

    def inspect(self, code: str, cursor: int) -> Inspected | None:
        """See `ReplTarget.inspect`."""
        looks = self.session.live.looks
        found = self.session.loop.call(
            looks.ask(lambda state, _: views.inspect(state, code, cursor))
        )
        return None if found is None else found.answer

    def take_warnings(self) -> Sequence[str]:
        """See `ReplTarget.take_warnings`."""
        warnings = list(self._warnings)
        del self._warnings[: len(warnings)]
        return warnings

    # Answers and calls -----------------------------------------------------------------------

    def answers(self, cell_id: str, item: int | None = None) -> AnswerPage:
        """See `ReplTarget.answers`."""
        return self.session.answers(cell_id, item=item)

    def answer(self, cell_id: str, answer_id: str, item: int | None = None) -> AnswerDetail:
        """See `ReplTarget.answer`."""
        return self.session.answer(cell_id, answer_id, item=item)

    def use_answer(self, cell_id: str, answer_id: str, item: int | None = None) -> None:
        """See `ReplTarget.use_answer`."""
        self._is_changed = True
        self.session.use_answer(cell_id, answer_id, item=item)

    def calls(self, limit: int) -> Sequence[MadeCall]:
        """See `ReplTarget.calls`."""
        found = self.session.loop.call(self._ledger.latest(self.notebook.id, limit))
        return [
            MadeCall(
                cell_id=record.place.cell_id,
                provider=record.provider,
                model=record.answered_by or record.model,
                state=record.state,
                source=record.source,
                input_tokens=None if record.usage is None else record.usage.input_tokens,
                output_tokens=None if record.usage is None else record.usage.output_tokens,
                price_usd=record.price_usd,
                duration_s=record.duration_s,
                error="" if record.error is None else record.error.message,
            )
            for record in found
        ]

    def draw_graph(self) -> str:
        """See `ReplTarget.draw_graph`."""
        from llm_repl_core.dataflow.drawings import draw_text

        return draw_text(self.session.dependencies.graph())

    def needs(self, cell_id: str) -> Sequence[tuple[str, str | None]]:
        """See `ReplTarget.needs`."""
        edges = self.session.dependencies.graph().edges
        return [(edge.source, edge.variable) for edge in edges if edge.target == cell_id]

    def follow(self, listener: Callable[[News], None]) -> None:
        """See `ReplTarget.follow`: here it is the threads of cells that have ended."""
        self.session.live.listen(LateOutputs(self.notebook, listener).on_event)

    def source_of(self, name: str) -> str | None:
        """See `ReplTarget.source_of`."""
        question = Expression(f"__import__('inspect').getsource({name})")
        looks = self.session.live.looks
        found = self.session.loop.call(looks.ask(lambda state, _: state.evaluate([question])))
        value = None if found is None else found.answer[0]
        return value.json if isinstance(value, Value) and isinstance(value.json, str) else None

    def close(self) -> None:
        """See `ReplTarget.close`."""
        self._on_close.close()

    # Inside ----------------------------------------------------------------------------------

    def _number(self, cell_id: str) -> int:
        return self.notebook.index(cell_id) + 1

    def _remove(self, cell_id: str) -> Cell:
        self.session.dependencies.note_change(cell_id, "deleted")
        return self.notebook.remove(cell_id)

    def _replace(self, cell: Cell) -> None:
        self.notebook.replace(cell)
        self.session.dependencies.note_change(cell.id, "edited")

    def _move(self, cell_id: str, position: int) -> None:
        self.session.dependencies.note_change(cell_id, "moved")
        self.notebook.move(cell_id, position)
        self.session.dependencies.note_change(cell_id, "moved")

    def _set_own(self, own: Mapping[str, Any]) -> None:
        before = dict(self.notebook.own_metadata)
        self.notebook.metadata["llm_repl"] = dict(own)
        self.notebook.touch()
        self.session.dependencies.note_notebook_edit(before)

    def _note(self, what: str, take_back: Callable[[], object]) -> None:
        self._is_changed = True
        self._undo.append((what, take_back))
        del self._undo[:-_UNDO_LIMIT]


def _options(choice: RunChoice) -> RunKeywords:
    return {} if choice.mode is None else {"mode": choice.mode}
