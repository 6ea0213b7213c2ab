"""Going through code: where one is, what is known so far, and how names are used and bound.

Every visit of an expression gives the *roots* of its value: names whose objects the value may be,
hold, or be held by. A number or a text has none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeAlias

from llm_repl_core.dataflow._barriers import EVERYTHING, barrier_of_name
from llm_repl_core.dataflow._known import BUILTINS
from llm_repl_core.dataflow._record import Record
from llm_repl_core.dataflow._scopes import Scope
from llm_repl_core.dataflow.effects import Effects, module_objects

__all__ = ["NO_ROOTS", "Roots", "Visitor"]

Roots: TypeAlias = frozenset[str]
NO_ROOTS: Roots = frozenset()


class Visitor:
    """What visiting any code needs: where it is, and what is known so far.

    Attributes:
        scope: Where names are looked up now.
        record: Where what is found goes now: the cell's record, or that of a function's body.
        cell: The cell's own record.
    """

    def __init__(self) -> None:
        self.cell = Record()
        self.record = self.cell
        self.scope = Scope("module")
        # Names that surely have their values from this cell by now; the solid ones do so
        # whatever way was taken through the `if`s around.
        self._sure: set[str] = set()
        self._solid: set[str] = set()
        self._added: list[set[str]] = []
        self._used: set[str] = set()
        # How many of the definitions of a function have been taken in.
        self._followed: dict[str, int] = {}
        # Of the statement that is visited: code without a name, and who may have got hold of it.
        self._closures: list[Effects] = []
        self._tied: set[str] = set()
        self._modules: dict[str, str | None] = {}

    def value(self, node: ast.AST | None) -> Roots:
        """Visit an expression.

        Args:
            node: The expression; None gives nothing.
        """
        if node is None:
            return NO_ROOTS
        visit = self.VISITS.get(type(node))
        if visit is None:
            return self.visit_unknown(node)
        return visit(self, node)

    def values(self, nodes: Iterable[ast.AST | None]) -> Roots:
        """Visit several expressions."""
        return NO_ROOTS.union(*[self.value(node) for node in nodes])

    # What the other visitors build on -----------------------------------------------------------

    @contextmanager
    def perhaps(self) -> Iterator[set[str]]:
        """What is visited within may not run: what it binds is not surely bound behind it.

        Yields:
            The names that were surely bound within, filled when it ends.
        """
        added: set[str] = set()
        self._added.append(added)
        try:
            yield added
        finally:
            self._added.pop()
            added &= self._sure
            self._sure -= added

    @contextmanager
    def within(self, scope: Scope, record: Record | None = None) -> Iterator[Record]:
        """What is visited within belongs to another scope, and perhaps to another record."""
        before = self.scope, self.record
        self.scope, self.record = scope, record or self.record
        try:
            yield self.record
        finally:
            self.scope, self.record = before

    def make_sure(self, name: str) -> None:
        """A name of the notebook has its value from this cell now."""
        if self.record is not self.cell:
            return
        if name not in self._sure:
            self._sure.add(name)
            if self._added:
                self._added[-1].add(name)
        if not self._added:
            self._solid.add(name)

    def forget(self, name: str) -> None:
        """A name of the notebook may have lost its value."""
        self._sure.discard(name)
        self._solid.discard(name)

    def stop(self, reason: str | None) -> None:
        """Note a barrier, where there is a reason."""
        self.record.barrier = self.record.barrier or reason

    def touch(self, roots: Roots) -> None:
        """What is called may change these."""
        self.record.touches |= roots
        self._tied |= roots
        self.record.calls = True

    def bind(self, name: str, roots: Roots, module: str | None = None) -> None:
        """Bind a name in this scope to what has these roots, or to a module or a part of one."""
        scope = self.scope.binding()
        name = scope.mangled(name)
        if scope.kind == "module" or scope.local(name) is None:
            self.record.writes.add(name)
            self.record.link({name, *roots})
            self._note_module(name, module)
            self.make_sure(name)
            self._tied.add(name)
            return
        if scope.kind == "class" and not self._added:
            scope.surely_bound.add(name)
        self.record.link({*scope.owners, *roots})
        self._tied |= scope.owners

    def _note_module(self, name: str, module: str | None) -> None:
        # A name that is bound to other things too is no module's, but tied to it.
        known = self._modules.setdefault(name, module)
        if known == module:
            if module is not None:
                self.record.modules[name] = module
            return
        for record in (self.record, self.cell):
            record.modules.pop(name, None)
        for one in (known, module):
            if one:
                self.record.link({name, module_objects(one)})
        self._modules[name] = ""

    def use(self, name: str) -> Roots:
        """Read a name of the notebook, or a builtin."""
        barrier = barrier_of_name(name)
        self.stop(barrier)
        if name in BUILTINS:
            self.record.builtins.add(name)
            self.mention(name)
        return self._roots_of(name) | ({EVERYTHING} if barrier is not None else NO_ROOTS)

    def mention(self, name: str) -> None:
        """Note a name that is read where the notebook has it, and not where it is a local one."""
        if self.scope.local(name) is None and not (self.record is self.cell and name in self._sure):
            self.record.perhaps_reads.add(name)

    def _roots_of(self, name: str) -> Roots:
        if self.record is not self.cell:
            if name not in BUILTINS:
                self.record.reads.add(name)
            return frozenset({name})
        if name not in self._sure and name not in BUILTINS:
            self.record.reads.add(name)
        self._used.add(name)
        self.follow(name, self._solid)
        return frozenset({name})

    def follow(self, name: str, bound: Iterable[str]) -> None:
        """Take in what calling a function of this cell does, as it may be called now."""
        waiting = [name]
        while waiting:
            one = waiting.pop()
            self._used.add(one)
            called = self.cell.deferred.get(one, [])
            followed = self._followed.get(one, 0)
            self._followed[one] = len(called)
            for effects in called[followed:]:
                self.cell.add(effects, bound=bound)
                waiting += effects.reads

    def finish(self) -> None:
        """Take in the functions that were used before they were defined, at the cell's end."""
        for name in sorted(self._used):
            self.follow(name, ())
        self.cell.rebinds |= self._solid

    def visit_unknown(self, node: ast.AST) -> Roots:
        """Visit what is known to be nothing else: it may do anything to its parts."""
        roots = self.values(ast.iter_child_nodes(node))
        self.touch(roots)
        return roots

    VISITS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], Roots]]] = {}
    """What visits which kind of expression."""
