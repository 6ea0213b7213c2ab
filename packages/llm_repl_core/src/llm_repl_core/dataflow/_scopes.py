"""Which names are whose: Python's scopes, as the compiler sees them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Literal

__all__ = ["Scope", "function_scope"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope:
    """One scope within others.

    Attributes:
        kind: What makes it. A type parameter's scope is a function's.
        parent: The scope around it; None for the module's.
        owner: The global name that the objects of its local variables are counted to.
        bound: The names that are local here.
        declared_global: The names that ``global`` takes out of it.
        surely_bound: Of a class's names, those that surely have their values by now.
        items: What the targets of a comprehension may be, by name.
        class_name: The innermost class around it.
    """

    def __init__(
        self,
        kind: Literal["module", "function", "class", "comprehension"],
        parent: Scope | None = None,
        *,
        owner: str = "",
        bound: Iterable[str] = (),
        declared_global: Iterable[str] = (),
        class_name: str | None = None,
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.owner = owner
        self.bound = set(bound)
        self.declared_global = set(declared_global)
        self.surely_bound: set[str] = set()
        self.items: dict[str, frozenset[str]] = {}
        self.class_name: str | None = class_name or (parent.class_name if parent else None)

    @property
    def owners(self) -> frozenset[str]:
        """The owner, as a set."""
        return frozenset({self.owner})

    @property
    def is_global(self) -> bool:
        """Whether names that are bound here are the notebook's."""
        return self.kind == "module"

    def mangled(self, name: str) -> str:
        """The name as a class around it makes it private: ``__x`` is ``_Class__x``."""
        if self.class_name is None or not name.startswith("__") or name.endswith("__"):
            return name
        bare = self.class_name.lstrip("_")
        return f"_{bare}{name}" if bare else name

    def local(self, name: str) -> frozenset[str] | None:
        """What a local name's object may be, or None where the name is the notebook's."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if name in scope.declared_global:
                return None
            if name in scope.items:
                return scope.items[name]
            # The names of a class are seen by its own statements only.
            if name in scope.bound and (scope.kind != "class" or scope is self):
                return scope.owners
            scope = scope.parent
        return None

    def binding(self) -> Scope:
        """The scope that `:=` binds in: that around the comprehensions."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope


def function_scope(
    parent: Scope, arguments: ast.arguments | None, body: Iterable[ast.AST], owner: str
) -> Scope:
    """The scope of a function's or a class's body: whatever it binds anywhere is local.

    Args:
        parent: The scope around it.
        arguments: Its parameters.
        body: Its statements, or a lambda's expression.
        owner: The global name that its objects are counted to.
    """
    found = _Bindings()
    for node in body:
        found.collect(node)
    if arguments is not None:
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            found.bound.add(one.arg)
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                found.bound.add(extra.arg)
    mangled = {parent.mangled(name) for name in found.bound}
    return Scope(
        "function",
        parent,
        owner=owner,
        bound=mangled - found.declared_global - found.declared_nonlocal,
        declared_global=found.declared_global,
    )


class _Bindings:
    """The names that a body binds, without those of the scopes within it."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.declared_global: set[str] = set()
        self.declared_nonlocal: set[str] = set()

    def collect(self, start: ast.AST) -> None:
        waiting = [start]
        while waiting:
            node = waiting.pop()
            match node:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    self.bound.add(name)
                    continue
                case ast.Global(names=names):
                    self.declared_global.update(names)
                case ast.Nonlocal(names=names):
                    self.declared_nonlocal.update(names)
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    self.bound.update(
                        alias.asname or alias.name.partition(".")[0] for alias in aliases
                    )
                case ast.ExceptHandler(name=str(name)):
                    self.bound.add(name)
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    self.bound.add(name)
                case ast.MatchMapping(rest=str(name)):
                    self.bound.add(name)
            waiting += self._inside(node)

    def _inside(self, node: ast.AST) -> Iterable[ast.AST]:
        """The parts of a node that are evaluated in the same scope."""
        if isinstance(node, _FUNCTIONS):
            self.bound.add(node.name)
            return [*node.decorator_list, node.args]
        if isinstance(node, ast.ClassDef):
            self.bound.add(node.name)
            return [*node.decorator_list, *node.bases, *node.keywords]
        if isinstance(node, ast.Lambda):
            return [node.args]
        if isinstance(node, _COMPREHENSIONS):
            # Its targets are its own, but what `:=` binds within is not.
            parts: list[ast.AST] = [
                part for one in node.generators for part in (one.iter, *one.ifs)
            ]
            if isinstance(node, ast.DictComp):
                return [*parts, node.key, node.value]
            return [*parts, node.elt]
        return ast.iter_child_nodes(node)
