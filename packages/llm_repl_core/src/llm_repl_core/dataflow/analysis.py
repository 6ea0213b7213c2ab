"""The state of an analysis: the scope it is in, what surely has its value by now, what was found."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.dataflow.known import BUILTINS, names_in_text, words_of

__all__ = ["Analysis", "Scope"]

_BIND_NOTHING = (ast.expr_context, ast.Constant, ast.Call, ast.Attribute, ast.BinOp, ast.operator)
"""The most frequent nodes, which are passed at once."""


class Scope:
    """One of Python's scopes within others, as the compiler sees them.

    >>> function = ast.parse("def f(a): b = a; return c").body[0]
    >>> scope = Scope("function", Scope("module"), function.body, function.args)
    >>> [name for name in "abc" if scope.holder(name) is None]
    ['c']

    Args:
        kind: What makes it. A type parameter's scope is a function's.
        parent: The scope around it; None for the module's.
        body: What is evaluated in it: whatever this binds anywhere is local.
        arguments: The parameters, of a function.

    Attributes:
        bound: The names that are local here.
        surely_bound: Of a class's names, those that surely have their values by now.
        is_generator: Whether it is a function's that gives a generator.
    """

    def __init__(
        self,
        kind: Literal["module", "function", "class", "comprehension"],
        parent: Scope | None = None,
        body: Iterable[ast.AST] = (),
        arguments: ast.arguments | None = None,
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.bound: set[str] = set()
        self._global: set[str] = set()
        self.is_generator = False
        self._find_bindings(body)
        if arguments is not None:
            self.bound |= {part.arg for part in ast.walk(arguments) if isinstance(part, ast.arg)}
        self.surely_bound = {"__module__", "__qualname__"} if kind == "class" else set()
        self.bound |= self.surely_bound

    def holder(self, name: str) -> Scope | None:
        """The scope that has a name as a local one; None where it is the notebook's."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if name in scope._global:
                return None
            # The names of a class are seen by its own statements only.
            if name in scope.bound and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None

    def _find_bindings(self, body: Iterable[ast.AST]) -> None:
        """Find what a body binds, without the scopes within it."""
        outside: set[str] = set()
        waiting = [*body]
        while waiting:
            node = waiting.pop()
            if isinstance(node, _BIND_NOTHING):
                waiting += ast.iter_child_nodes(node)
                continue
            match node:
                case ast.Name(id=name, ctx=context):
                    if not isinstance(context, ast.Load):
                        self.bound.add(name)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.bound.add(node.name)
                    waiting += [*node.decorator_list, node.args]
                case ast.ClassDef():
                    self.bound.add(node.name)
                    waiting += [*node.decorator_list, *node.bases, *node.keywords]
                case ast.Lambda(args=arguments):
                    waiting.append(arguments)
                case ast.comprehension():  # its targets are its own, but what `:=` binds is not
                    waiting += [node.iter, *node.ifs]
                case ast.Global(names=names):
                    self._global.update(names)
                case ast.Nonlocal(names=names):
                    outside.update(names)
                case ast.alias(name=name, asname=asname):
                    self.bound.add(asname or name.partition(".")[0])
                case _:
                    self.is_generator |= isinstance(node, ast.Yield | ast.YieldFrom)
                    # Handlers and patterns have a name, or a rest, which is a text.
                    bound = getattr(node, "name", None) or getattr(node, "rest", None)
                    if isinstance(bound, str):
                        self.bound.add(bound)
                    waiting += ast.iter_child_nodes(node)
        self.bound -= self._global | outside


