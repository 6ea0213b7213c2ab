"""Which cells depend on one that changed: found without looking at all the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import Struct

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.dataflow.effects import LAST_ANSWER
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["Dependents"]


class _Known(Struct, frozen=True):
    """A cell as it was last looked at.

    Attributes:
        content: The cell's content.
        plain: Its class, where nothing but its content decides its effects; else None.
        key: Whatever decides its effects: while it is the same, so are these.
        functions: The functions that it defines.
        gives: The names by which others see what it does.
        binds: Those of them that are surely bound anew.
        reads: The names whose change it would see.
        through: What its functions read, when they are called elsewhere.
    """

    content: str
    plain: type[Cell] | None
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

    Args:
        notebook: The notebook, whose edits are found by its ``revision``.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._revision = -1
        self._known: dict[str, _Known] = {}
        self._readers: dict[str, set[str]] = {}
        self._binders: dict[str, set[str]] = {}
        self._prompts: set[str] = set()
        self._contexts: dict[str, Literal["above"] | frozenset[str]] = {}
        """By prompt: which cells it is sent with, where it is not alone."""
        self._barriers: set[str] = set()
        self._places: dict[str, int] = {}

    def of(self, cell_id: str, *, ends_at: Callable[[str], bool] = lambda _: False) -> list[str]:
        """The cells below that would see a change of what a cell gives, in document order.

        A cell that merely defines a function which reads it is passed through: those that use the
        function see the change. Where the cell has been edited since this was last asked, what it
        gave before counts, too.

        Args:
            cell_id: The cell.
            ends_at: Whether what depends on a cell, that depends on this one, is of no interest.
        """
        before = self._known.get(cell_id)
        self._refresh()
        if cell_id not in self._known:
            return []
        gives = self._known[cell_id].gives | (frozenset() if before is None else before.gives)
        found: set[str] = set()
        passed: set[str] = set()
        waiting = [(cell_id, gives)]

        def find(reader: str) -> None:
            if reader not in found:
                found.add(reader)
                if not ends_at(reader):
                    waiting.append((reader, self._known[reader].gives))

        while waiting:
            source, names = waiting.pop()
            for reader in self._readers_below(source, names):
                known = self._known[reader]
                if not names.isdisjoint(known.reads):
                    find(reader)
                elif reader not in passed:
                    passed.add(reader)
                    waiting.append((reader, known.functions))
            if source not in passed or source in found:  # else it shows what it showed before
                for reader in self._lookers_below(source):
                    find(reader)
        found.discard(cell_id)
        return sorted(found, key=self._places.__getitem__)

    def _readers_below(self, source: str, names: Iterable[str]) -> set[str]:
        """The cells that read a name before another cell surely binds it anew."""
        places = self._places
        place = places[source]
        found = set()
        for name in names:
            readers = self._readers.get(name)
            if not readers:
                continue
            end = min(
                (at for binder in self._binders.get(name, ()) if (at := places[binder]) > place),
                default=len(places),
            )
            # The cell that binds it anew may read it first.
            found |= {reader for reader in readers if place < places[reader] <= end}
        return found

    def _lookers_below(self, source: str) -> list[str]:
        """The prompts that are sent with a cell, and what cannot be analysed below a prompt."""
        places, cell = self._places, self._notebook[source]
        found: set[str] = set()
        if not cell.skipped:
            found |= {
                prompt
                for prompt, context in self._contexts.items()
                if context == "above" or source in context
            }
            found |= self._prompts if cell.pinned else set()
        if source in self._prompts:
            found |= self._barriers
        return [reader for reader in found if places[reader] > places[source]]

    # Keeping up -------------------------------------------------------------------------------

    def _refresh(self) -> None:
        notebook = self._notebook
        if notebook.revision == self._revision:
            return
        self._revision = notebook.revision
        system = notebook.preference("system")
        self._places = {cell.id: place for place, cell in enumerate(notebook)}
        for cell_id in self._known.keys() - self._places.keys():
            self._drop(cell_id)
        for place, cell in enumerate(notebook):
            known = self._known.get(cell.id)
            if known is not None and known.content is cell.content and known.plain is type(cell):
                continue  # the usual case, and cheap: a notebook may have thousands of cells
            key = _key(cell, place, system)
            if known is None or known.key != key:
                self._drop(cell.id)
                self._put(cell, key, place, system)

    def _put(self, cell: Cell, key: tuple[Any, ...], place: int, system: str | None) -> None:
        answers: set[str] = set()
        variable = None
        if isinstance(cell, PromptCell):
            variable = cell.answer_variable(place)
            answers = {variable, LAST_ANSWER}
            self._prompts.add(cell.id)
            if cell.context == "above":
                self._contexts[cell.id] = "above"
            elif isinstance(cell.context, list):
                self._contexts[cell.id] = frozenset(cell.context)
        effects = analyse_cell(cell, variable, system)
        called = [each for several in effects.functions.values() for each in several]
        # What only perhaps is read counts: nobody asks for a name that no cell gives.
        known = self._known[cell.id] = _Known(
            content=cell.content,
            plain=None if isinstance(cell, PromptCell) else type(cell),
            key=key,
            functions=frozenset(effects.functions),
            gives=frozenset(effects.writes | effects.changes | answers),
            # `_` is what the prompt that ran last has set, wherever it stands.
            binds=frozenset(effects.rebinds | answers) - {LAST_ANSWER},
            reads=frozenset(effects.reads | effects.mentions),
            through=frozenset[str]().union(*(each.reads | each.mentions for each in called)),
        )
        if effects.sees_all is not None:
            self._barriers.add(cell.id)
        for name in known.reads | known.through:
            self._readers.setdefault(name, set()).add(cell.id)
        for name in known.binds:
            self._binders.setdefault(name, set()).add(cell.id)

    def _drop(self, cell_id: str) -> None:
        known = self._known.pop(cell_id, None)
        if known is None:
            return
        for name in known.reads | known.through:
            self._readers[name].discard(cell_id)
        for name in known.binds:
            self._binders[name].discard(cell_id)
        self._prompts.discard(cell_id)
        self._contexts.pop(cell_id, None)
        self._barriers.discard(cell_id)


def _key(cell: Cell, place: int, system: str | None) -> tuple[Any, ...]:
    if not isinstance(cell, PromptCell):
        return (type(cell), cell.content)
    return (
        cell.content,
        cell.response_var or place,
        cell.system if cell.system is not None else system,
        cell.for_each,
        tuple(cell.attachments),
        cell.schema if isinstance(cell.schema, str) else None,
        tuple(cell.tools),
        tuple(cell.context) if isinstance(cell.context, list) else cell.context,
    )
