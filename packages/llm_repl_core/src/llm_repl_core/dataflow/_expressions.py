"""What evaluating an expression does, kind by kind.

``f(x.pop(), y=[z for z in a])`` → reads ``f``, ``x`` and ``a``, may change ``x``.
"""

from __future__ import annotations

import ast
import re
from contextlib import nullcontext
from typing import TypeGuard

from llm_repl_core.dataflow._known import (
    BUILTINS,
    CHANGES_FIRST,
    DISPLAY_SETTERS,
    LATE_LOOKUPS,
    PURE_METHODS,
    acts,
    is_pure_call,
    sees_all_by_attribute,
    sees_all_by_call,
)
from llm_repl_core.dataflow._scopes import Scope
from llm_repl_core.dataflow._state import Analysis
from llm_repl_core.dataflow._texts import EVALUATING, HARMLESS, text_of

__all__ = ["visit_defaults", "visit_expression", "visit_part"]

_AT_NAME = re.compile(r"@([^\W\d]\w*)")
_BY_TEXT = frozenset({"attrgetter", "getattr", "hasattr", "methodcaller"})
_CHANGE_NOTHING = frozenset({"breakpoint", "exit", "input", "open", "quit"})
_NAMESPACES = frozenset({"get_ipython", "globals", "locals", "vars"})
_PANDAS = frozenset({"pandas", "pd"})
_RAISED = ("Error", "Exception", "Warning")


def visit_expression(state: Analysis, node: ast.AST) -> None:
    """Visit an expression, in the order in which its parts are evaluated; of others, the parts."""
    match node:
        case ast.Name(id=name):
            state.load(name, leads=True)
            state.cell.escapes.add(name)
        case ast.Constant(value=value):
            if isinstance(value, str):
                state.text(value)
        case ast.Call():
            _visit_call(state, node)
        case ast.Attribute(attr=attribute):
            visit_part(state, node)
            state.cell.escapes.add(f".{attribute}")
        case ast.Subscript(value=value, slice=index):
            visit_part(state, value)
            state.visit(None if isinstance(index, ast.Constant) else index)
        case ast.JoinedStr():
            state.text(text_of(node))
            _visit_fields(state, node)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                state.visit(None if isinstance(key, ast.Constant) else key, value)
        case ast.Lambda(args=arguments, body=body):
            visit_defaults(state, arguments)
            scope = Scope("function", state.scope, [body], arguments)
            state.runs(state.body(scope, lambda: state.visit(body)))
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            _visit_comprehension(state, node)
        case ast.Compare(left=left, comparators=others):
            for place, side in enumerate((left, *others)):
                with state.perhaps() if place > 1 else nullcontext():
                    visit_part(state, side)
        case ast.BoolOp(values=[first, *rest]):
            state.visit(first)
            with state.perhaps():
                state.visit(*rest)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            state.visit(test)
            for choice in (body, orelse):
                with state.perhaps():
                    state.visit(choice)
        case ast.BinOp(left=left, right=right):
            for side in (left, right):
                _visit_used(state, side)
        case ast.NamedExpr(target=target, value=value):
            state.visit(value)
            state.bind(target.id)
        case ast.Await(value=value) | ast.YieldFrom(value=value):
            state.visit(value)
            state.touch(state.roots(value))
        case _:
            state.visit(*ast.iter_child_nodes(node))


def visit_part(state: Analysis, node: ast.expr) -> None:
    """Visit an expression whose value stays here, as it is called, or only a part of it is used."""
    match node:
        case ast.Name(id=name):
            state.load(name, leads=True)
        case ast.Call():
            _visit_call(state, node, is_kept=False)
        case ast.Attribute(value=value, attr=attribute):
            state.found.attributes.add(f".{attribute}")
            base = value.id if isinstance(value, ast.Name) else ""
            if attribute in DISPLAY_SETTERS or (attribute == "options" and base in _PANDAS):
                state.found.sets_display = True
            state.stop(sees_all_by_attribute(base, attribute), leads=True)
            if base:
                state.load(base, leads=None)  # `sys.path` is harmless; only `sys` by itself is not
            else:
                visit_part(state, value)
        case _ if not _is_text(node):
            state.visit(node)


def visit_defaults(state: Analysis, arguments: ast.arguments) -> None:
    """Visit what a function's parameters have as defaults, which is evaluated around it."""
    state.visit(*arguments.defaults, *arguments.kw_defaults)


