"""What evaluating an expression does, but for calls and for scopes of its own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from llm_repl_core.dataflow._barriers import EVERYTHING, barrier_of_attribute, barrier_of_name
from llm_repl_core.dataflow._known import BUILTINS, DISPLAY_SETTERS, PURE_METHODS
from llm_repl_core.dataflow._texts import EVALUATING, HARMLESS, names_in_text, text_of, words_of
from llm_repl_core.dataflow._visitor import NO_ROOTS, Roots, Visitor
from llm_repl_core.dataflow.effects import DISPLAY

__all__ = ["ExpressionVisitor"]

_RAISED = ("Error", "Exception", "Warning")


class ExpressionVisitor(Visitor):
    """Expressions, in the order of their evaluation."""

    # Names, and what has parts ------------------------------------------------------------------

    def _visit_name(self, node: ast.Name) -> Roots:
        name = self.scope.mangled(node.id)
        local = self.scope.local(name)
        if local is None:
            return self.use(name)
        scope = self.scope
        if scope.kind == "class" and name in scope.bound and name not in scope.surely_bound:
            # Where a class has not bound its name yet, Python looks for a global one.
            return local | self.use(name)
        return local

    def _visit_attribute(self, node: ast.Attribute) -> Roots:
        if node.attr in DISPLAY_SETTERS or _is_options(node):
            self.record.touches.add(DISPLAY)
        if isinstance(node.value, ast.Name):
            barred = barrier_of_attribute(node.value.id, node.attr)
            self.stop(barred)
            if barrier_of_name(node.value.id) and barred is None:
                # `sys.path` is seen through; only `sys` by itself is not.
                return self.plain_name(node.value)
        else:
            barred = barrier_of_attribute("", node.attr)
            self.stop(barred)
        roots = self.value(node.value)
        return roots | {EVERYTHING} if barred is not None else roots

    def plain_name(self, node: ast.Name) -> Roots:
        """Visit a name whose use by itself is no barrier here."""
        barrier = self.record.barrier
        roots = self.value(node) - {EVERYTHING}
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

    def _visit_constant(self, node: ast.Constant) -> Roots:
        if isinstance(node.value, str):
            self._mention_all(names_in_text(node.value))
        return NO_ROOTS

    def _visit_joined(self, node: ast.JoinedStr) -> Roots:
        self._mention_all(names_in_text(text_of(node)))
        self.values(part for part in node.values if not isinstance(part, ast.Constant))
        return NO_ROOTS

    def _mention_all(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in BUILTINS:
                self.mention(name)

    def annotation(self, node: ast.AST | None) -> None:
        """Visit an annotation, whose texts are evaluated later."""
        self.value(node)
        for part in ast.walk(node) if node is not None else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self._mention_all(words_of(part.value))

    def shown_text(self, node: ast.expr, called: str) -> bool:
        """Visit an argument that is a text by what is called with it; whether it is one.

        Args:
            node: The argument.
            called: The last part of the function's name.
        """
        if not isinstance(node, ast.JoinedStr) and not (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            return False
        if called in EVALUATING:
            self._mention_all(words_of(text_of(node)))
        elif called not in HARMLESS | PURE_METHODS and not called.endswith(_RAISED):
            return False
        if isinstance(node, ast.JoinedStr):
            self.values(part for part in node.values if not isinstance(part, ast.Constant))
        return True

    def _visit_text(self, node: ast.AST) -> Roots:
        self.values(ast.iter_child_nodes(node))
        return NO_ROOTS

    def _visit_starred(self, node: ast.Starred) -> Roots:
        roots = self.value(node.value)
        self.record.consumes |= roots
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

    VISITS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], Roots]]] = {
        ast.Attribute: _visit_attribute,
        ast.Await: _visit_waiting,
        ast.BinOp: _visit_operation,
        ast.BoolOp: _visit_choice,
        ast.Compare: _visit_comparison,
        ast.Constant: _visit_constant,
        ast.Del: _visit_nothing,
        ast.Dict: _visit_parts,
        ast.FormattedValue: _visit_text,
        ast.IfExp: _visit_condition,
        ast.JoinedStr: _visit_joined,
        ast.List: _visit_parts,
        ast.Load: _visit_nothing,
        ast.Name: _visit_name,
        ast.NamedExpr: _visit_walrus,
        ast.Set: _visit_parts,
        ast.Slice: _visit_text,
        ast.Starred: _visit_starred,
        ast.Store: _visit_nothing,
        ast.Subscript: _visit_subscript,
        ast.Tuple: _visit_parts,
        ast.UnaryOp: _visit_not,
        ast.Yield: _visit_yield,
        ast.YieldFrom: _visit_waiting,
    }


def _is_options(node: ast.Attribute) -> bool:
    """Whether it is ``pd.options``, whose parts are assigned to."""
    return (
        node.attr == "options"
        and isinstance(node.value, ast.Name)
        and node.value.id in ("pandas", "pd")
    )
