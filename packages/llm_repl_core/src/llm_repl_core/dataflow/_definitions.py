"""What defining a function or a class does now, and what it puts off until it is called."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar

from llm_repl_core.dataflow._known import QUIET_METHODS
from llm_repl_core.dataflow._record import Record
from llm_repl_core.dataflow._scopes import Scope, function_scope
from llm_repl_core.dataflow._statements import StatementVisitor
from llm_repl_core.dataflow._visitor import Roots
from llm_repl_core.dataflow.effects import Effects

__all__ = ["CellVisitor"]

_CONSTRUCTORS = frozenset(
    {"__init__", "__init_subclass__", "__new__", "__post_init__", "__set_name__", "__call__"}
)
"""Methods that merely looking at an object does not call, although Python calls them by itself."""


class CellVisitor(StatementVisitor):
    """All statements."""

    def __init__(self) -> None:
        super().__init__()
        # What the methods of the class around do, when called and when looked at.
        self._methods: Record | None = None
        self._looks: Record | None = None

    # Functions ----------------------------------------------------------------------------------

    def _run_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = self.values(node.decorator_list)
        roots = decorators | self.value_of_defaults(node.args)
        outer = self._type_scope(node)
        owner = self._owner(node.name)
        with self.within(outer):
            for annotation in _annotations(node):
                self.annotation(annotation)
            scope = function_scope(self.scope, node.args, node.body, owner)
        called = self._body(scope, node.body, owner)
        if self.scope.kind == "class" and self._methods is not None and self._looks is not None:
            self._methods.add(called)
            if node.decorator_list or _is_looked_at(node.name):
                self._looks.add(called)
        self._bind_definition(node.name, roots, called)
        if node.decorator_list:
            self._decorate(node.name, decorators, called)

    def _body(self, scope: Scope, body: list[ast.stmt], owner: str) -> Effects:
        methods, looks, added = self._methods, self._looks, self._added
        self._methods = self._looks = None
        self._added = []
        with self.within(scope, Record()) as record:
            self.run(body)
        self._methods, self._looks, self._added = methods, looks, added
        # What the body ties is tied from now on; its local objects are its own affair.
        self.record.links.update(record.links)
        record.links.clear()
        record.touches |= record.changes
        record.changes.discard(owner)
        return record.effects()

    def _owner(self, name: str) -> str:
        """The global name that the objects within a definition are counted to."""
        if self.scope.owner:
            return self.scope.owner
        return self.scope.mangled(name)

    def _bind_definition(self, name: str, roots: Roots, called: Effects) -> None:
        self.bind(name, roots)
        bound = self.value_of_bound(name)
        if self.scope.kind == "module" or self.scope.local(self.scope.mangled(name)) is None:
            for one in bound:
                self.cell.defer(one, called)
        elif self.scope.kind != "class":
            # A function within a function: whoever calls the outer one may call it.
            self.record.add(called)

    def _decorate(self, name: str, decorators: Roots, called: Effects) -> None:
        bound = self.value_of_bound(name)
        self.touch(decorators | bound)
        self.record.link(decorators | bound)
        # A decorator may call what it is given, and keep it.
        self.record.add(called, bound=self._solid if self.record is self.cell else ())
        for one in decorators:
            self.cell.defer(one, called)
        if self.record is self.cell:
            for one in called.reads:
                self.follow(one, self._solid)

    # Classes ------------------------------------------------------------------------------------

    def _run_class(self, node: ast.ClassDef) -> None:
        decorators = self.values(node.decorator_list)
        outer = self._type_scope(node)
        owner = self._owner(node.name)
        with self.within(outer):
            bases = self.values([*node.bases, *[one.value for one in node.keywords]])
            inner = function_scope(self.scope, None, node.body, owner)
        scope = Scope(
            "class",
            inner.parent,
            owner=owner,
            bound=inner.bound | {"__module__", "__qualname__"},
            declared_global=inner.declared_global,
            class_name=node.name,
        )
        scope.surely_bound |= {"__module__", "__qualname__"}
        before = self._methods, self._looks
        self._methods, self._looks = Record(), Record()
        with self.within(scope):
            self.run(node.body)
        called, looked_at = self._methods.effects(), self._looks.effects()
        self._methods, self._looks = before
        if self._methods is not None and self.scope.kind == "class":
            self._methods.add(called)
            assert self._looks is not None
            self._looks.add(looked_at)
        if node.bases or node.keywords:
            self.touch(bases)
            self.record.link({owner, *bases})
        self._bind_definition(node.name, bases | decorators, called)
        if self.scope.local(self.scope.mangled(node.name)) is None:
            self.cell.classes.add(self.scope.mangled(node.name))
            self.cell.imply(self.scope.mangled(node.name), looked_at)
        elif self.scope.owner:
            self.cell.imply(self.scope.owner, looked_at)
        if node.decorator_list:
            self._decorate(node.name, decorators, called)

    # Type parameters (Python 3.12) --------------------------------------------------------------

    def _type_scope(self, node: Any) -> Scope:
        parameters = getattr(node, "type_params", [])
        if not parameters:
            return self.scope
        scope = Scope(
            "function",
            self.scope,
            owner=self.scope.owner,
            bound={one.name for one in parameters},
        )
        with self.within(scope):
            self.values(part for one in parameters for part in ast.iter_child_nodes(one))
        return scope

    def _run_type_alias(self, node: Any) -> None:
        outer = self._type_scope(node)
        with self.within(outer, Record()) as record:
            self.value(node.value)
        # The value is found when somebody asks for it.
        called = record.effects()
        self._bind_definition(node.name.id, called.reads, called)

    def _run_assign(self, node: ast.Assign) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
                self._run_named_lambda(name, function)
            case _:
                super()._run_assign(node)

    def _run_named_lambda(self, name: str, node: ast.Lambda) -> None:
        roots = self.value_of_defaults(node.args)
        owner = self._owner(name)
        scope = function_scope(self.scope, node.args, [node.body], owner)
        called = self._body(scope, [ast.Return(node.body)], owner)
        if self.scope.kind == "class" and self._methods is not None:
            self._methods.add(called)
        self._bind_definition(name, roots, called)

    STATEMENTS: ClassVar[dict[type[ast.AST], Callable[[Any, Any], None]]] = {
        **StatementVisitor.STATEMENTS,
        ast.Assign: _run_assign,
        ast.AsyncFunctionDef: _run_function,
        ast.ClassDef: _run_class,
        ast.FunctionDef: _run_function,
        **({ast.TypeAlias: _run_type_alias} if hasattr(ast, "TypeAlias") else {}),
    }


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST | None]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    extra = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*[one.annotation for one in (*every, *extra)], node.returns]


def _is_looked_at(name: str) -> bool:
    if name.startswith("__") and name.endswith("__"):
        return name not in _CONSTRUCTORS
    return name in QUIET_METHODS
