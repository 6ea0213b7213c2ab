"""Effects while they are being collected."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core.dataflow.effects import NOTHING, Effects

__all__ = ["NOBODY", "Record", "combined"]

NOBODY = frozenset({""})
"""Who owns the local variables of code that has no name: whoever calls it knows them."""


class Record:
    """What has been found so far, of a cell or of one function's body."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.rebinds: set[str] = set()
        self.changes: set[str] = set()
        self.touches: set[str] = set()
        self.consumes: set[str] = set()
        self.iterators: set[str] = set()
        self.links: dict[frozenset[str], None] = {}
        self.classes: set[str] = set()
        self.deferred: dict[str, list[Effects]] = {}
        self.implied: dict[str, list[Effects]] = {}
        self.modules: dict[str, str] = {}
        self.builtins: set[str] = set()
        self.perhaps_reads: set[str] = set()
        self.calls = False
        self.keeps = False
        self.barrier: str | None = None

    def add(self, effects: Effects, *, bound: Iterable[str] = ()) -> None:
        """Add what other effects do.

        Args:
            effects: What happens now.
            bound: Names that have their values from here, so that they are not read.
        """
        self.reads |= effects.reads.difference(bound)
        self.writes |= effects.writes
        self.rebinds |= effects.rebinds
        self.changes |= effects.changes
        self.touches |= effects.touches
        self.consumes |= effects.consumes
        self.iterators |= effects.iterators
        self.links.update(dict.fromkeys(effects.links))
        self.classes |= effects.classes
        for name, one in effects.deferred.items():
            self.defer(name, one)
        for name, one in effects.implied.items():
            self.imply(name, one)
        self.modules.update(effects.modules)
        self.builtins |= effects.builtins
        self.perhaps_reads |= effects.perhaps_reads.difference(bound)
        self.calls = self.calls or effects.calls
        self.keeps = self.keeps or effects.keeps
        self.barrier = self.barrier or effects.barrier

    def defer(self, name: str, effects: Effects) -> None:
        """Note what calling ``name`` later does."""
        _note(self.deferred, name, effects)

    def imply(self, name: str, effects: Effects) -> None:
        """Note what looking at objects of the class ``name`` does."""
        _note(self.implied, name, effects)

    def link(self, names: Iterable[str]) -> None:
        """Note that the objects of some names may be tied together."""
        group = frozenset(names) - NOBODY
        if len(group) > 1:
            self.links[group] = None

    def effects(self) -> Effects:
        """What has been found, unchangeable."""
        return Effects(
            reads=frozenset(self.reads),
            writes=frozenset(self.writes),
            rebinds=frozenset(self.rebinds),
            changes=frozenset(self.changes) - NOBODY,
            touches=frozenset(self.touches | self.changes) - NOBODY,
            consumes=frozenset(self.consumes) - NOBODY,
            iterators=frozenset(self.iterators) - NOBODY,
            links=tuple(self.links),
            classes=frozenset(self.classes),
            deferred={name: combined(found) for name, found in self.deferred.items()},
            implied={name: combined(found) for name, found in self.implied.items()},
            modules=self.modules,
            builtins=frozenset(self.builtins),
            perhaps_reads=frozenset(self.perhaps_reads),
            calls=self.calls,
            keeps=self.keeps,
            barrier=self.barrier,
        )


def combined(parts: Iterable[Effects]) -> Effects:
    """The effects of several texts together, whatever their order.

    Args:
        parts: The effects of each.
    """
    several = [part for part in parts if part is not NOTHING]
    if len(several) <= 1:
        return several[0] if several else NOTHING
    record = Record()
    for part in several:
        record.add(part)
    return record.effects()


def _note(known: dict[str, list[Effects]], name: str, effects: Effects) -> None:
    if name not in NOBODY and effects != NOTHING:
        known.setdefault(name, []).append(effects)
