"""Which names are whose: Python's scopes, as the compiler sees them.

``def f(a): b = a; return c`` → ``a`` and ``b`` are the function's, ``c`` is the notebook's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Literal

__all__ = ["Scope"]

_BIND_NOTHING = (ast.expr_context, ast.Constant, ast.Call, ast.Attribute, ast.BinOp, ast.operator)
"""The most frequent nodes, which are passed at once."""


class Scope:
    """One scope within others.

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
        self.bound, self._declared_global, self.is_generator = _bindings(body)
        if arguments is not None:
            self.bound |= {part.arg for part in ast.walk(arguments) if isinstance(part, ast.arg)}
        self.surely_bound = {"__module__", "__qualname__"} if kind == "class" else set()
        self.bound |= self.surely_bound

    def holder(self, name: str) -> Scope | None:
        """The scope that has a name as a local one; None where it is the notebook's."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if name in scope._declared_global:
                return None
            # The names of a class are seen by its own statements only.
            if name in scope.bound and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None

    def binding(self) -> Scope:
        """The scope that `:=` binds in: that around the comprehensions."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope


def _bindings(body: Iterable[ast.AST]) -> tuple[set[str], set[str], bool]:
    """What a body binds, without the scopes within it.

    Args:
        body: Its nodes.

    Returns:
        The names that it binds for itself, those of ``global``, and whether it yields.
    """
    bound: set[str] = set()
    declared_global: set[str] = set()
    outside: set[str] = set()
    has_yield = False
    waiting = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _BIND_NOTHING):
            waiting += ast.iter_child_nodes(node)
            continue
        match node:
            case ast.Name(id=name, ctx=context):
                if not isinstance(context, ast.Load):
                    bound.add(name)
                continue
            case ast.Global(names=names):
                declared_global.update(names)
            case ast.Nonlocal(names=names):
                outside.update(names)
            case ast.alias(name=name, asname=asname):
                bound.add(asname or name.partition(".")[0])
            case ast.Yield() | ast.YieldFrom():
                has_yield = True
            case (
                ast.FunctionDef(name=str(name))
                | ast.AsyncFunctionDef(name=str(name))
                | ast.ClassDef(name=str(name))
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                bound.add(name)
        waiting += _same_scope(node)
    return bound - declared_global - outside, declared_global, has_yield


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that are evaluated in the same scope."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (*node.decorator_list, node.args)
        case ast.ClassDef():
            yield from (*node.decorator_list, *node.bases, *node.keywords)
        case ast.Lambda():
            yield node.args
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            # Its targets are its own, but what `:=` binds within is not.
            for generator in node.generators:
                yield from (generator.iter, *generator.ifs)
            yield from (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        case _:
            yield from ast.iter_child_nodes(node)
