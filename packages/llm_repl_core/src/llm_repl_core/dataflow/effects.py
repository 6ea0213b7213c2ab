"""What a cell does to the names of the notebook, as far as its text tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

__all__ = ["LAST_ANSWER", "NOTHING", "Effects", "combined", "opaque_effects"]

LAST_ANSWER = "_"
"""The name of the last answer, which every prompt binds beside its own variable."""


class Effects(Struct, kw_only=True):
    """What a cell, or the call of a function that it defines, does to the notebook's names.

    For example ``total = sum(x) + f(y)`` → reads ``x``, ``f`` and ``y``, writes ``total``. An
    analysis fills it; nobody changes it once it has been handed out.

    Attributes:
        reads: Names whose value it may use, builtins left out.
        mentions: Names that it reads where the notebook has them: builtins that may be shadowed,
            and words of texts that look as if they were evaluated, as SQL does.
        words: The words of all its texts, which something might evaluate, too.
        writes: Names that it may bind or delete.
        rebinds: Of these, names that surely have a new value when it has run.
        plain: Of these, names that it binds to plain data only, as prompts do.
        changes: Names whose objects a statement visibly changes in place.
        touches: Names whose objects an expression may change on the way to its value.
        attributes: Attributes that it uses, as ``.name``; ``*`` where a text names them.
        escapes: Names and attributes that it uses as values and does not just call: what they are
            may be called by others.
        functions: What calling the functions and classes that are bound here does later.
        methods: What the methods of these classes do, by ``.name``, whatever the class.
        hooks: What code does that others may run without naming it: methods such as ``__repr__``,
            properties, what is decorated, lambdas, generators, functions within functions.
        modules: Names bound by an import here, and the dotted module that each is of.
        calls: Whether it may run code that is not known to change nothing.
        acts: Whether it acts on the world: files, the network, other processes, the clock.
        reads_files: Whether it is sent with files, which other cells may write.
        sets_display: Whether it sets how a library shows all its values.
        sees_all: Why it may use any name, as one clause for people; None where it does not.
        is_opaque: Whether it may change any of these, too.
    """

    reads: set[str] = set()
    mentions: set[str] = set()
    words: set[str] = set()
    writes: set[str] = set()
    rebinds: set[str] = set()
    plain: set[str] = set()
    changes: set[str] = set()
    touches: set[str] = set()
    attributes: set[str] = set()
    escapes: set[str] = set()
    functions: dict[str, list[Effects]] = {}
    methods: dict[str, list[Effects]] = {}
    hooks: list[Effects] = []
    modules: dict[str, str] = {}
    calls: bool = False
    acts: bool = False
    reads_files: bool = False
    sets_display: bool = False
    sees_all: str | None = None
    is_opaque: bool = False

    def add(self, other: Effects, *, bound: Collection[str] = ()) -> None:
        """Add what happens besides, but for reads of names that are bound from here."""
        self.reads |= other.reads.difference(bound)
        self.mentions |= other.mentions.difference(bound)
        self.words |= other.words.difference(bound)
        for name in _SETS:
            if found := getattr(other, name):
                getattr(self, name).update(found)
        for name in ("functions", "methods"):
            for key, several in getattr(other, name).items():
                getattr(self, name).setdefault(key, []).extend(several)
        self.hooks += other.hooks
        self.modules |= other.modules
        self.sees_all = self.sees_all or other.sees_all
        for name in _FLAGS:
            if getattr(other, name):
                setattr(self, name, True)


_SETS = ("writes", "rebinds", "plain", "changes", "touches", "attributes", "escapes")
_FLAGS = ("calls", "acts", "reads_files", "sets_display", "is_opaque")

NOTHING = Effects()
"""The effects of a text that does nothing."""


def opaque_effects(reason: str) -> Effects:
    """The effects of what cannot be analysed, and why, as one clause for people.

    >>> opaque_effects("it is not Python").sees_all
    'it is not Python'
    """
    return Effects(sees_all=reason, is_opaque=True, calls=True)


def combined(parts: Iterable[Effects]) -> Effects:
    """The effects of several texts together, whatever their order.

    >>> sorted(combined([Effects(reads={"x"}), Effects(reads={"y"})]).reads)
    ['x', 'y']
    """
    several = [part for part in parts if part is not NOTHING]
    if len(several) <= 1:
        return several[0] if several else NOTHING
    total = Effects()
    for part in several:
        total.add(part)
    return total
