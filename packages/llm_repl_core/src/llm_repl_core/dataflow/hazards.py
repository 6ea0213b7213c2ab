"""Which cells may change places: names, and the objects behind them.

Names whose objects may be tied together form a component, over the whole notebook and whatever
the order of the cells, which is simple and on the safe side. Two cells conflict where one may
change what the other looks at.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from llm_repl_core.dataflow._barriers import EVERYTHING
from llm_repl_core.dataflow._components import Components
from llm_repl_core.dataflow._known import BUILTINS
from llm_repl_core.dataflow._record import combined
from llm_repl_core.dataflow.effects import (
    DISPLAY,
    LAST_ANSWER,
    Effects,
    barrier_effects,
    module_objects,
)

__all__ = ["ALWAYS_THERE", "Closed", "Names", "must_follow"]

_WORLD = "world:"
"""Files, clocks, random numbers, what modules keep to themselves: whatever no name stands for."""

_LAST_ANSWERS = frozenset({LAST_ANSWER})

ALWAYS_THERE = BUILTINS | {
    *("__name__", "__doc__", "__file__", "__annotations__", "__package__", "__spec__"),
    *("__loader__", "__builtins__", "__class__", "memory", LAST_ANSWER),
}


class Closed(Struct, frozen=True, kw_only=True):
    """The effects of a cell within its notebook.

    Attributes:
        reads: Names that it may use, through functions too.
        writes: Names that it may bind or delete, through functions too.
        changes: Names whose objects it visibly changes in place, through functions too.
        reach: What it may look at: components of names, modules, the world outside.
        touches: What of these it may change.
        calls: Whether it may run code that is not known to change nothing.
        last_answer: Whether it reads or binds ``_``.
        barrier: Why it cannot be analysed; None where it can.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    reach: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    calls: bool = False
    last_answer: bool = False
    barrier: str | None = None


class _Step(Struct, frozen=True):
    """The effects of a cell, or of a component's functions, in terms of objects."""

    reads: frozenset[str]
    writes: frozenset[str]
    changes: frozenset[str]
    reach: set[str]
    touches: set[str]
    calls: bool
    barrier: str | None


