"""The variables of notebooks: what there is, one value page by page, and help for editors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from llm_repl_core import Conflict, KernelUnsupported, NotFound
from llm_repl_core.engine.looks import Look
from llm_repl_core.kernels import views
from llm_repl_core.kernels.inspection.parts import value_page
from llm_repl_core.kernels.inspection.summaries import list_variables
from llm_repl_core.kernels.inspection.typed import typed_completions
from llm_repl_core.kernels.state import KernelState
from llm_repl_core.kernels.views import Completions, Inspected, ValuePage, Variable
from llm_repl_server.services.answers import Time
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks

__all__ = [
    "CompletionAnswer",
    "ValueAnswer",
    "VariableAnswer",
    "VariableService",
    "VariablesAnswer",
]

T = TypeVar("T")


class VariableAnswer(Variable, kw_only=True):
    """A variable in one line."""

    made_by: Annotated[
        str | None,
        Meta(description="The last cell that sets or changes it, of those that have run."),
    ]
    used_by: Annotated[list[str], Meta(description="The cells that use it, in order.")]
    kept: Annotated[bool, Meta(description="Whether it is part of the notebook's memory.")]


class VariablesAnswer(Struct, kw_only=True):
    """The variables of a notebook, sorted by name."""

    variables: list[VariableAnswer]
    left_out: Annotated[int, Meta(description="How many there are beyond these.")]
    busy: Annotated[
        bool,
        Meta(description="Whether something has run since they were looked at, or still runs."),
    ]
    taken_at: Annotated[
        Time | None,
        Meta(description="When they were looked at; null: never, as the kernel is busy."),
    ]


class ValueAnswer(ValuePage, kw_only=True):
    """A page of a value."""

    busy: Annotated[
        bool, Meta(description="Whether something has run since it was looked at, or still runs.")
    ]
    taken_at: Annotated[Time, Meta(description="When it was looked at.")]


class CompletionAnswer(Completions, kw_only=True):
    """What may be typed at a place."""

    from_text: Annotated[
        bool,
        Meta(
            description="Whether only the text and known names were used, as no kernel can be asked."
        ),
    ]


class VariableService:
    """What clients see of a notebook's variables.

    Args:
        open_notebooks: The notebooks in memory.
    """

    def __init__(self, open_notebooks: OpenNotebooks) -> None:
        self._open_notebooks = open_notebooks

    async def show(self, notebook_id: str) -> VariablesAnswer:
        """The variables, each in one line.

        Raises:
            NotebookNotFound: There is no such notebook.
            KernelError: The kernel can't be looked into.
        """
        opened = await self._open_notebooks.get(notebook_id)
        if not _may_have_state(opened):
            found = msgspec.convert(
                list_variables(opened.notebook.memory, sorted(opened.notebook.memory)),
                views.VariableList,
            )
            return _variables_answer(opened, found, busy=False, taken_at=datetime.now(UTC))
        look = await _list(opened)
        if look is not None:
            opened.last_variables = look
        last = opened.last_variables
        if last is None:
            return VariablesAnswer(variables=[], left_out=0, busy=True, taken_at=None)
        is_busy = look is None or look.is_old
        return _variables_answer(opened, last.answer, busy=is_busy, taken_at=last.taken_at)

    async def expand(
        self, notebook_id: str, name: str, path: list[str], page: int, per_page: int
    ) -> ValueAnswer:
        """A page of a value, or of one of its parts.

        Args:
            notebook_id: Which notebook.
            name: The variable.
            path: How to come to the part.
            page: From 0.
            per_page: How many rows or entries a page has.

        Raises:
            NotebookNotFound: There is no such notebook.
            NotFound: There is no such variable or part.
            Conflict: The kernel is busy, and was not looked at before.
            KernelError: The kernel can't be looked into.
        """
        opened = await self._open_notebooks.get(notebook_id)
        if not _may_have_state(opened):
            told = value_page(opened.notebook.memory, name, path, page, per_page)
            return _value_answer(told, busy=False, taken_at=datetime.now(UTC))
        look = await _ask(
            opened, lambda state, _: views.value_page(state, name, path, page, per_page)
        )
        if look is None:
            raise Conflict(
                f"The kernel is busy, and `{name}` was not looked at before: look again when what "
                "runs has ended."
            )
        return _value_answer(
            msgspec.to_builtins(look.answer), busy=look.is_old, taken_at=look.taken_at
        )

    async def complete(self, notebook_id: str, code: str, cursor: int) -> CompletionAnswer:
        """What may be typed at a place of a cell's code.

        Args:
            notebook_id: Which notebook.
            code: The text, saved or not.
            cursor: The place, in characters.

        Raises:
            NotebookNotFound: There is no such notebook.
            KernelError: The kernel can't be looked into.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cursor = min(cursor, len(code))
        look = await _ask(opened, lambda state, _: views.complete(state, code, cursor))
        if look is not None:
            return CompletionAnswer(**msgspec.structs.asdict(look.answer), from_text=False)
        last = opened.last_variables
        names = {variable.name for variable in last.answer.variables} if last else set()
        names |= set(opened.notebook.state_keys) | set(opened.notebook.memory)
        typed = typed_completions(code, cursor, sorted(names))
        return msgspec.convert({**typed, "from_text": True}, CompletionAnswer)

    async def inspect(self, notebook_id: str, code: str, cursor: int) -> Inspected:
        """What is told of the function that is being called at a place, or of the name there.

        Args:
            notebook_id: Which notebook.
            code: The text, saved or not.
            cursor: The place, in characters.

        Raises:
            NotebookNotFound: There is no such notebook.
            KernelError: The kernel can't be looked into.
        """
        opened = await self._open_notebooks.get(notebook_id)
        cursor = min(cursor, len(code))
        look = await _ask(opened, lambda state, _: views.inspect(state, code, cursor))
        return Inspected() if look is None else look.answer


