"""What statements do, in the order in which they run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, ClassVar

from llm_repl_core.dataflow._barriers import EVERYTHING, barrier_of_import
from llm_repl_core.dataflow._calls import is_pure_call
from llm_repl_core.dataflow._known import BUILTINS
from llm_repl_core.dataflow._record import combined
from llm_repl_core.dataflow._targets import TargetVisitor
from llm_repl_core.dataflow._visitor import NO_ROOTS, Roots

__all__ = ["StatementVisitor"]

_CHANGES_FIRST = frozenset(
    {"delattr", "heapify", "heappop", "heappush", "insort", "next", "setattr", "shuffle"}
)
"""Functions that change their first argument."""


class StatementVisitor(TargetVisitor):
    """Statements, but for the definitions of functions and classes."""

    def run(self, statements: Iterable[ast.stmt]) -> None:
        """Visit statements in order."""
        for statement in statements:
            self._run_one(statement)

    def _run_one(self, statement: ast.stmt) -> None:
        before = self._closures, self._tied
        self._closures, self._tied = [], set()
        links_before = len(self.record.links)
        visit = self.STATEMENTS.get(type(statement))
        if visit is None:
            self.visit_unknown(statement)
        else:
            visit(self, statement)
        if self._closures:
            # Code without a name, a lambda say, belongs to all that its statement ties.
            closure = combined(self._closures)
            names = set(self._tied)
            links_after = len(self.record.links) - links_before
            names.update(*islice(reversed(self.record.links), links_after))
            for name in names:
                self.cell.defer(name, closure)
        self._closures, self._tied = before

    # Simple statements --------------------------------------------------------------------------

    def _run_expression(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring, or what is like one
        self.value(node.value)
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not isinstance(call, ast.Call) or is_pure_call(call):
            return
        match call.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _CHANGES_FIRST:
                self.record.changes |= self.roots_again(call.args[:1])
            case ast.Attribute(value=receiver):
                self.record.changes |= self.roots_again([receiver])
            case ast.Name(id=name) if name not in BUILTINS:
                names = [one for one in call.args if isinstance(one, ast.Name)]
                self.record.changes |= self.roots_again(names)

    def roots_again(self, nodes: Iterable[ast.AST]) -> Roots:
        """The roots of what has just been visited: of names and of parts of names."""
        roots = NO_ROOTS
        for node in nodes:
            while isinstance(node, ast.Attribute | ast.Subscript):
                node = node.value
            if isinstance(node, ast.Name):
                roots |= self.plain_name(node)
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
            barrier = barrier_of_import(alias.name, None, alias.asname)
            self.stop(barrier)
            roots = NO_ROOTS if barrier is None else frozenset({EVERYTHING})
            top = alias.name.partition(".")[0]
            origin = alias.name if alias.asname else top
            self.bind(alias.asname or top, roots, origin if barrier is None else None)

    def _run_import_from(self, node: ast.ImportFrom) -> None:
        self.record.calls = True
        module = "." * node.level + (node.module or "")
        barrier = barrier_of_import(module, node.names, None)
        self.stop(barrier)
        roots = NO_ROOTS if barrier is None else frozenset({EVERYTHING})
        for alias in node.names:
            if alias.name != "*":
                origin = f"{module}.{alias.name}" if barrier is None else None
                self.bind(alias.asname or alias.name, roots, origin)

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

    STATEMENTS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], None]]] = {
        **TargetVisitor.STATEMENTS,
        ast.Assert: _run_assert,
        ast.AsyncFor: _run_for,
        ast.AsyncWith: _run_with,
        ast.Break: _run_nothing,
        ast.Continue: _run_nothing,
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
