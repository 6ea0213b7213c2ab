"""Lambdas, comprehensions and generators: expressions with a scope of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar

from llm_repl_core.dataflow._expressions import ExpressionVisitor
from llm_repl_core.dataflow._record import Record
from llm_repl_core.dataflow._scopes import Scope, function_scope
from llm_repl_core.dataflow._visitor import Roots

__all__ = ["ClosureVisitor"]


class ClosureVisitor(ExpressionVisitor):
    """Expressions, with those that have a scope."""

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

    VISITS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], Roots]]] = {
        **ExpressionVisitor.VISITS,
        ast.DictComp: _visit_comprehension,
        ast.GeneratorExp: _visit_generator,
        ast.Lambda: _visit_lambda,
        ast.ListComp: _visit_comprehension,
        ast.SetComp: _visit_comprehension,
    }