def _may_have_state(opened: OpenNotebook) -> bool:
    session = opened.existing_session
    return session is not None and (session.kernel.alive or session.busy)


async def _list(opened: OpenNotebook) -> Look[views.VariableList] | None:
    try:
        return await _ask(
            opened, lambda state, may_call: views.list_variables(state, with_texts=may_call)
        )
    except KernelUnsupported:  # of another language
        return Look(views.VariableList(variables=[]), False, datetime.now(UTC))


async def _ask(
    opened: OpenNotebook, question: Callable[[KernelState, bool], Awaitable[T]]
) -> Look[T] | None:
    session = opened.existing_session
    return None if session is None else await session.looks.ask(question)


def _variables_answer(
    opened: OpenNotebook, found: views.VariableList, *, busy: bool, taken_at: datetime
) -> VariablesAnswer:
    graph, notebook = opened.dependencies.graph(), opened.notebook
    users: dict[str, dict[str, None]] = {}
    for edge in graph.edges:
        if edge.kind == "variable" and edge.variable is not None:
            users.setdefault(edge.variable, {})[edge.target] = None
    places = {node.id: place for place, node in enumerate(graph.nodes)}

    def made_by(name: str) -> str | None:
        makers = [cell_id for cell_id in graph.makers.get(name, ()) if cell_id in notebook]
        ran = [cell_id for cell_id in makers if notebook[cell_id].status != "idle"]
        return next(reversed(ran or makers), None)

    return VariablesAnswer(
        variables=[
            VariableAnswer(
                **msgspec.structs.asdict(variable),
                made_by=made_by(variable.name),
                used_by=sorted(users.get(variable.name, ()), key=places.__getitem__),
                kept=variable.name in notebook.memory,
            )
            for variable in found.variables
        ],
        left_out=found.left_out,
        busy=busy,
        taken_at=time_on_wire(taken_at),
    )


def _value_answer(told: dict[str, Any], *, busy: bool, taken_at: datetime) -> ValueAnswer:
    if "missing" in told:
        raise NotFound(told["missing"])
    return msgspec.convert({**told, "busy": busy, "taken_at": time_on_wire(taken_at)}, ValueAnswer)