class Analysis:
    """The state of an analysis, which `expressions` and `statements` change as they go.

    >>> state = Analysis()
    >>> state.bind("x"), state.load("x"), state.load("y")
    (True, True, True)
    >>> state.finish().reads
    {'y'}

    Attributes:
        scope: Where names are looked up now.
        cell: What the cell does, as far as it is known.
        found: Where what is found goes now: to the cell, or to a function's body.
        methods: What the methods do of the class that is visited.
    """

    def __init__(self) -> None:
        self.cell = self.found = Effects()
        self.scope = Scope("module")
        self.methods: list[Effects] = []
        # Names that surely have their values from this cell by now: the first set whatever way was
        # taken, the last one where it is now, within the `if`s around; none in what is called.
        self._sure: list[set[str]] = [set()]
        self._used: set[str] = set()
        # How many of the definitions of a function have been taken in.
        self._followed: dict[str, int] = {}

    @contextmanager
    def conditional(self) -> Iterator[set[str]]:
        """What is visited within may not run; yields what names are surely bound at its end."""
        self._sure.append(set(self._sure[-1]))
        yield self._sure[-1]
        self._sure.pop()

    @contextmanager
    def within(self, scope: Scope) -> Iterator[None]:
        """What is visited within belongs to another scope."""
        around, self.scope = self.scope, scope
        yield
        self.scope = around

    @contextmanager
    def body(self, scope: Scope) -> Iterator[Effects]:
        """What is visited within runs when it is called, in its own scope; yields what it does."""
        around = self.found, self._sure, self.methods
        self.found, self._sure, self.methods = Effects(), [set()], []
        with self.within(scope):
            yield self.found
        self.found, self._sure, self.methods = around

    # Names --------------------------------------------------------------------------------------

    def load(self, name: str) -> bool:
        """Read a name; whether it is the notebook's, or Python's own."""
        holder = self.scope.holder(name)
        if holder is not None and (holder.kind != "class" or name in holder.surely_bound):
            return False
        # Where a class has not bound its name yet, Python looks for a global one.
        if name not in self._sure[-1]:
            (self.found.mentions if name in BUILTINS else self.found.reads).add(name)
        if self.found is self.cell:
            self._follow(name, self._sure[0])
        return True

    def bind(self, name: str) -> bool:
        """Bind a name in this scope; whether it is the notebook's."""
        scope = self.scope
        while scope.kind == "comprehension" and name not in scope.bound and scope.parent:
            scope = scope.parent  # `:=` binds around the comprehensions
        if scope.holder(name) is not None:
            if scope.kind == "class" and len(self._sure) == 1:
                scope.surely_bound.add(name)
            return False
        self.found.writes.add(name)
        if self.found is self.cell:
            self._sure[-1].add(name)
        return True

    def unbind(self, name: str) -> None:
        """Delete a name."""
        if self.scope.holder(name) is None:
            self.found.writes.add(name)
            for sure in self._sure:
                sure.discard(name)
        self.scope.surely_bound.discard(name)

    def bind_surely(self, names: Iterable[str]) -> None:
        """Note that names of the notebook are bound whatever way was taken."""
        self._sure[-1].update(names)

    def text(self, text: str, *, is_shown: bool = False, is_evaluated: bool = False) -> None:
        """Note the words of a text: one for people only, or one that is surely evaluated."""
        if not is_shown:
            words = words_of(text)
            names = words if is_evaluated else names_in_text(text)
            self.found.words.update(filter(self._is_outside, words))
            self.found.mentions.update(filter(self._is_outside, names - BUILTINS))

    def _is_outside(self, name: str) -> bool:
        return name not in self._sure[-1] and self.scope.holder(name) is None

    def roots(self, *nodes: ast.expr) -> set[str]:
        """The notebook's names whose objects expressions give, or parts of them.

        >>> [value] = [statement.value for statement in ast.parse("[x[0].y, *z, f(a)]").body]
        >>> sorted(Analysis().roots(value))
        ['x', 'z']
        """
        found: set[str] = set()
        waiting = [*nodes]
        while waiting:
            match waiting.pop():
                case ast.Name(id=name) if self.scope.holder(name) is None:
                    found.add(name)
                case ast.Attribute() | ast.Subscript() | ast.Starred() | ast.Await() as part:
                    waiting.append(part.value)
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

    def see_all(self, reason: str | None, *, leads: bool = True) -> None:
        """Note that any name may be used, if there is a reason; also later, where the value leads."""
        if reason is not None:
            self.found.sees_all = self.found.sees_all or reason
            self.found.is_opaque = True
            if leads:
                self.cell.hooks.append(Effects(sees_all=reason))

    def may_run(self, called: Effects) -> None:
        """Take in what code does that runs now, and perhaps again later, without being named."""
        self.cell.hooks.append(called)
        if self.found is not self.cell:
            self.found.add(called)
            return
        self.found.add(called, bound=self._sure[0])
        for name in (*called.reads, *called.mentions):
            self._follow(name, self._sure[0])

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
        self.cell.rebinds |= self._sure[0]
        return self.cell
