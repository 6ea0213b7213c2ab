"""Which cells depend on one that changed: found without looking at all the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.dataflow.effects import LAST_ANSWER
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["Cause", "Dependents"]

# Beside variables, these are read and given. No variable has such a name, and no cell binds one.
_ABOVE, _PINNED, _ANSWER = "<any cell>", "<a pinned cell>", "<any answer>"


class Cause(Struct, frozen=True):
    """By what a cell depends on one that changed.

    Attributes:
        cell_id: The cell that it sees the change of: the one that changed, or one between them.
        variables: By which variables; none: it is sent with that cell, or may use any variable.
    """

    cell_id: str
    variables: frozenset[str]


class _Entry(Struct, frozen=True):
    """A cell as it was last looked at.

    Attributes:
        key: Whatever decides the rest: while it is the same, so is that.
        functions: The functions that it defines.
        gives: The names by which others see what it does.
        binds: Those of them that are surely bound anew.
        reads: The names whose change it would see.
        through: What its functions read, when they are called elsewhere.
    """

    key: tuple[Any, ...]
    functions: frozenset[str]
    gives: frozenset[str]
    binds: frozenset[str]
    reads: frozenset[str]
    through: frozenset[str]


class Dependents:
    """An index of a notebook: by name, who reads it and who binds it anew.

    What a change costs depends on how many cells depend on it, and not on how many there are,
    but for one quick look at each cell when the notebook has been edited.

    >>> notebook = Notebook()
    >>> cells = [notebook.add_code(code) for code in ("x = 1", "y = x", "x = 2", "x + y")]
    >>> [notebook.index(cell_id) for cell_id in Dependents(notebook).of(cells[0].id)]
    [1, 3]

    Args:
        notebook: The notebook, whose edits are found by its ``revision``.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._revision = -1
        self._entries: dict[str, _Entry] = {}
        self._readers: dict[str, set[str]] = {}
        self._binders: dict[str, set[str]] = {}
        self._indexes: dict[str, int] = {}

    def of(self, cell_id: str, *, ends_at: Callable[[str], bool] = lambda _: False) -> list[str]:
        """The cells below that would see a change of what a cell gives, in document order.

        A cell that merely defines a function which reads it is passed through: those that use the
        function see the change. Where the cell has been edited since this was last asked, what it
        gave before counts, too.

        Args:
            cell_id: The cell.
            ends_at: Whether what depends on a cell, that depends on this one, is of no interest.
        """
        return list(self.causes(cell_id, ends_at=ends_at))

    def causes(
        self, cell_id: str, *, ends_at: Callable[[str], bool] = lambda _: False
    ) -> dict[str, list[Cause]]:
        """The same cells as `of`, in the same order, each with what it depends on that changed.

        Args:
            cell_id: The cell.
            ends_at: As for `of`.
        """
        before = self._entries.get(cell_id)
        self._refresh()
        if cell_id not in self._entries:
            return {}
        found: dict[str, list[Cause]] = {}
        passed: set[str] = set()
        given = self._gives(cell_id) | (before.gives if before else frozenset())
        # The cell whose change is seen, the one that is looked below, and the names that it gives.
        waiting: list[tuple[Cause | None, str, frozenset[str]]] = [(None, cell_id, given)]
        while waiting:
            seen_as, source, names = waiting.pop()
            for reader, seen in self._readers_below(source, names).items():
                entry = self._entries[reader]
                cause = seen_as or Cause(source, _variables(seen))
                if names.isdisjoint(entry.reads):
                    if reader not in passed:
                        passed.add(reader)
                        waiting.append((cause, reader, entry.functions))
                    continue
                if reader not in found:
                    found[reader] = []
                    if not ends_at(reader):
                        waiting.append((None, reader, self._gives(reader)))
                found[reader].append(cause)
        found.pop(cell_id, None)
        return {reader: found[reader] for reader in sorted(found, key=self._indexes.__getitem__)}

    def _gives(self, cell_id: str) -> frozenset[str]:
        cell, gives = self._notebook[cell_id], self._entries[cell_id].gives
        if cell.skipped:
            return gives
        return gives | {_ABOVE, _of_cell(cell_id), *([_PINNED] if cell.pinned else [])}

    def _readers_below(self, source: str, names: Iterable[str]) -> Mapping[str, set[str]]:
        """The cells that read a name before another cell surely binds it anew, and which names."""
        indexes = self._indexes
        index = indexes[source]
        found: dict[str, set[str]] = {}
        for name in names:
            readers = self._readers.get(name)
            if not readers:
                continue
            end = min(
                (at for binder in self._binders.get(name, ()) if (at := indexes[binder]) > index),
                default=len(indexes),
            )
            # The cell that binds it anew may read it first.
            for reader in readers:
                if index < indexes[reader] <= end:
                    found.setdefault(reader, set()).add(name)
        return found

    # Keeping up -------------------------------------------------------------------------------

    def _refresh(self) -> None:
        notebook = self._notebook
        if notebook.revision == self._revision:
            return
        self._revision = notebook.revision
        system = notebook.preference("system")
        self._indexes = {cell.id: index for index, cell in enumerate(notebook)}
        for cell_id in self._entries.keys() - self._indexes.keys():
            self._drop(cell_id)
        for index, cell in enumerate(notebook):
            entry = self._entries.get(cell.id)
            if entry and entry.key[0] is type(cell) and entry.key[1] is cell.content:
                continue  # the usual case, and cheap: a notebook may have thousands of cells
            key = _key(cell, index, system)
            if entry is None or entry.key != key:
                self._drop(cell.id)
                self._put(cell, _entry(cell, key, index, system))

    def _put(self, cell: Cell, entry: _Entry) -> None:
        self._entries[cell.id] = entry
        for name in entry.reads | entry.through:
            self._readers.setdefault(name, set()).add(cell.id)
        for name in entry.binds:
            self._binders.setdefault(name, set()).add(cell.id)

    def _drop(self, cell_id: str) -> None:
        entry = self._entries.pop(cell_id, None)
        if entry is not None:
            for name in entry.reads | entry.through:
                self._readers[name].discard(cell_id)
            for name in entry.binds:
                self._binders[name].discard(cell_id)