def _visit_fields(state: Analysis, node: ast.JoinedStr) -> None:
    state.visit(*[part for part in node.values if not isinstance(part, ast.Constant)])


def _visit_comprehension(
    state: Analysis, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
) -> None:
    first = node.generators[0]
    state.visit(first.iter)
    scope = Scope("comprehension", state.scope, [generator.target for generator in node.generators])

    def visit_items() -> None:
        for generator in node.generators:
            if generator is not first:
                state.visit(generator.iter)
            state.visit(generator.target, *generator.ifs)
        if isinstance(node, ast.DictComp):
            state.visit(node.key, node.value)
        else:
            state.visit(node.elt)

    if isinstance(node, ast.GeneratorExp):
        # Only the first iterable is evaluated here; the rest runs when somebody asks for items.
        state.runs(state.body(scope, visit_items))
    else:
        with state.perhaps(), state.within(scope):
            visit_items()


def _visit_call(state: Analysis, node: ast.Call, *, is_kept: bool = True) -> None:
    path = _path(node.func)
    called = path[-1]
    is_builtin = path == [called] and called in BUILTINS and state.scope.holder(called) is None
    if reason := sees_all_by_call(node):
        if called in LATE_LOOKUPS:
            state.found.sees_all = reason  # it looks names up, but what it gives is data
        else:
            state.stop(reason, leads=True)
    if isinstance(node.func, ast.Name):
        # With an argument, `vars` and `dir` look at one object only.
        if not (is_builtin and called in ("vars", "dir") and node.args):
            # What stands in `globals()` is like any variable; it is the whole of it that leads on.
            state.load(called, leads=is_kept and (called in _NAMESPACES or _gives_code(node)))
    else:
        visit_part(state, node.func)
    if called in _BY_TEXT:
        names = {f".{part.value!s}" for part in node.args if isinstance(part, ast.Constant)}
        state.found.attributes |= names or {"*"}
    is_pure = is_pure_call(node) and (is_builtin or isinstance(node.func, ast.Attribute))
    for argument in (*node.args, *[keyword.value for keyword in node.keywords]):
        _visit_argument(state, argument, called, is_pure=is_pure)
    state.found.sets_display |= called in DISPLAY_SETTERS
    state.found.acts |= acts(path, node)
    if not is_pure:
        state.touch(_touched(state, node, called))


def _visit_used(state: Analysis, node: ast.expr) -> None:
    """Visit what something new is made of: ``"{x}".format(**globals())`` keeps no namespace."""
    if isinstance(node, ast.Call):
        visit_part(state, node)
    else:
        state.visit(node)


def _visit_argument(state: Analysis, node: ast.expr, called: str, *, is_pure: bool) -> None:
    if not isinstance(node, ast.JoinedStr) and not _is_text(node):
        (_visit_used if is_pure else Analysis.visit)(state, node)
        return
    is_evaluated = called in EVALUATING
    is_shown = called in HARMLESS | PURE_METHODS or called.endswith(_RAISED)
    state.text(text_of(node), is_shown=is_shown and not is_evaluated, is_evaluated=is_evaluated)
    if isinstance(node, ast.JoinedStr):
        _visit_fields(state, node)
    elif called in LATE_LOOKUPS:
        for name in _AT_NAME.findall(text_of(node)):
            state.load(name)


def _touched(state: Analysis, node: ast.Call, called: str) -> set[str]:
    """What a call may change: by convention a method its object, a function what it is given."""
    if called in CHANGES_FIRST:
        return state.roots(*node.args[:1])
    if isinstance(node.func, ast.Attribute):
        return state.roots(node.func)
    if called in _CHANGE_NOTHING:
        return set()
    return state.roots(*node.args, *[keyword.value for keyword in node.keywords])


def _gives_code(node: ast.Call) -> bool:
    """Whether it is ``eval("lambda: …")``: of other texts it is taken for data."""
    return any(_is_text(part) and "lambda" in str(part.value) for part in node.args)


def _path(node: ast.expr) -> list[str]:
    """What is called, in its parts: ``os.path.join`` → os, path, join; of a value, from ""."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id if isinstance(node, ast.Name) else "", *parts[::-1]]


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    """Whether an expression is a text."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
