"""What evaluating an expression does, and which names' objects its value may be.

Every visit gives the *roots* of a value: names whose objects the value may be, hold, or be held
by. A number or a text has none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeAlias

from llm_repl_core.dataflow._barriers import barrier_of_attribute, barrier_of_name
from llm_repl_core.dataflow._known import BUILTINS
from llm_repl_core.dataflow._record import Record
from llm_repl_core.dataflow._scopes import Scope, function_scope
from llm_repl_core.dataflow.effects import Effects, module_objects

__all__ = ["NO_ROOTS", "ExpressionVisitor", "Roots"]

Roots: TypeAlias = frozenset[str]
NO_ROOTS: Roots = frozenset()


class ExpressionVisitor:
    """Goes through expressions in the order of their evaluation.

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
        self._followed: set[str] = set()
        self._closures: list[Effects] = []
        self._modules: dict[str, str | None] = {}

    def value(self, node: ast.AST | None) -> Roots:
        """Visit an expression.

        Args:
            node: The expression; None gives nothing.
        """
        if node is None:
            return NO_ROOTS
        visit = self._VISITS.get(type(node))
        if visit is None:
            return self._visit_unknown(node)
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
        self._followed.discard(name)

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
            return
        if scope.kind == "class" and not self._added:
            scope.surely_bound.add(name)
        self.record.link({*scope.owners, *roots})

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
        self.stop(barrier_of_name(name))
        if name in BUILTINS:
            self.record.builtins.add(name)
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
            called = self.cell.deferred.get(one)
            if called is None or one in self._followed:
                continue
            self._followed.add(one)
            self.cell.add(called, bound=bound)
            waiting += called.reads

    def finish(self) -> None:
        """Take in the functions that were used before they were defined, at the cell's end."""
        for name in sorted(self._used):
            self.follow(name, ())
        self.cell.rebinds |= self._solid

    # Names, and what has parts ------------------------------------------------------------------

    def _visit_name(self, node: ast.Name) -> Roots:
        name = self.scope.mangled(node.id)
        local = self.scope.local(name)
        if local is None:
            return self.use(name)
        if self.scope.kind == "class" and name not in self.scope.surely_bound:
            # Where a class has not bound its name yet, Python looks for a global one.
            return local | self.use(name)
        return local

    def _visit_attribute(self, node: ast.Attribute) -> Roots:
        if isinstance(node.value, ast.Name):
            barred = barrier_of_attribute(node.value.id, node.attr)
            self.stop(barred)
            if barrier_of_name(node.value.id) and barred is None:
                # `sys.path` is seen through; only `sys` by itself is not.
                return self._plain_name(node.value)
        else:
            self.stop(barrier_of_attribute("", node.attr))
        return self.value(node.value)

    def _plain_name(self, node: ast.Name) -> Roots:
        barrier = self.record.barrier
        roots = self.value(node)
        self.record.barrier = barrier
        return roots

    def _visit_subscript(self, node: ast.Subscript) -> Roots:
        roots = self.value(node.value)
        self.value(node.slice)
        return roots

    def _visit_parts(self, node: ast.AST) -> Roots:
        return self.values(ast.iter_child_nodes(node))

    def _visit_nothing(self, _: ast.AST) -> Roots:
        return NO_ROOTS

    def _visit_text(self, node: ast.AST) -> Roots:
        self.values(ast.iter_child_nodes(node))
        return NO_ROOTS

    def _visit_starred(self, node: ast.Starred) -> Roots:
        roots = self.value(node.value)
        self.record.consumes |= roots
        return roots

    def _visit_unknown(self, node: ast.AST) -> Roots:
        roots = self._visit_parts(node)
        self.touch(roots)
        return roots

    # Operators ----------------------------------------------------------------------------------

    def _visit_operation(self, node: ast.BinOp) -> Roots:
        roots = self.value(node.left) | self.value(node.right)
        # A list keeps its items where it is repeated, and nothing else is tied to a constant.
        sides = (node.left, node.right)
        makes_new = any(isinstance(side, ast.Constant | ast.JoinedStr) for side in sides)
        return NO_ROOTS if makes_new and not isinstance(node.op, ast.Mult) else roots

    def _visit_comparison(self, node: ast.Compare) -> Roots:
        self.value(node.left)
        first, *others = node.comparators
        self._compare(node.ops[0], first)
        if others:
            with self.perhaps():
                for operator, other in zip(node.ops[1:], others, strict=True):
                    self._compare(operator, other)
        return NO_ROOTS

    def _compare(self, operator: ast.cmpop, node: ast.expr) -> None:
        roots = self.value(node)
        if isinstance(operator, ast.In | ast.NotIn):
            self.record.consumes |= roots

    def _visit_choice(self, node: ast.BoolOp) -> Roots:
        roots = self.value(node.values[0])
        with self.perhaps():
            return roots | self.values(node.values[1:])

    def _visit_condition(self, node: ast.IfExp) -> Roots:
        self.value(node.test)
        with self.perhaps():
            roots = self.value(node.body)
        with self.perhaps():
            return roots | self.value(node.orelse)

    def _visit_not(self, node: ast.UnaryOp) -> Roots:
        roots = self.value(node.operand)
        return NO_ROOTS if isinstance(node.op, ast.Not) else roots

    def _visit_walrus(self, node: ast.NamedExpr) -> Roots:
        roots = self.value(node.value)
        self.bind(node.target.id, roots)
        return roots | self.values([ast.Name(node.target.id, ast.Load())])

    def _visit_waiting(self, node: ast.Await | ast.YieldFrom) -> Roots:
        roots = self.value(node.value)
        self.touch(roots)
        return roots

    def _visit_yield(self, node: ast.Yield) -> Roots:
        self.record.link({*self.scope.binding().owners, *self.value(node.value)})
        return self.scope.binding().owners

    # Scopes within an expression ----------------------------------------------------------------

    def _visit_lambda(self, node: ast.Lambda) -> Roots:
        roots = self.value_of_defaults(node.args)
        scope = function_scope(self.scope, node.args, [node.body], self.scope.owner)
        with self.within(scope, Record()) as record:
            inside = self.value(node.body)
        return roots | self.closure(record, inside)

    def value_of_defaults(self, arguments: ast.arguments) -> Roots:
        """Visit what a function's parameters have as defaults, which is evaluated around it."""
        return self.values([*arguments.defaults, *arguments.kw_defaults])

    def closure(self, record: Record, inside: Roots) -> Roots:
        """Note code without a name, which may run now and at any later time."""
        effects = record.effects()
        self._closures.append(effects)
        self.record.add(effects, bound=self._solid if self.record is self.cell else ())
        if self.record is self.cell:
            for name in effects.reads | effects.builtins:
                self.follow(name, self._solid)
        return inside | effects.reads

    def _visit_comprehension(self, node: Any) -> Roots:
        first = node.generators[0]
        roots = self.value(first.iter)
        self.record.consumes |= roots
        scope = Scope("comprehension", self.scope, owner=self.scope.owner)
        with self.perhaps(), self.within(scope):
            return roots | self._inside_comprehension(node, roots)

    def _visit_generator(self, node: ast.GeneratorExp) -> Roots:
        # Only the first iterable is evaluated here; the rest runs when somebody asks for items.
        roots = self.value(node.generators[0].iter)
        self.record.consumes |= roots
        scope = Scope("comprehension", self.scope, owner=self.scope.owner)
        with self.perhaps(), self.within(scope, Record()) as record:
            inside = self._inside_comprehension(node, roots)
        return roots | self.closure(record, inside)

    def _inside_comprehension(self, node: Any, first: Roots) -> Roots:
        roots = first
        for place, one in enumerate(node.generators):
            if place:
                roots = self.value(one.iter)
                self.record.consumes |= roots
            if one.is_async:
                self.touch(roots)
            for part in ast.walk(one.target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    self.scope.items[part.id] = roots
            for part in ast.walk(one.target):
                if isinstance(part, ast.Attribute | ast.Subscript):
                    self.record.changes |= self.value(part.value)
            self.values(one.ifs)
        if isinstance(node, ast.DictComp):
            return first | self.value(node.key) | self.value(node.value)
        return first | self.value(node.elt)

    def _visit_call(self, node: ast.Call) -> Roots:
        raise NotImplementedError

    _VISITS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], Roots]]] = {
        ast.Attribute: _visit_attribute,
        ast.Await: _visit_waiting,
        ast.BinOp: _visit_operation,
        ast.BoolOp: _visit_choice,
        ast.Call: lambda self, node: self._visit_call(node),
        ast.Compare: _visit_comparison,
        ast.Constant: _visit_nothing,
        ast.Dict: _visit_parts,
        ast.DictComp: _visit_comprehension,
        ast.FormattedValue: _visit_text,
        ast.GeneratorExp: _visit_generator,
        ast.IfExp: _visit_condition,
        ast.JoinedStr: _visit_text,
        ast.Lambda: _visit_lambda,
        ast.List: _visit_parts,
        ast.ListComp: _visit_comprehension,
        ast.Load: _visit_nothing,
        ast.Store: _visit_nothing,
        ast.Del: _visit_nothing,
        ast.Name: _visit_name,
        ast.NamedExpr: _visit_walrus,
        ast.Set: _visit_parts,
        ast.SetComp: _visit_comprehension,
        ast.Slice: _visit_text,
        ast.Starred: _visit_starred,
        ast.Subscript: _visit_subscript,
        ast.Tuple: _visit_parts,
        ast.UnaryOp: _visit_not,
        ast.Yield: _visit_yield,
        ast.YieldFrom: _visit_waiting,
    }
