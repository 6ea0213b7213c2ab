"""What a cell does to the names of the notebook, as far as its text tells."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

__all__ = ["DISPLAY", "LAST_ANSWER", "NOTHING", "Effects", "barrier_effects", "module_objects"]

LAST_ANSWER = "_"
"""The name of the last answer, which every prompt binds beside its own variable."""

DISPLAY = "display:"
"""What stands for the libraries' options that decide how every value is shown."""


class Effects(Struct, frozen=True, kw_only=True):
    """What a cell, or the call of a function that it defines, does to the notebook's names.

    Everything is said on the safe side: a name may stand in a set although nothing happens to
    it, but nothing happens to a name that does not stand there, unless ``barrier`` says so.

    Attributes:
        reads: Names whose value it may use, builtins left out.
        writes: Names that it may bind or delete.
        rebinds: Of these, names that surely have a new value when it has run.
        changes: Names whose objects a statement visibly changes in place.
        touches: Names whose objects it may change, or hand to what may change them.
        consumes: Names that it goes through item by item, which changes an iterator.
        iterators: Names that it may bind to an iterator.
        links: Groups of names whose objects one statement may tie together.
        deferred: Functions and classes bound here, and what calling them does later.
        classes: Classes bound here.
        implied: Of these, those with properties, ``__repr__``, ``__getitem__`` and the like: what
            merely looking at their objects does.
        modules: Names bound by an import here, and the dotted module that each is of.
        builtins: Builtins that it uses, which another cell may have bound to something else.
        perhaps_reads: Names that it reads where the notebook has them: builtins, and words of texts
            that may be evaluated.
        calls: Whether it may run code that is not known to change nothing.
        keeps: Whether it is code, which may keep the objects that it reads for later.
        barrier: Why it cannot be analysed, as one clause for people; None where it can.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    rebinds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    consumes: frozenset[str] = frozenset()
    iterators: frozenset[str] = frozenset()
    links: tuple[frozenset[str], ...] = ()
    classes: frozenset[str] = frozenset()
    deferred: Mapping[str, Effects] = field(default_factory=dict)
    implied: Mapping[str, Effects] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    builtins: frozenset[str] = frozenset()
    perhaps_reads: frozenset[str] = frozenset()
    calls: bool = False
    keeps: bool = False
    barrier: str | None = None

    @property
    def last_answer(self) -> bool:
        """Whether it reads or binds the last answer, ``_``."""
        return LAST_ANSWER in self.reads or LAST_ANSWER in self.writes


NOTHING = Effects()
"""The effects of a text that does nothing."""


def barrier_effects(reason: str) -> Effects:
    """The effects of what cannot be analysed.

    Args:
        reason: Why, as one clause for people.
    """
    return Effects(barrier=reason, calls=True)


def module_objects(module: str) -> str:
    """What stands for the objects of a module, and of the package that it is in.

    Args:
        module: The dotted module.
    """
    return f"module:{module.partition('.')[0]}"
