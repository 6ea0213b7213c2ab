"""What a call does: which functions and methods are known to change nothing."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable
from typing import Any, ClassVar

from llm_repl_core.dataflow._barriers import EVERYTHING, barrier_of_call
from llm_repl_core.dataflow._closures import ClosureVisitor
from llm_repl_core.dataflow._known import (
    BUILTINS,
    FRESH_BUILTINS,
    GOING_THROUGH,
    LATE_LOOKUPS,
    PURE_METHODS,
    TYING_BUILTINS,
)
from llm_repl_core.dataflow._visitor import NO_ROOTS, Roots

__all__ = ["CallVisitor", "is_pure_call"]

_AT_NAME = re.compile(r"@([^\W\d]\w*)")
_TAKES_FUNCTION = frozenset({"filter", "map"})
_DRAINS = GOING_THROUGH - {"enumerate", "filter", "iter", "map", "zip"}
_EXCEPTIONS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)
_PURE_BUILTINS = FRESH_BUILTINS | TYING_BUILTINS | _EXCEPTIONS
_NOT_PURE = (ast.Lambda, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


class CallVisitor(ClosureVisitor):
    """Expressions with their calls."""

    def _visit_call(self, node: ast.Call) -> Roots:
        barrier = barrier_of_call(node)
        self.stop(barrier)
        roots = self._visit_unbarred_call(node)
        return roots | {EVERYTHING} if barrier is not None else roots

    def _visit_unbarred_call(self, node: ast.Call) -> Roots:
        name = self._builtin(node.func)
        if name in ("vars", "dir") and node.args:
            # With an argument they look at one object only.
            roots = self.values([*node.args, *node.keywords])
            return roots if name == "vars" else NO_ROOTS
        if name == "super" and not node.args:
            return self.scope.binding().owners
        if name is not None:
            return self._visit_builtin(node, name)
        if isinstance(node.func, ast.Attribute):
            return self._visit_method(node, node.func)
        roots = self.value(node.func) | self._arguments(node)
        self.touch(roots)
        self.record.link(roots)
        return roots

    def _builtin(self, node: ast.expr) -> str | None:
        """The builtin that a name is, unless a scope around has another."""
        if not isinstance(node, ast.Name) or node.id not in BUILTINS:
            return None
        return node.id if self.scope.local(node.id) is None else None

    def _visit_builtin(self, node: ast.Call, name: str) -> Roots:
        # What `globals()` gives leads to all that `globals` does.
        found = self.value(node.func) & {EVERYTHING}
        roots = found | self._arguments(node, drains=name in _DRAINS)
        if name in GOING_THROUGH:
            self.record.consumes |= roots
        if not is_pure_call(node):
            self.touch(roots)
            self.record.link(roots)
            return roots
        return NO_ROOTS if name in FRESH_BUILTINS else roots

    def _visit_method(self, node: ast.Call, method: ast.Attribute) -> Roots:
        base = self.value(method)
        arguments = self._arguments(node, drains=method.attr == "join")
        if method.attr in LATE_LOOKUPS:
            for one in node.args[:1]:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    for name in _AT_NAME.findall(one.value):
                        arguments |= self.value(ast.Name(name, ast.Load()))
        if method.attr == "join":
            self.record.consumes |= arguments
        roots = base | arguments
        if is_pure_call(node):
            is_text = isinstance(method.value, ast.Constant | ast.JoinedStr)
            return NO_ROOTS if is_text else roots
        self.touch(roots)
        self.record.link(roots)
        return roots

    def _arguments(self, node: ast.Call, *, drains: bool = False) -> Roots:
        roots = NO_ROOTS
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for one in node.args:
            if self.shown_text(one, called):
                continue
            roots |= self.value(one)
            if drains and isinstance(one, ast.GeneratorExp):
                self._closures.pop()  # it has run to its end, and nobody keeps it
        for keyword in node.keywords:
            if self.shown_text(keyword.value, called):
                continue
            found = self.value(keyword.value)
            if keyword.arg is None:
                self.record.consumes |= found
            roots |= found
        return roots

    VISITS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], Roots]]] = {
        **ClosureVisitor.VISITS,
        ast.Call: _visit_call,
    }


def is_pure_call(node: ast.Call) -> bool:
    """Whether a call is known, or by convention sure, to change nothing."""
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if "key" in keywords and not _is_pure_function(keywords["key"]):
        return False
    match node.func:
        case ast.Name(id="print"):
            return "file" not in keywords
        case ast.Name(id=name) if name in _TAKES_FUNCTION:
            return bool(node.args) and _is_pure_function(node.args[0])
        case ast.Name(id=name):
            return name in _PURE_BUILTINS
        case ast.Attribute(attr="get"):
            return 1 <= len(node.args) <= 2 and not keywords
        case ast.Attribute(attr=name) if name.startswith("to_"):
            return name in PURE_METHODS and not node.args and not keywords
        case ast.Attribute(attr=name):
            return name in PURE_METHODS and not keywords.keys() & {"inplace", "out"}
    return False


def _is_pure_function(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=None):
            return True
        case ast.Name(id=name):
            return name in _PURE_BUILTINS
        case ast.Attribute(
            value=ast.Name(id="str" | "dict" | "float" | "int" | "bytes"), attr=name
        ):
            return name in PURE_METHODS
        case ast.Lambda(body=body):
            parts = list(ast.walk(body))
            # A function within the function is not looked into: that could take forever.
            return not any(isinstance(part, _NOT_PURE) for part in parts) and all(
                is_pure_call(part) for part in parts if isinstance(part, ast.Call)
            )
    return False
