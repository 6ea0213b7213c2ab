"""The state of an analysis: where it is, what is known so far, how names are used and bound.

``x = 1; y = x + z`` → reads ``z`` (``x`` has its value from here), writes ``x`` and ``y``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from llm_repl_core.dataflow._known import BUILTINS, sees_all_by_name
from llm_repl_core.dataflow._scopes import Scope
from llm_repl_core.dataflow._texts import names_in_text, words_of
from llm_repl_core.dataflow.effects import Effects

__all__ = ["Analysis"]


class Analysis:
    """The state of an analysis.

    Args:
        visit: What visits a node.

    Attributes:
        scope: Where names are looked up now.
        cell: What the cell does, as far as it is known.
        found: Where what is found goes now: to the cell, or to a function's body.
        methods: What the methods do of the class that is visited.
    """

    def __init__(self, visit: Callable[[Analysis, ast.AST], None]) -> None:
        self._visit = visit
        self.cell = self.found = Effects()
        self.scope = Scope("module")
        self.methods: list[Effects] = []
        # Names that surely have their values from this cell by now; the solid ones do so
        # whatever way was taken through the `if`s around.
        self._sure: set[str] = set()
        self._solid: set[str] = set()
        self._added: list[set[str]] = []
        self._used: set[str] = set()
        # How many of the definitions of a function have been taken in.
        self._followed: dict[str, int] = {}

    # Where it is --------------------------------------------------------------------------------

    def visit(self, *nodes: ast.AST | None) -> None:
        """Visit nodes in order."""
        for node in nodes:
            if node is not None:
                self._visit(self, node)

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
    def within(self, scope: Scope) -> Iterator[None]:
        """What is visited within belongs to another scope."""
        around, self.scope = self.scope, scope
        try:
            yield
        finally:
            self.scope = around

    def body(self, scope: Scope, visit: Callable[[], None]) -> Effects:
        """What code does that runs when it is called: of a function, a lambda, a generator.

        Args:
            scope: Its own scope.
            visit: Visits it.
        """
        around = self.found, self._added, self.methods
        self.found, self._added, self.methods = Effects(), [], []
        with self.within(scope):
            visit()
        called = self.found
        self.found, self._added, self.methods = around
        return called

    # Names --------------------------------------------------------------------------------------

    def load(self, name: str, *, leads: bool | None = False) -> None:
        """Read a name.

        Args:
            name: The name.
            leads: Whether its value, or what it gives when called, goes on from here; None where
                only an attribute of it is used.
        """
        holder = self.scope.holder(name)
        if holder is not None and (holder.kind != "class" or name in holder.surely_bound):
            return
        # Where a class has not bound its name yet, Python looks for a global one.
        if leads is not None:
            self.stop(sees_all_by_name(name), leads=leads)
        if self.found is not self.cell or name not in self._sure:
            (self.found.mentions if name in BUILTINS else self.found.reads).add(name)
        if self.found is self.cell:
            self._follow(name, self._solid)

    def text(self, text: str, *, is_shown: bool = False, is_evaluated: bool = False) -> None:
        """Note the words of a text.

        Args:
            text: A constant of the code, as far as it stands there.
            is_shown: Whether it is known to be for people only.
            is_evaluated: Whether it is known to be evaluated, and does not just look so.
        """
        if not is_shown:
            words = words_of(text)
            names = words if is_evaluated else names_in_text(text)
            self.found.words.update(filter(self._is_outside, words))
            self.found.mentions.update(filter(self._is_outside, names - BUILTINS))

    def _is_outside(self, name: str) -> bool:
        is_sure = self.found is self.cell and name in self._sure
        return not is_sure and self.scope.holder(name) is None

    def bind(self, name: str) -> bool:
        """Bind a name in this scope; whether it is the notebook's."""
        scope = self.scope.binding()
        if scope.holder(name) is not None:
            if scope.kind == "class" and not self._added:
                scope.surely_bound.add(name)
            return False
        self.found.writes.add(name)
        if self.found is self.cell:
            self.make_sure([name])
        return True

    def unbind(self, name: str) -> None:
        """Delete a name."""
        scope = self.scope.binding()
        if scope.holder(name) is None:
            self.found.writes.add(name)
            self._sure.discard(name)
            self._solid.discard(name)
        scope.surely_bound.discard(name)

    def make_sure(self, names: Iterable[str]) -> None:
        """Names of the notebook have their values from this cell now."""
        for name in names:
            if name not in self._sure:
                self._sure.add(name)
                if self._added:
                    self._added[-1].add(name)
            if not self._added:
                self._solid.add(name)

    def roots(self, *nodes: ast.expr) -> set[str]:
        """The notebook's names whose objects expressions give, or parts of them.

        ``x[0].y`` → ``x``; ``[x, *y]`` → ``x`` and ``y``; ``f(x)`` → none.
        """
        found: set[str] = set()
        waiting = [*nodes]
        while waiting:
            match waiting.pop():
                case ast.Name(id=name) if self.scope.holder(name) is None:
                    found.add(name)
                case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                    waiting.append(inner)
                case ast.Starred(value=inner) | ast.Await(value=inner):
                    waiting.append(inner)
                case ast.Call(func=ast.Attribute(value=inner, attr="items" | "values")):
                    waiting.append(inner)
                case ast.Call(func=ast.Name(id="enumerate" | "reversed" | "zip"), args=parts):
                    waiting += parts
                case ast.Tuple(elts=parts) | ast.List(elts=parts):
                    waiting += parts
        return found

    # What is found ------------------------------------------------------------------------------

    def touch(self, names: set[str]) -> None:
        """Note that code runs which may do anything, and may change the objects of names."""
        self.found.calls = True
        self.found.touches |= names

    def stop(self, reason: str | None, *, leads: bool) -> None:
        """Note that any name may be used, where there is a reason.

        Args:
            reason: Why.
            leads: Whether what it gives may go on from here, and use and change any name later.
        """
        if reason is None:
            return
        self.found.sees_all = self.found.sees_all or reason
        self.found.is_opaque = True
        if leads:
            self.cell.hooks.append(Effects(sees_all=reason))

    def runs(self, called: Effects) -> None:
        """Take in what code does that runs now, and perhaps again later, without being named."""
        self.cell.hooks.append(called)
        if self.found is not self.cell:
            self.found.add(called)
            return
        self.found.add(called, bound=self._solid)
        for name in (*called.reads, *called.mentions):
            self._follow(name, self._solid)

    def _follow(self, name: str, bound: set[str]) -> None:
        """Take in what calling a function of this cell does, as it may be called now."""
        waiting = [name]
        while waiting:
            function = waiting.pop()
            self._used.add(function)
            called = self.cell.functions.get(function, [])
            followed = self._followed.get(function, 0)
            self._followed[function] = len(called)
            for effects in called[followed:]:
                self.cell.add(effects, bound=bound)
                waiting += effects.reads

    def finish(self) -> Effects:
        """Take in the functions that were used before they were defined, at the cell's end."""
        for name in sorted(self._used):
            self._follow(name, set())
        self.cell.rebinds |= self._solid
        return self.cell
