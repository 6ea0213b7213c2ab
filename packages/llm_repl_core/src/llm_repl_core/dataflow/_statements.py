"""What statements do, kind by kind, in the order in which they run.

``def f(): return x`` → writes ``f``; calling ``f`` later reads ``x``.
``x[0] = y`` → reads and changes ``x``, reads ``y``.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from llm_repl_core.dataflow._expressions import visit_defaults, visit_expression, visit_part
from llm_repl_core.dataflow._known import (
    BUILTINS,
    CHANGES_FIRST,
    acts,
    is_pure_call,
    sees_all_by_import,
)
from llm_repl_core.dataflow._scopes import Scope
from llm_repl_core.dataflow._state import Analysis
from llm_repl_core.dataflow.effects import Effects, combined

__all__ = ["visit_node"]


def visit_node(state: Analysis, node: ast.AST) -> None:
    """Visit a statement, or an expression."""
    if isinstance(node, ast.expr):
        visit_expression(state, node)
    elif isinstance(node, ast.stmt):
        _visit_statement(state, node)
    else:
        state.visit(*ast.iter_child_nodes(node))


def _visit_statement(state: Analysis, node: ast.stmt) -> None:
    match node:
        case ast.Expr(value=value):
            _run_expression(state, value)
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
            visit_defaults(state, function.args)
            scope = Scope("function", state.scope, [function.body], function.args)
            _define(state, name, state.body(scope, lambda: state.visit(function.body)))
        case ast.Assign(targets=targets, value=value):
            state.visit(value)
            for target in targets:
                _assign(state, target)
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            _visit_annotation(state, annotation)
            if value is not None:
                state.visit(value)
                _assign(state, target)
        case ast.AugAssign(target=ast.Name(id=name) as target, value=value):
            state.load(name)
            state.visit(value)
            state.found.changes |= state.roots(target)
            state.bind(name)
        case ast.AugAssign(target=target, value=value):
            _assign(state, target)
            state.visit(value)
        case ast.Delete(targets=targets):
            for target in targets:
                _delete(state, target)
        case ast.Import() | ast.ImportFrom():
            _run_import(state, node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _run_function(state, node)
        case ast.ClassDef():
            _run_class(state, node)
        case ast.Assert(test=test, msg=message):
            state.visit(test)
            with state.perhaps():
                state.visit(message)
        case ast.Global() | ast.Nonlocal():
            pass
        case _ if hasattr(ast, "TypeAlias") and isinstance(node, ast.TypeAlias):
            # The value is found when somebody asks for it.
            scope = _type_scope(state, node)
            called = state.body(scope, lambda: state.visit(node.value))
            _define(state, node.name.id, called)
        case _:
            _run_block(state, node)


def _run_block(state: Analysis, node: ast.stmt) -> None:
    """Run a statement that holds others; of any other kind, its parts."""
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            state.visit(test)
            with state.perhaps() as first:
                state.visit(*body)
            with state.perhaps() as second:
                state.visit(*orelse)
            state.make_sure(first & second)  # what both ways bind is bound
        case ast.For(target=target, iter=items) | ast.AsyncFor(target=target, iter=items):
            state.visit(items)
            with state.perhaps():
                _assign(state, target)
                state.visit(*node.body)
            if not state.found.changes.isdisjoint(state.roots(target)):
                state.found.changes |= state.roots(items)  # what its items are is changed, too
            with state.perhaps():
                state.visit(*node.orelse)
        case ast.While(test=test, body=body, orelse=orelse):
            state.visit(test)
            for block in (body, orelse):
                with state.perhaps():
                    state.visit(*block)
        case ast.With() | ast.AsyncWith():
            # Some contexts end their block early and go on behind it; files do not.
            with nullcontext() if all(map(_is_file, node.items)) else state.perhaps():
                _run_with(state, node)
        case ast.Try() | ast.TryStar():
            _run_try(state, node)
        case ast.Match(subject=subject, cases=cases):
            state.visit(subject)
            for case in cases:
                with state.perhaps():
                    _capture(state, case.pattern)
                    state.visit(case.guard)
                    state.visit(*case.body)
        case _:
            state.visit(*ast.iter_child_nodes(node))


def _run_with(state: Analysis, node: ast.With | ast.AsyncWith) -> None:
    state.found.calls = True
    for item in node.items:
        state.visit(item.context_expr)
        state.found.changes |= state.roots(item.context_expr)
        if item.optional_vars is not None:
            _assign(state, item.optional_vars)
    state.visit(*node.body)


def _is_file(item: ast.withitem) -> bool:
    match item.context_expr:
        case ast.Call(func=ast.Name(id="open") | ast.Attribute(attr="open")):
            return True
    return False


def _run_try(state: Analysis, node: ast.Try | ast.TryStar) -> None:
    with state.perhaps():
        state.visit(*node.body)
        state.visit(*node.orelse)
    for handler in node.handlers:
        with state.perhaps():
            state.visit(handler.type)
            if handler.name:
                state.bind(handler.name)
            state.visit(*handler.body)
            if handler.name:
                state.unbind(handler.name)
    state.visit(*node.finalbody)


def _capture(state: Analysis, pattern: ast.AST) -> None:
    match pattern:
        case ast.MatchValue(value=value) | ast.MatchClass(cls=value):
            state.visit(value)
        case ast.MatchMapping(keys=keys):
            state.visit(*keys)
    if name := getattr(pattern, "name", None) or getattr(pattern, "rest", None):
        state.bind(name)
    for part in ast.iter_child_nodes(pattern):
        if isinstance(part, ast.pattern):
            _capture(state, part)


# Targets ------------------------------------------------------------------------------------------


def _assign(state: Analysis, target: ast.expr) -> None:
    """Bind a target to a value that was visited."""
    match target:
        case ast.Name(id=name):
            state.bind(name)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for part in targets:
                _assign(state, part)
        case ast.Starred(value=inner):
            _assign(state, inner)
        case _:
            visit_part(state, target)
            state.found.changes |= state.roots(target)


def _delete(state: Analysis, target: ast.expr) -> None:
    match target:
        case ast.Name(id=name):
            state.load(name)
            state.unbind(name)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for part in targets:
                _delete(state, part)
        case _:
            _assign(state, target)


# Simple statements --------------------------------------------------------------------------------


def _run_expression(state: Analysis, value: ast.expr) -> None:
    if isinstance(value, ast.Constant):
        return  # a docstring, or what is like one
    visit_part(state, value)
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call) or is_pure_call(call):
        return
    # What is called for its own sake changes something.
    changed: Sequence[ast.expr] = ()
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in CHANGES_FIRST:
            changed = call.args[:1]
        case ast.Attribute(value=receiver):
            changed = [receiver]
        case ast.Name(id=name) if name not in BUILTINS:
            changed = [argument for argument in call.args if isinstance(argument, ast.Name)]
    state.found.changes |= state.roots(*changed) - BUILTINS


def _run_import(state: Analysis, node: ast.Import | ast.ImportFrom) -> None:
    state.found.calls = True
    module = "" if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
    for alias in node.names:
        path = [*(module or alias.name).split("."), *([alias.name] if module else [])]
        state.stop(sees_all_by_import(path, alias.asname, is_module=not module), leads=True)
        if alias.name == "*":
            reason = f"`from {module} import *` binds names that the text does not tell"
            state.found.sees_all = state.found.sees_all or reason
            continue
        name = alias.asname or (alias.name if module else path[0])
        if state.bind(name):
            state.cell.modules[name] = ".".join(path) if module or alias.asname else path[0]
            if acts(path if module else [path[0], ""]):
                state.cell.functions.setdefault(name, []).append(Effects(acts=True))


# Definitions --------------------------------------------------------------------------------------


def _run_function(state: Analysis, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    state.visit(*node.decorator_list)
    visit_defaults(state, node.args)
    with state.within(_type_scope(state, node)):
        for part in ast.walk(node.args):
            if isinstance(part, ast.arg):
                _visit_annotation(state, part.annotation)
        _visit_annotation(state, node.returns)
        scope = Scope("function", state.scope, node.body, node.args)
        called = state.body(scope, lambda: state.visit(*node.body))
    runs_later = scope.is_generator or isinstance(node, ast.AsyncFunctionDef)
    if state.scope.kind == "class":
        # By its decorators a method may do what these do, and what they have made.
        names = (part for decorator in node.decorator_list for part in ast.walk(decorator))
        reads = {part.id for part in names if isinstance(part, ast.Name)} - BUILTINS
        called = combined([called, Effects(reads=reads)]) if reads else called
        state.methods.append(called)
        state.cell.methods.setdefault(f".{node.name}", []).append(called)
        runs_later = runs_later or node.name.startswith("__")
    if runs_later:
        state.cell.hooks.append(called)
    _define(state, node.name, called, decorators=node.decorator_list)


def _run_class(state: Analysis, node: ast.ClassDef) -> None:
    state.visit(*node.decorator_list)
    around, state.methods = state.methods, []
    with state.within(_type_scope(state, node)):
        state.visit(*node.bases, *[keyword.value for keyword in node.keywords])
        state.found.calls = state.found.calls or bool(node.bases or node.keywords)
        scope = Scope("class", state.scope, node.body)
        with state.within(scope):
            state.visit(*node.body)
    called = combined(state.methods)
    state.methods = [*around, called]
    _define(state, node.name, called, decorators=node.decorator_list)


def _define(
    state: Analysis, name: str, called: Effects, *, decorators: Sequence[ast.expr] = ()
) -> None:
    """Bind a name to what does something when it is called."""
    if state.bind(name):
        state.cell.functions.setdefault(name, []).append(called)
    elif state.scope.kind != "class":
        # A function within a function: whoever calls the outer one may call it, or be given it.
        state.runs(called)
    if decorators:
        # A decorator may call what it is given, and keep it.
        state.touch(state.roots(*decorators))
        state.runs(called)


def _type_scope(state: Analysis, node: Any) -> Scope:
    """The scope of type parameters (Python 3.12)."""
    parameters = getattr(node, "type_params", [])
    if not parameters:
        return state.scope
    scope = Scope("function", state.scope)
    scope.bound |= {parameter.name for parameter in parameters}
    with state.within(scope):
        for parameter in parameters:
            state.visit(*ast.iter_child_nodes(parameter))
    return scope


def _visit_annotation(state: Analysis, node: ast.AST | None) -> None:
    """Visit an annotation, whose texts are evaluated later."""
    state.visit(node)
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            state.text(part.value, is_evaluated=True)