def _entry(cell: Cell, key: tuple[Any, ...], index: int, system: str | None) -> _Entry:
    variable = cell.answer_variable(index) if isinstance(cell, PromptCell) else None
    effects = analyse_cell(cell, variable, system)
    answers = {variable, LAST_ANSWER} if variable is not None else set[str]()
    gives = effects.writes | effects.changes | answers
    reads = effects.reads | effects.mentions  # nobody asks for a name that no cell gives
    if isinstance(cell, PromptCell):
        gives.add(_ANSWER)
        reads = reads | {_PINNED} | ({_ABOVE} if cell.context == "above" else set())
        reads |= set(map(_of_cell, cell.context if isinstance(cell.context, list) else ()))
    if effects.sees_all is not None:
        reads = reads | {_ANSWER}
    called = [each for several in effects.functions.values() for each in several]
    return _Entry(
        key=key,
        functions=frozenset(effects.functions),
        gives=frozenset(gives),
        # `_` is what the prompt that ran last has set, wherever it stands.
        binds=frozenset(effects.rebinds | answers) - {LAST_ANSWER},
        reads=frozenset(reads),
        through=frozenset[str]().union(*(each.reads | each.mentions for each in called)),
    )


def _variables(names: Iterable[str]) -> frozenset[str]:
    """Those that are names of variables, and no marks of ours."""
    return frozenset(name for name in names if not name.startswith("<"))


def _of_cell(cell_id: str) -> str:
    return f"<cell {cell_id}>"


def _key(cell: Cell, index: int, system: str | None) -> tuple[Any, ...]:
    if not isinstance(cell, PromptCell):
        return (type(cell), cell.content)
    schema = cell.schema if isinstance(cell.schema, str) else None
    own_system = cell.system if cell.system is not None else system
    context = tuple(cell.context) if isinstance(cell.context, list) else cell.context
    request = (own_system, cell.for_each, tuple(cell.attachments), schema, tuple(cell.tools))
    return (cell.content, cell.response_var or index, request, context)
