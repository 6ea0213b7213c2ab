"""What today's scheduler asks for, until it asks for `llm_repl_core.dataflow.transitive` itself."""

from __future__ import annotations

from collections.abc import Container, Iterable

from msgspec import Struct

from llm_repl_core.dataflow import transitive
from llm_repl_core.dataflow.effects import LAST_ANSWER, Effects
from llm_repl_core.dataflow.transitive import ALWAYS_THERE

__all__ = ["ALWAYS_THERE", "Closed", "Names", "must_follow"]


class Closed(Struct, frozen=True, kw_only=True):
    """The effects of a cell within its notebook."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    reach: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    acts: bool = False
    last_answer: bool = False
    barrier: str | None = None


class Names:
    """The names of a notebook and what they have to do with each other."""

    def __init__(
        self, effects: Iterable[Effects], *, texts: Container[str] = (), plain: Container[str] = ()
    ) -> None:
        self._names = transitive.Names(effects, plain=plain)

    def closed(self, effects: Effects) -> Closed:
        """The effects with what comes in through functions."""
        found = self._names.transitive(effects)
        return Closed(
            reads=found.reads,
            writes=found.writes,
            changes=found.changes,
            reach=found.reads,
            touches=found.changes,
            acts=found.acts or found.sets_display,
            last_answer=LAST_ANSWER in found.reads | found.writes,
            barrier=found.sees_all,
        )

    def objects(self, names: Iterable[str]) -> set[str]:
        """The names themselves."""
        return set(names)


def must_follow(later: Closed, earlier: Closed) -> bool:
    """Whether ``later`` must wait until ``earlier`` has run."""
    last = frozenset({LAST_ANSWER})
    return (
        later.barrier is not None
        or earlier.barrier is not None
        or not later.reads.isdisjoint(earlier.writes)
        or not later.writes & (earlier.reads | earlier.writes) <= last
        or not later.reach.isdisjoint(earlier.touches)
        or not later.touches.isdisjoint(earlier.reach)
        or later.acts
        or earlier.acts
    )
