"""What cells use and change by way of the functions and classes that others define.

This is for people to look at, and to find what an edit reaches; so it follows names and not, as
`llm_repl_core.dataflow.hazards` has to, whatever their objects may be tied to.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from llm_repl_core.dataflow._record import combined
from llm_repl_core.dataflow.effects import Effects

__all__ = ["Use", "Uses"]


class Use(Struct, frozen=True):
    """What a cell does to names.

    Attributes:
        reads: Names that it uses.
        gives: Names that it binds, deletes, or whose objects it visibly changes.
    """

    reads: frozenset[str]
    gives: frozenset[str]


class Uses:
    """The functions and classes of a notebook.

    Args:
        effects: Of all its cells.
    """

    def __init__(self, effects: Sequence[Effects]) -> None:
        self._given = frozenset[str]().union(*(one.writes | one.changes for one in effects))
        several: dict[str, list[Effects]] = {}
        classes = frozenset[str]().union(*(one.classes for one in effects))
        for one in effects:
            for name, called in one.deferred.items():
                several.setdefault(name, []).append(called)
        self._called = {name: combined(found) for name, found in several.items()}
        # An object has the methods of the class that it was made of.
        self._classes_of: dict[str, set[str]] = {}
        for one in effects if classes else ():
            for group in one.links:
                for found in group & classes:
                    for name in group:
                        self._classes_of.setdefault(name, set()).add(found)

    def of(self, effects: Effects) -> Use:
        """What a cell does, through functions too.

        Args:
            effects: Of the cell.
        """
        reads, gives = self._reads(effects), effects.writes | effects.changes
        seen: set[str] = set()
        waiting = [*reads, *self._made_of(effects)]
        while waiting:
            name = waiting.pop()
            called = self._called.get(name)
            if called is None or name in seen:
                continue
            seen.add(name)
            found = self._reads(called)
            reads |= found
            gives |= called.writes | called.changes
            waiting += [*found, *self._made_of(called)]
        return Use(frozenset(reads), frozenset(gives))

    def _reads(self, effects: Effects) -> set[str]:
        return {*effects.reads, *(effects.perhaps_reads & self._given)}

    def _made_of(self, effects: Effects) -> set[str]:
        found: set[str] = set()
        if self._classes_of:
            for name in effects.touches:
                found |= self._classes_of.get(name, set())
        return found
