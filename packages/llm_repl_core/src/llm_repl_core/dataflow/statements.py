"""What statements do, kind by kind, in the order in which they run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from llm_repl_core.dataflow import known
from llm_repl_core.dataflow.analysis import Analysis, Scope
from llm_repl_core.dataflow.effects import Effects, combined
from llm_repl_core.dataflow.expressions import define_lambda, visit

__all__ = ["run"]


def run(state: Analysis, statements: Sequence[ast.stmt]) -> None:
    """Go through statements in order.

    >>> state = Analysis()
    >>> run(state, ast.parse("f = lambda: x; y = z[0] = f()").body)
    >>> sorted(state.found.reads), sorted(state.found.writes), state.found.changes
    (['x', 'z'], ['f', 'y'], {'z'})
    """
    for statement in statements:
        _run(state, statement)


def _run(state: Analysis, node: ast.stmt) -> None:
    match node:
        case ast.Expr(value=value):
            _run_expression(state, value)
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
            _define(state, name, define_lambda(state, function))
        case ast.Assign(targets=targets, value=value):
            visit(state, value, *targets)
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            _visit_annotation(state, annotation)
            visit(state, value, target if value is not None else None)
        case ast.AugAssign(target=ast.Name(id=name) as target, value=value):
            state.load(name)
            visit(state, value)
            state.found.changes |= state.roots(target)
            state.bind(name)
        case ast.Import() | ast.ImportFrom():
            _run_import(state, node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _run_function(state, node)
        case ast.ClassDef():
            _run_class(state, node)
        case ast.Assert(test=test, msg=message):
            visit(state, test)
            with state.conditional():
                visit(state, message)
        case _ if hasattr(ast, "TypeAlias") and isinstance(node, ast.TypeAlias):
            # The value is found when somebody asks for it.
            with state.body(_type_scope(state, node)) as called:
                visit(state, node.value)
            _define(state, node.name.id, called)
        case _:
            _run_block(state, node)


def _run_block(state: Analysis, node: ast.stmt) -> None:
    """Run a statement that holds others; of any other kind, its parts."""
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            visit(state, test)
            with state.conditional() as first:
                run(state, body)
            with state.conditional() as second:
                run(state, orelse)
            state.bind_surely(first & second)  # what both ways bind is bound
        case ast.For(target=target, iter=items) | ast.AsyncFor(target=target, iter=items):
            visit(state, items)
            with state.conditional():
                visit(state, target)
                run(state, node.body)
            if not state.found.changes.isdisjoint(state.roots(target)):
                state.found.changes |= state.roots(items)  # what its items are is changed, too
            with state.conditional():
                run(state, node.orelse)
        case ast.While(test=test, body=body, orelse=orelse):
            visit(state, test)
            for block in (body, orelse):
                with state.conditional():
                    run(state, block)
        case ast.With() | ast.AsyncWith():
            # Some contexts end their block early and go on behind it; files do not.
            with nullcontext() if all(map(_is_file, node.items)) else state.conditional():
                state.found.calls = True
                for item in node.items:
                    visit(state, item.context_expr)
                    state.found.changes |= state.roots(item.context_expr)
                    visit(state, item.optional_vars)
                run(state, node.body)
        case ast.Try() | ast.TryStar():
            with state.conditional():
                run(state, [*node.body, *node.orelse])
            for handler in node.handlers:
                with state.conditional():
                    visit(state, handler.type)
                    if handler.name:
                        state.bind(handler.name)
                    run(state, handler.body)
                    if handler.name:
                        state.unbind(handler.name)
            run(state, node.finalbody)
        case ast.Match(subject=subject, cases=cases):
            visit(state, subject)
            for case in cases:
                with state.conditional():
                    visit(state, case.pattern, case.guard)
                    run(state, case.body)
        case _:
            visit(state, *ast.iter_child_nodes(node))


def _is_file(item: ast.withitem) -> bool:
    called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
    return "open" in (getattr(called, "id", None), getattr(called, "attr", None))


def _run_expression(state: Analysis, value: ast.expr) -> None:
    if isinstance(value, ast.Constant):
        return  # a docstring, or what is like one
    visit(state, value, is_kept=False)
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call) or known.is_pure_call(call):
        return
    # What is called for its own sake changes something.
    changed: Sequence[ast.expr] = ()
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in known.CHANGES_FIRST:
            changed = call.args[:1]
        case ast.Attribute(value=receiver):
            changed = [receiver]
        case ast.Name(id=name) if name not in known.BUILTINS:
            changed = [argument for argument in call.args if isinstance(argument, ast.Name)]
    state.found.changes |= state.roots(*changed) - known.BUILTINS


def _run_import(state: Analysis, node: ast.Import | ast.ImportFrom) -> None:
    state.found.calls = True
    module = "" if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
    for alias in node.names:
        path = [*(module or alias.name).split("."), *([alias.name] if module else [])]
        if path[0] in known.NAMESPACES:
            state.see_all(known.sees_all(path[0]))
        elif module:
            state.see_all(known.sees_all(path[0], path[-1]))
        elif alias.asname and known.sees_all(path[0]):
            state.see_all(f"`{path[0]}` is given another name")
        if alias.name == "*":
            reason = f"`from {module} import *` binds names that the text does not tell"
            state.found.sees_all = state.found.sees_all or reason
            continue
        name = alias.asname or (alias.name if module else path[0])
        if state.bind(name):
            state.cell.modules[name] = ".".join(path) if module or alias.asname else path[0]
            if known.acts(path if module else [path[0], ""]):
                state.cell.functions.setdefault(name, []).append(Effects(acts=True))


# Definitions --------------------------------------------------------------------------------------


def _run_function(state: Analysis, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    visit(state, *node.decorator_list, *node.args.defaults, *node.args.kw_defaults)
    with state.within(_type_scope(state, node)):
        for part in ast.walk(node.args):
            if isinstance(part, ast.arg):
                _visit_annotation(state, part.annotation)
        _visit_annotation(state, node.returns)
        scope = Scope("function", state.scope, node.body, node.args)
        with state.body(scope) as called:
            run(state, node.body)
    runs_later = scope.is_generator or isinstance(node, ast.AsyncFunctionDef)
    if state.scope.kind == "class":
        # By its decorators a method may do what these do, and what they have made.
        names = (part for decorator in node.decorator_list for part in ast.walk(decorator))
        reads = {part.id for part in names if isinstance(part, ast.Name)} - known.BUILTINS
        called = combined([called, Effects(reads=reads)]) if reads else called
        state.methods.append(called)
        state.cell.methods.setdefault(f".{node.name}", []).append(called)
        runs_later = runs_later or node.name.startswith("__")
    if runs_later:
        state.cell.hooks.append(called)
    _define(state, node.name, called, decorators=node.decorator_list)


def _run_class(state: Analysis, node: ast.ClassDef) -> None:
    visit(state, *node.decorator_list)
    around, state.methods = state.methods, []
    with state.within(_type_scope(state, node)):
        visit(state, *node.bases, *[keyword.value for keyword in node.keywords])
        state.found.calls = state.found.calls or bool(node.bases or node.keywords)
        with state.within(Scope("class", state.scope, node.body)):
            run(state, node.body)
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
        state.may_run(called)
    if decorators:
        # A decorator may call what it is given, and keep it.
        state.touch(state.roots(*decorators))
        state.may_run(called)


def _type_scope(state: Analysis, node: Any) -> Scope:
    """The scope of type parameters (Python 3.12)."""
    parameters = getattr(node, "type_params", [])
    if not parameters:
        return state.scope
    scope = Scope("function", state.scope)
    scope.bound |= {parameter.name for parameter in parameters}
    with state.within(scope):
        for parameter in parameters:
            visit(state, *ast.iter_child_nodes(parameter))
    return scope


def _visit_annotation(state: Analysis, node: ast.AST | None) -> None:
    """Visit an annotation, whose texts are evaluated later."""
    visit(state, node)
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            state.text(part.value, is_evaluated=True)
