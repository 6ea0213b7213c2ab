"""What cells do within their notebook: through its functions, methods and classes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from llm_repl_core.dataflow.effects import LAST_ANSWER, NOTHING, Effects, combined
from llm_repl_core.dataflow.known import BUILTINS

__all__ = ["ALWAYS_THERE", "Names", "TransitiveEffects", "may_disturb"]

ALWAYS_THERE = BUILTINS | {
    *("__name__", "__doc__", "__file__", "__annotations__", "__package__", "__spec__"),
    *("__loader__", "__builtins__", "__class__", "memory", LAST_ANSWER),
}
"""Names that are there although no cell binds them."""


class TransitiveEffects(Struct, frozen=True, kw_only=True):
    """What a cell does within its notebook, on the safe side.

    Attributes:
        reads: Names that it may use, through functions too, and words of its texts that may be
            evaluated: of both, those that a cell binds, and those that nobody does.
        writes: Names that it may bind or delete, through functions too.
        changes: Names whose objects it may change in place, as far as it can be seen.
        seen: Of the names that it reads or writes, those that it uses by name, or through
            functions and methods that it names. The others stand in a text, or are used by code
            that others run, such as a callback.
        sees_all: Why it may use any name, as a clause for people; None where it does not.
        acts: Whether it acts on the world as far as it can be seen, or asks for the time.
        is_opaque: Whether, as far as it can be seen, it may change any name's object.
        reads_files: Whether it is sent with files.
        sets_display: Whether it sets how a library shows all its values.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    sees_all: str | None = None
    acts: bool = False
    is_opaque: bool = False
    reads_files: bool = False
    sets_display: bool = False


class Names:
    """The names of a notebook and what they have to do with each other.

    Args:
        effects: Of all its cells. Of one that has changed since it ran, the effects of what ran
            may be among them, too.
        plain: Names that are there without a cell that binds them, and hold plain data.
    """

    def __init__(self, effects: Iterable[Effects], *, plain: Container[str] = ()) -> None:
        self._plain = plain
        self._known: dict[int, tuple[Effects, TransitiveEffects]] = {}
        cells = [*{id(cell): cell for cell in effects}.values()]
        self._functions = _by_name(cell.functions for cell in cells)
        self._methods = _by_name(cell.methods for cell in cells)
        hooks = [hook for cell in cells for hook in cell.hooks]
        parts = [*cells, *self._functions.values(), *self._methods.values(), *hooks]
        self._bound = _union(part.writes for part in parts)
        changed = _union(part.changes | part.touches for part in parts)
        self._not_plain = _union(part.writes - part.plain for part in parts) | changed
        modules = _union(cell.modules.keys() for cell in cells)
        self._modules = modules - _union(part.writes - part.modules.keys() for part in parts)
        code = self._functions | self._methods
        hooks += [code[name] for name in _union(cell.escapes for cell in cells) if name in code]
        # A text may be evaluated elsewhere, too: it stands in one cell, and the query in another.
        hooks.append(Effects(mentions=set(_union(cell.mentions for cell in cells) - BUILTINS)))
        self._hooks = self._reached(hooks, methods=True)
        self._hooks.reads = self._reads(self._hooks)

    def by_name(self, effects: Effects) -> TransitiveEffects:
        """The effects of a cell by the names and functions that it mentions, for people to look at.

        >>> x, y = Effects(writes={"x"}), Effects(reads={"x"}, writes={"y"})
        >>> Names([x, y]).by_name(y).reads
        frozenset({'x'})
        """
        total = self._reached([effects], methods=False)
        reads = self._reads(total)
        return TransitiveEffects(
            reads=frozenset(reads),
            writes=frozenset(total.writes),
            changes=frozenset(total.changes),
            sees_all=total.sees_all or self._unknown(reads, total),
        )

    def transitive(self, effects: Effects) -> TransitiveEffects:
        """The effects of a cell with all that comes in through what it names.

        >>> from llm_repl_core.dataflow.code import analyse_code
        >>> cells = [analyse_code(code) for code in ("x = 1", "def f(): return x", "y = f()")]
        >>> sorted(Names(cells).transitive(cells[2]).reads)
        ['f', 'x']
        """
        known = self._known.get(id(effects))
        if known is None:
            # The effects are kept too, so that no other object takes over their id.
            known = self._known[id(effects)] = effects, self._find(effects)
        return known[1]

    def _find(self, effects: Effects) -> TransitiveEffects:
        total = self._reached([effects], methods=True)
        reads, writes = self._reads(total), total.writes
        # What touches nothing but plain data runs no code that it does not name.
        hooks = NOTHING if self._is_plain(reads | writes) else self._hooks
        return TransitiveEffects(
            reads=(self._bound & total.words) | reads | hooks.reads,
            writes=frozenset(writes | hooks.writes),
            changes=frozenset(total.changes | (total.touches - self._modules)),
            seen=frozenset(reads | writes),
            sees_all=total.sees_all or hooks.sees_all or self._unknown(reads, total),
            acts=total.acts,
            is_opaque=total.is_opaque,
            reads_files=total.reads_files,
            sets_display=total.sets_display,
        )

    def _reached(self, effects: Iterable[Effects], *, methods: bool) -> Effects:
        """The effects, and those of all functions that they name.

        Args:
            effects: Where to begin.
            methods: Whether an attribute brings all methods of this name, whatever it is of.
        """
        total = Effects()
        seen: set[str] = set()
        waiting = [*effects]
        while waiting:
            part = waiting.pop()
            total.add(part)
            names = part.reads | part.mentions
            if methods:
                names |= self._methods.keys() if "*" in part.attributes else part.attributes
            for name in names - seen:
                waiting += [code[name] for code in (self._functions, self._methods) if name in code]
            seen |= names
        return total

    def _reads(self, total: Effects) -> set[str]:
        return total.reads | (total.mentions & self._bound)

    def _is_plain(self, names: set[str]) -> bool:
        given = names - self._bound - ALWAYS_THERE
        return self._not_plain.isdisjoint(names) and all(name in self._plain for name in given)

    def _unknown(self, reads: set[str], total: Effects) -> str | None:
        unknown = [name for name in reads - self._bound - ALWAYS_THERE if name not in self._plain]
        if not unknown or not total.calls:
            return None
        return f"`{min(unknown)}` is set by no cell of the notebook"


def may_disturb(above: TransitiveEffects, below: TransitiveEffects) -> bool:
    """Whether a cell above is likely to touch what a prompt below it shows: a prediction.

    >>> names = frozenset({"x"})
    >>> shows = TransitiveEffects(reads=names, seen=names)
    >>> may_disturb(TransitiveEffects(changes=names), shows), may_disturb(shows, shows)
    (True, False)
    """
    if above.is_opaque or above.sets_display or (above.acts and below.reads_files):
        return True
    touched = above.changes | (above.writes & above.seen)
    if below.sees_all is not None:
        return bool(touched)
    return not touched.isdisjoint(below.reads & below.seen)


def _union(sets: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


def _by_name(mappings: Iterable[Mapping[str, list[Effects]]]) -> dict[str, Effects]:
    """What all definitions of a name do together."""
    several: dict[str, list[Effects]] = {}
    for mapping in mappings:
        for name, found in mapping.items():
            several.setdefault(name, []).extend(found)
    return {name: combined(found) for name, found in several.items()}
