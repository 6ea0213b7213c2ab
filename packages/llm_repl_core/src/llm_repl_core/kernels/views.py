"""What people are shown of a state: its variables, parts of a value, completions, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec
from msgspec import Struct

from llm_repl_core.errors import KernelError, NotFound
from llm_repl_core.kernels.asking import NAMESPACE, ask
from llm_repl_core.kernels.state import Failed, KernelState

__all__ = [
    "Completion",
    "Completions",
    "EditorKernel",
    "Entry",
    "Inspected",
    "Summary",
    "TableColumn",
    "TableRow",
    "ValuePage",
    "Variable",
    "VariableList",
    "complete",
    "inspect",
    "list_variables",
    "value_page",
]

T = TypeVar("T")

_ARGUMENTS = "_llm_repl_asked"


@runtime_checkable
class EditorKernel(Protocol):
    """A kernel that answers an editor by its own means."""

    async def complete(self, code: str, cursor: int) -> dict[str, Any] | None:
        """Shaped as `Completions`; None: its state is to be asked as any other's."""

    async def inspect(self, code: str, cursor: int) -> dict[str, Any] | None:
        """Shaped as `Inspected`; None: its state is to be asked as any other's."""


class Summary(Struct, kw_only=True):
    """A value in one line.

    Attributes:
        type_name: The class's name.
        shape: The length of each axis, of a table or an array.
        length: How many characters or parts it has, of a text or a container.
        text: What a line has room for.
        has_parts: Whether there is more to see.
    """

    type_name: str
    shape: list[int] | None = None
    length: int | None = None
    text: str = ""
    has_parts: bool = False


class Variable(Summary, kw_only=True):
    """A variable in one line."""

    name: str


class VariableList(Struct, kw_only=True):
    """Variables, sorted by name.

    Attributes:
        variables: The variables.
        left_out: How many there are beyond these.
    """

    variables: list[Variable]
    left_out: int = 0


class Entry(Summary, kw_only=True):
    """A part of a value.

    Attributes:
        label: The key, the field or the position, as text.
        step: What leads to it in a path.
    """

    label: str
    step: str


class TableColumn(Struct):
    """A column: its name, and the type of its values."""

    name: str
    dtype: str


class TableRow(Struct):
    """A row: its label, and the text of each cell."""

    label: str
    cells: list[str]


class ValuePage(Summary, kw_only=True):
    """A page of a value.

    Attributes:
        kind: ``table``: `columns` and `rows`; ``entries``: `entries`; ``text``: `piece` is of a
            text; ``value``: `piece` is its ``repr``.
        page: From 0.
        per_page: How many rows, entries or characters a page has.
        total: How many there are in all.
        columns: Of a table.
        columns_left_out: How many columns it has beyond these.
        rows: Of a table.
        entries: The parts.
        piece: A text.
        is_cut: Whether `piece` was cut, so that there is no more of it on another page.
    """

    kind: Literal["table", "entries", "text", "value"]
    page: int
    per_page: int
    total: int
    columns: list[TableColumn] = []
    columns_left_out: int = 0
    rows: list[TableRow] = []
    entries: list[Entry] = []
    piece: str = ""
    is_cut: bool = False


class Completion(Struct):
    """What may be typed, and what it is: ``function``, ``variable``, ``key``, ``path`` …."""

    text: str
    type: str = ""


class Completions(Struct, kw_only=True):
    """What may be typed at a place.

    Attributes:
        start: Where the text begins that a match replaces, in characters.
        end: Where it ends.
        matches: The matches.
    """

    start: int
    end: int
    matches: list[Completion]


class Inspected(Struct, kw_only=True):
    """What is told of the function that is being called at a place, or of the name there.

    Attributes:
        name: The name; empty: there is nothing to tell.
        signature: What it takes, where it can be called.
        documentation: Its docstring.
        type_name: The class's name.
        text: The value in a line.
        parameter: Which argument is being typed, from 0; None: none.
    """

    name: str = ""
    signature: str = ""
    documentation: str = ""
    type_name: str = ""
    text: str = ""
    parameter: int | None = None


async def list_variables(state: KernelState, *, with_texts: bool = True) -> VariableList:
    """The user's variables, each in one line.

    Args:
        state: A kernel or a fork.
        with_texts: Whether code of the user's classes may run for it, bounded in time.

    Raises:
        KernelDied: It ended meanwhile.
        KernelError: It can't be asked.
    """
    names = await state.names()
    return await _ask(state, "list_variables", [names, with_texts], VariableList)


async def value_page(
    state: KernelState, name: str, path: Sequence[str], page: int, per_page: int
) -> ValuePage:
    """A page of a value.

    Args:
        state: A kernel or a fork.
        name: The variable.
        path: How to come to a part of it: keys, fields, columns, positions; ``@3``: by position.
        page: From 0.
        per_page: How many rows or entries a page has.

    Raises:
        NotFound: There is no such variable or part, or it can't be looked at.
        KernelDied: It ended meanwhile.
        KernelError: It can't be asked.
    """
    arguments = [name, list(path), page, per_page]
    answer = await _ask(state, "value_page", arguments, dict[str, Any])
    if "missing" in answer:
        raise NotFound(answer["missing"])
    return msgspec.convert(answer, ValuePage)


async def complete(state: KernelState, code: str, cursor: int) -> Completions:
    """What may be typed at a place of a cell's code.

    Args:
        state: A kernel or a fork.
        code: The text, saved or not.
        cursor: The place, in characters.

    Raises:
        KernelDied: It ended meanwhile.
        KernelError: It can't be asked.
    """
    own = await state.complete(code, cursor) if isinstance(state, EditorKernel) else None
    if own is not None:
        return msgspec.convert(own, Completions)
    return await _ask(state, "complete_code", [code, cursor], Completions)


async def inspect(state: KernelState, code: str, cursor: int) -> Inspected:
    """What is told of the function that is being called at a place, or of the name there.

    Args:
        state: A kernel or a fork.
        code: The text, saved or not.
        cursor: The place, in characters.

    Raises:
        KernelDied: It ended meanwhile.
        KernelError: It can't be asked.
    """
    own = await state.inspect(code, cursor) if isinstance(state, EditorKernel) else None
    if own is not None:
        return msgspec.convert(own, Inspected)
    return await _ask(state, "inspect_code", [code, cursor], Inspected)


async def _ask(state: KernelState, function: str, arguments: list[Any], kind: type[T]) -> T:
    answer = await ask(state, function, NAMESPACE, f"*{_ARGUMENTS}", extra={_ARGUMENTS: arguments})
    if isinstance(answer, Failed):
        raise KernelError(f"The kernel can't be looked into: {answer.ename}: {answer.evalue}")
    return msgspec.convert(answer, kind)
