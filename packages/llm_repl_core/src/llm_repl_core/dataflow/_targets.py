"""Assignments and deletions: what they bind, change and tie together."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from llm_repl_core.dataflow._calls import CallVisitor
from llm_repl_core.dataflow._iterators import may_be_iterator
from llm_repl_core.dataflow._visitor import NO_ROOTS, Roots

__all__ = ["TargetVisitor"]


class TargetVisitor(CallVisitor):
    """Expressions and their targets."""

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
            case ast.Attribute():
                return self._change(self.value(target), roots)
            case ast.Subscript(value=inner, slice=index):
                return self._change(self.value(inner), roots | self.value(index))
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
        # All values are there before the first of them is bound.
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
        self.annotation(node.annotation)
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

    STATEMENTS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], None]]] = {
        ast.AnnAssign: _run_annotated,
        ast.Assign: _run_assign,
        ast.AugAssign: _run_augmented,
        ast.Delete: _run_delete,
    }
    """What visits which kind of statement."""
