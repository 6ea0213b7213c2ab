"""What statements do, in the order in which they run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from llm_repl_core.dataflow._barriers import barrier_of_import
from llm_repl_core.dataflow._calls import CallVisitor, is_pure_call
from llm_repl_core.dataflow._expressions import NO_ROOTS, Roots
from llm_repl_core.dataflow._iterators import may_be_iterator

__all__ = ["StatementVisitor"]

_CHANGES_FIRST = frozenset(
    {"delattr", "heapify", "heappop", "heappush", "insort", "next", "setattr", "shuffle"}
)
"""Functions that change their first argument."""


class StatementVisitor(CallVisitor):
    """Statements, but for the definitions of functions and classes."""

    def run(self, statements: Iterable[ast.stmt]) -> None:
        """Visit statements in order."""
        for statement in statements:
            self._run_one(statement)

    def _run_one(self, statement: ast.stmt) -> None:
        # Code without a name, a lambda say, belongs to all names that its statement ties.
        before, self._closures = self._closures, []
        links_before = len(self.record.links)
        visit = self._STATEMENTS.get(type(statement))
        if visit is None:
            self._visit_unknown(statement)
        else:
            visit(self, statement)
        if self._closures:
            names = set(self._targets(statement))
            for group in list(self.record.links)[links_before:]:
                names |= group
            names |= self.record.touches
            for closure in self._closures:
                for name in names:
                    self.cell.defer(name, closure)
                    if self.record is not self.cell:
                        self.record.defer(name, closure)
        self._closures = before

    def _targets(self, statement: ast.stmt) -> Iterable[str]:
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, ast.expr):
                for part in ast.walk(node):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield part.id

    # Binding ------------------------------------------------------------------------------------

    def assign(self, target: ast.expr, roots: Roots, value: ast.AST | None = None) -> Roots:
        """Bind a target, and say which names stand for its object now.

        Args:
            target: A name, an attribute, an item, or several of these.
            roots: The roots of its value.
            value: The value's expression, where there is one.
        """
        match target:
            case ast.Name(id=name):
                self.bind(name, roots)
                bound = self.value_of_bound(name)
                if value is not None and may_be_iterator(value):
                    self.record.iterators |= bound
                return bound
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if isinstance(value, ast.Tuple | ast.List) and self._match(targets, value.elts):
                    return self._assign_each(targets, value.elts)
                self.record.consumes |= roots
                bound = NO_ROOTS
                for one in targets:
                    bound |= self.assign(one, roots, value)
                if roots or not isinstance(value, ast.Constant):
                    self.record.link(bound)
                return bound
            case ast.Starred(value=inner):
                return self.assign(inner, roots, value)
            case ast.Attribute(value=inner):
                base = self.value(target)
                return self._change(base, roots)
            case ast.Subscript(value=inner, slice=index):
                base = self.value(inner)
                return self._change(base, roots | self.value(index))
        return NO_ROOTS

    def value_of_bound(self, name: str) -> Roots:
        """The roots of a name that was just bound."""
        name = self.scope.mangled(name)
        local = self.scope.binding().local(name)
        return frozenset({name}) if local is None else local

    def _match(self, targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
        return len(targets) == len(values) and not any(
            isinstance(one, ast.Starred) for one in (*targets, *values)
        )

    def _assign_each(self, targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> Roots:
        # Visited a second time, which finds the same and gives the roots of each.
        found = [self.value(value) for value in values]
        bound = NO_ROOTS
        for target, roots, value in zip(targets, found, values, strict=True):
            bound |= self.assign(target, roots, value)
        return bound

    def _change(self, base: Roots, roots: Roots) -> Roots:
        self.record.changes |= base
        self.record.link(base | roots)
        return base

    def _run_assign(self, node: ast.Assign) -> None:
        several = len(node.targets) > 1
        pairs = (
            not several
            and isinstance(node.targets[0], ast.Tuple | ast.List)
            and isinstance(node.value, ast.Tuple | ast.List)
            and self._match(node.targets[0].elts, node.value.elts)
        )
        # Pairs are visited one by one in `assign`.
        roots = NO_ROOTS if pairs else self.value(node.value)
        bound = NO_ROOTS
        for target in node.targets:
            bound |= self.assign(target, roots, node.value)
        if several and not isinstance(node.value, ast.Constant):
            self.record.link(bound)

    def _run_annotated(self, node: ast.AnnAssign) -> None:
        self.value(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.value(node.value), node.value)

    def _run_augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            before = self.value(ast.Name(target.id, ast.Load()))
            roots = self.value(node.value)
            self.record.changes |= before
            self.record.consumes |= roots
            self.assign(target, before | roots, node.value)
            return
        if isinstance(target, ast.Attribute):
            base = self.value(target)
        else:
            base = self.value(target.value) | self.value(target.slice)
        roots = self.value(node.value)
        self.record.consumes |= roots
        self._change(base, roots)

    def _run_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete(target)

    def _delete(self, target: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self.value(ast.Name(name, ast.Load()))
                self.unbind(name)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for one in targets:
                    self._delete(one)
            case ast.Attribute():
                self.record.changes |= self.value(target)
            case ast.Subscript(value=inner, slice=index):
                self.record.changes |= self.value(inner)
                self.value(index)

    def unbind(self, name: str) -> None:
        """Delete a name."""
        scope = self.scope.binding()
        name = scope.mangled(name)
        if scope.kind == "module" or scope.local(name) is None:
            self.record.writes.add(name)
            self.forget(name)
        scope.surely_bound.discard(name)

    # Simple statements --------------------------------------------------------------------------

    def _run_expression(self, node: ast.Expr) -> None:
        self.value(node.value)
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not isinstance(call, ast.Call) or is_pure_call(call):
            return
        match call.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _CHANGES_FIRST:
                self.record.changes |= self.roots_again(call.args[:1])
            case ast.Attribute(value=receiver):
                self.record.changes |= self.roots_again([receiver])
            case ast.Name():
                names = [one for one in call.args if isinstance(one, ast.Name)]
                self.record.changes |= self.roots_again(names)

    def roots_again(self, nodes: Iterable[ast.AST]) -> Roots:
        """The roots of what has just been visited: of names and of parts of names."""
        roots = NO_ROOTS
        for node in nodes:
            while isinstance(node, ast.Attribute | ast.Subscript):
                node = node.value
            if isinstance(node, ast.Name):
                roots |= self.value(node)
        return roots

    def _run_return(self, node: ast.Return) -> None:
        self.record.link({*self.scope.owners, *self.value(node.value)})

    def _run_assert(self, node: ast.Assert) -> None:
        self.value(node.test)
        with self.perhaps():
            self.value(node.msg)

    def _run_nothing(self, _: ast.stmt) -> None:
        pass

    def _run_parts(self, node: ast.stmt) -> None:
        self.values(ast.iter_child_nodes(node))

    def _run_import(self, node: ast.Import) -> None:
        self.record.calls = True
        for alias in node.names:
            self.stop(barrier_of_import(alias.name, None, alias.asname))
            top = alias.name.partition(".")[0]
            self.bind(alias.asname or top, NO_ROOTS, alias.name if alias.asname else top)

    def _run_import_from(self, node: ast.ImportFrom) -> None:
        self.record.calls = True
        module = "." * node.level + (node.module or "")
        self.stop(barrier_of_import(module, node.names, None))
        for alias in node.names:
            if alias.name != "*":
                self.bind(alias.asname or alias.name, NO_ROOTS, f"{module}.{alias.name}")

    # Choices and loops --------------------------------------------------------------------------

    def _run_if(self, node: ast.If) -> None:
        self.value(node.test)
        with self.perhaps() as first:
            self.run(node.body)
        with self.perhaps() as second:
            self.run(node.orelse)
        # What both ways bind is bound.
        for name in first & second:
            self.make_sure(name)

    def _run_for(self, node: ast.For | ast.AsyncFor) -> None:
        roots = self.value(node.iter)
        self.record.consumes |= roots
        if isinstance(node, ast.AsyncFor):
            self.touch(roots)
        with self.perhaps():
            self.assign(node.target, roots, node.iter)
            self.run(node.body)
        with self.perhaps():
            self.run(node.orelse)

    def _run_while(self, node: ast.While) -> None:
        self.value(node.test)
        with self.perhaps():
            self.run(node.body)
        with self.perhaps():
            self.run(node.orelse)

    def _run_with(self, node: ast.With | ast.AsyncWith) -> None:
        if all(_surely_runs(item.context_expr) for item in node.items):
            self._enter(node)
            self.run(node.body)
            return
        with self.perhaps():  # some contexts end their block early and go on behind it
            self._enter(node)
            self.run(node.body)

    def _enter(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            roots = self.value(item.context_expr)
            self.touch(roots)
            self.record.changes |= roots
            if item.optional_vars is not None:
                self.assign(item.optional_vars, roots, item.context_expr)

    def _run_try(self, node: Any) -> None:
        with self.perhaps():
            self.run(node.body)
            self.run(node.orelse)
        for handler in node.handlers:
            with self.perhaps():
                self.value(handler.type)
                if handler.name:
                    self.bind(handler.name, NO_ROOTS)
                self.run(handler.body)
                if handler.name:
                    self.unbind(handler.name)
        self.run(node.finalbody)

    def _run_match(self, node: ast.Match) -> None:
        roots = self.value(node.subject)
        for case in node.cases:
            with self.perhaps():
                self._capture(case.pattern, roots)
                self.value(case.guard)
                self.run(case.body)

    def _capture(self, pattern: ast.AST, roots: Roots) -> None:
        match pattern:
            case ast.MatchValue(value=value):
                self.value(value)
            case ast.MatchAs(name=name) | ast.MatchStar(name=name) if name:
                self.bind(name, roots)
            case ast.MatchMapping(rest=rest):
                self.values(pattern.keys)
                if rest:
                    self.bind(rest, roots)
            case ast.MatchClass(cls=one):
                self.value(one)
        for part in ast.iter_child_nodes(pattern):
            if isinstance(part, ast.pattern):
                self._capture(part, roots)

    _STATEMENTS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], None]]] = {
        ast.AnnAssign: _run_annotated,
        ast.Assert: _run_assert,
        ast.Assign: _run_assign,
        ast.AsyncFor: _run_for,
        ast.AsyncWith: _run_with,
        ast.AugAssign: _run_augmented,
        ast.Break: _run_nothing,
        ast.Continue: _run_nothing,
        ast.Delete: _run_delete,
        ast.Expr: _run_expression,
        ast.For: _run_for,
        ast.Global: _run_nothing,
        ast.If: _run_if,
        ast.Import: _run_import,
        ast.ImportFrom: _run_import_from,
        ast.Match: _run_match,
        ast.Nonlocal: _run_nothing,
        ast.Pass: _run_nothing,
        ast.Raise: _run_parts,
        ast.Return: _run_return,
        ast.Try: _run_try,
        ast.TryStar: _run_try,
        ast.While: _run_while,
        ast.With: _run_with,
    }


def _surely_runs(node: ast.expr) -> bool:
    """Whether a context is known not to swallow what its block raises."""
    match node:
        case ast.Call(func=ast.Name(id="open") | ast.Attribute(attr="open")):
            return True
    return False