class Names:
    """The names of a notebook and what they have to do with each other.

    Args:
        effects: Of all its cells.
        texts: Variables that hold plain text, which nobody can change in place.
        plain: Names that are there without a cell that binds them, such as parameters.
    """

    def __init__(
        self,
        effects: Iterable[Effects],
        *,
        texts: Container[str] = (),
        plain: Container[str] = (),
    ) -> None:
        self._plain = plain
        self._bound: set[str] = set()
        self._known: dict[int, tuple[Effects, Closed]] = {}
        cells = list({id(one): one for one in effects}.values())
        parts = [part for one in cells for part in (one, *one.deferred.values())]
        imported: dict[str, set[str]] = {}
        for one in parts:
            self._bound |= one.writes
            for name, module in one.modules.items():
                imported.setdefault(name, set()).add(module_objects(module))
        # A name that is bound to other things too is like any other; it has the module's objects.
        mixed = {
            name
            for one in parts
            for name in one.writes
            if name in imported and name not in one.modules
        }
        self._imported = frozenset(imported)
        self._modules = {name: found for name, found in imported.items() if name not in mixed}
        self._texts = {name for name in self._bound if name in texts} - {
            name for one in cells for part in one.deferred.values() for name in part.writes
        }
        unlinked = self._texts | self._modules.keys() | (BUILTINS - self._bound)
        self._components = Components(
            [
                *(group - unlinked for one in parts for group in one.links),
                *(_shadowed_links(one, self._bound) - unlinked for one in parts),
                *(frozenset({name, *imported[name]}) for name in mixed),
            ]
        )
        self._deferred = self._by_component(one.deferred for one in cells)
        everything = {EVERYTHING: barrier_effects("it may use what sees every variable")}
        self._implied = self._by_component([everything, *(one.implied for one in cells)])
        self._iterators = self.objects(name for one in cells for name in one.iterators)
        self._steps_called: dict[str, _Step] = {}
        self._steps_looked_at: dict[str, _Step] = {}

    def closed(self, effects: Effects) -> Closed:
        """The effects with what comes in through functions, aliases and unknown names.

        Args:
            effects: Of one cell.
        """
        known = self._known.get(id(effects))
        if known is not None:
            return known[1]
        closed = self._close(effects)
        # The effects are kept too, so that no other object takes over their id.
        self._known[id(effects)] = effects, closed
        return closed

    def _close(self, effects: Effects) -> Closed:
        step = self._step(effects)
        reads, writes, changes = set(step.reads), set(step.writes), set(step.changes)
        # Whatever a cell shows, it shows as the libraries' options say.
        reach, touches = {*step.reach, DISPLAY}, set(step.touches)
        calls, barrier = step.calls, step.barrier
        new_reach, new_touches = step.reach, step.touches
        waiting: list[_Step] = []
        while True:
            waiting += [self._called(one) for one in new_touches if one in self._deferred]
            waiting += [self._looked_at(one) for one in new_reach if one in self._implied]
            if not waiting:
                break
            step = waiting.pop()
            reads |= step.reads
            writes |= step.writes
            changes |= step.changes
            calls = calls or step.calls
            barrier = barrier or step.barrier
            new_touches = step.touches - touches
            new_reach = step.reach - reach
            touches |= new_touches
            reach |= new_reach
        if calls:
            reach.add(_WORLD)
            touches.add(_WORLD)
        if barrier is None and (calls or effects.keeps):
            barrier = self._unknown(reads)
        return Closed(
            reads=frozenset(reads),
            writes=frozenset(writes),
            changes=frozenset(changes),
            reach=frozenset(reach),
            touches=frozenset(touches),
            calls=calls,
            last_answer=LAST_ANSWER in reads or LAST_ANSWER in writes,
            barrier=barrier,
        )

    def _step(self, effects: Effects) -> _Step:
        touched = effects.touches | effects.changes | self._used_up(effects)
        reads = effects.reads | (effects.perhaps_reads & self._bound)
        shadowed = effects.builtins & self._bound
        if shadowed:
            # What passed for `len` is the notebook's own, and may do anything.
            reads |= shadowed
            touched |= reads
        touches = self.objects(touched)
        return _Step(
            reads=reads,
            writes=effects.writes,
            changes=effects.changes,
            reach=self.objects(reads) | touches,
            touches=touches,
            calls=effects.calls or bool(shadowed) or not self._imported.isdisjoint(reads),
            barrier=effects.barrier,
        )

    def _called(self, component: str) -> _Step:
        """What calling all functions of a component does."""
        step = self._steps_called.get(component)
        if step is None:
            step = self._steps_called[component] = self._step(self._deferred[component])
        return step

    def _looked_at(self, component: str) -> _Step:
        """What looking at all objects of a component does."""
        step = self._steps_looked_at.get(component)
        if step is None:
            step = self._steps_looked_at[component] = self._step(self._implied[component])
        return step

    def _used_up(self, effects: Effects) -> frozenset[str]:
        """The names that it goes through which may be iterators."""
        if not self._iterators:
            return frozenset()
        return frozenset(
            name
            for name in effects.consumes
            if not self._iterators.isdisjoint(self.objects([name]))
        )

    def _by_component(self, found: Iterable[Mapping[str, Effects]]) -> dict[str, Effects]:
        """What the functions of each component do together."""
        lists: dict[str, list[Effects]] = {}
        for mapping in found:
            for name, one in mapping.items():
                for component in self.objects([name]):
                    lists.setdefault(component, []).append(one)
        return {component: combined(several) for component, several in lists.items()}

    def objects(self, names: Iterable[str]) -> set[str]:
        """What stands for the objects of some names in `Closed.reach` and `Closed.touches`.

        Args:
            names: The names.
        """
        found: set[str] = set()
        for name in names:
            if name in self._texts:
                continue
            found.update(map(self._components.of, self._modules.get(name, {name})))
        return found

    def _unknown(self, reads: Iterable[str]) -> str | None:
        unknown = sorted(
            name
            for name in reads
            if name not in self._bound and name not in self._plain and name not in ALWAYS_THERE
        )
        return f"`{unknown[0]}` is set by no cell of the notebook" if unknown else None


def _shadowed_links(effects: Effects, bound: set[str]) -> frozenset[str]:
    """What passed for the call of a builtin may tie all that the cell uses."""
    shadowed = effects.builtins & bound
    return shadowed | effects.reads | effects.writes if shadowed else frozenset()


def must_follow(later: Closed, earlier: Closed) -> bool:
    """Whether ``later`` must wait until ``earlier``, which has not run at all, has run.

    Which of several prompts binds ``_`` last is not looked at here: only that who reads it
    follows those that bind it.

    Args:
        later: Of a cell.
        earlier: Of a cell above it.
    """
    return (
        later.barrier is not None
        or earlier.barrier is not None
        or not later.reads.isdisjoint(earlier.writes)
        or not later.writes & earlier.reads <= _LAST_ANSWERS
        or not later.writes & earlier.writes <= _LAST_ANSWERS
        or not later.reach.isdisjoint(earlier.touches)
        or not later.touches.isdisjoint(earlier.reach)
    )
