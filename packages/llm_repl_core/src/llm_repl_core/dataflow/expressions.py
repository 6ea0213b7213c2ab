"""What evaluating an expression does, and binding to one, kind by kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TypeGuard

from llm_repl_core.dataflow import known
from llm_repl_core.dataflow.analysis import Analysis, Scope
from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.model.names import as_variable

__all__ = ["define_lambda", "visit"]

_AT_NAME = re.compile(r"@([^\W\d]\w*)")
_BY_TEXT = frozenset({"attrgetter", "getattr", "hasattr", "methodcaller"})
_CHANGE_NOTHING = frozenset({"breakpoint", "exit", "input", "open", "quit"})
_NAMESPACE_CALLS = frozenset({"get_ipython", "globals", "locals", "vars"})
_PANDAS = frozenset({"pandas", "pd"})
_RAISED = ("Error", "Exception", "Warning")


def visit(state: Analysis, *nodes: ast.AST | None, is_kept: bool = True) -> None:
    """Visit expressions, or the parts of other nodes, in the order in which they are evaluated.

    >>> state = Analysis()
    >>> visit(state, ast.parse("f(x.pop(), y=[z for z in a])", mode="eval").body)
    >>> sorted(state.found.reads), sorted(state.found.touches)
    (['a', 'f', 'x'], ['x'])

    Args:
        state: What is known so far.
        nodes: The expressions; None stands for one that was left out.
        is_kept: Whether their values go on from here, and not just parts of them.
    """
    for node in nodes:
        match node:
            case None:
                pass
            case ast.Name(id=name, ctx=ast.Load()):
                if state.load(name):
                    state.see_all(known.sees_all(name))
                if is_kept:
                    state.cell.escapes.add(name)
            case ast.Constant(value=value):
                if is_kept and isinstance(value, str):
                    state.text(value)
            case ast.Call():
                _visit_call(state, node, is_kept=is_kept)
            case ast.Attribute() | ast.Subscript():
                _visit_part(state, node, is_kept=is_kept)
            case ast.Name(id=name, ctx=context):
                if isinstance(context, ast.Del):
                    state.load(name)
                    state.unbind(name)
                else:
                    state.bind(name)
            case _:
                _visit_compound(state, node)


def define_lambda(state: Analysis, function: ast.Lambda) -> Effects:
    """What calling a lambda does, whose defaults are evaluated now."""
    visit(state, *function.args.defaults, *function.args.kw_defaults)
    with state.body(Scope("function", state.scope, [function.body], function.args)) as called:
        visit(state, function.body)
    return called


def _visit_part(state: Analysis, node: ast.Attribute | ast.Subscript, *, is_kept: bool) -> None:
    """Visit a part of a value: it is the part that is kept, or set, and not the value."""
    if isinstance(node, ast.Subscript):
        visit(state, node.value, is_kept=False)
        visit(state, None if isinstance(node.slice, ast.Constant) else node.slice)
    else:
        state.found.attributes.add(f".{node.attr}")
        if is_kept and isinstance(node.ctx, ast.Load):
            state.cell.escapes.add(f".{node.attr}")
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        if node.attr in known.DISPLAY_SETTERS or (node.attr == "options" and base in _PANDAS):
            state.found.sets_display = True
        state.see_all(known.sees_all(base, node.attr))
        if base:
            state.load(base)  # `sys.path` is harmless; only `sys` by itself is not
        else:
            visit(state, node.value, is_kept=False)
    if not isinstance(node.ctx, ast.Load):
        state.found.changes |= state.roots(node)


def _visit_compound(state: Analysis, node: ast.AST) -> None:
    match node:
        case ast.JoinedStr():
            _visit_text(state, node, "")
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                visit(state, None if isinstance(key, ast.Constant) else key, value)
        case ast.Lambda():
            state.may_run(define_lambda(state, node))
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            _visit_comprehension(state, node)
        case ast.Compare(left=left, comparators=[second, *others]):
            visit(state, left, second, is_kept=False)
            with state.conditional() if others else nullcontext():
                visit(state, *others, is_kept=False)
        case ast.BoolOp(values=[first, *others]):
            visit(state, first)
            with state.conditional():
                visit(state, *others)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            visit(state, test)
            for choice in (body, orelse):
                with state.conditional():
                    visit(state, choice)
        case ast.BinOp(left=left, right=right):
            _visit_used(state, left, right)
        case ast.NamedExpr(target=target, value=value):
            visit(state, value, target)
        case ast.Await(value=value) | ast.YieldFrom(value=value):
            visit(state, value)
            state.touch(state.roots(value))
        case ast.pattern():
            visit(state, *ast.iter_child_nodes(node))
            if name := getattr(node, "name", None) or getattr(node, "rest", None):
                state.bind(name)
        case _:
            visit(state, *ast.iter_child_nodes(node))


def _visit_used(state: Analysis, *nodes: ast.expr) -> None:
    """Visit what something new is made of: ``"{x}".format(**globals())`` keeps no namespace."""
    for node in nodes:
        visit(state, node, is_kept=not isinstance(node, ast.Call))


def _visit_comprehension(
    state: Analysis, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
) -> None:
    first, *others = node.generators
    visit(state, first.iter)
    scope = Scope("comprehension", state.scope, [generator.target for generator in node.generators])
    is_lazy = isinstance(node, ast.GeneratorExp)
    results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    with state.body(scope) if is_lazy else state.conditional() as called, state.within(scope):
        visit(state, first.target, *first.ifs)
        for generator in others:
            visit(state, generator.iter, generator.target, *generator.ifs)
        visit(state, *results)
    if isinstance(called, Effects):
        # Only the first iterable is evaluated here; the rest runs when somebody asks for items.
        state.may_run(called)


# Calls --------------------------------------------------------------------------------------------


def _visit_call(state: Analysis, node: ast.Call, *, is_kept: bool) -> None:
    path = _path(node.func)
    called = path[-1]
    is_builtin = path[0] in known.BUILTINS and path == [called] and not state.scope.holder(called)
    if reason := known.sees_all_by_text(node):
        if called in known.LATE_LOOKUPS:
            state.found.sees_all = reason  # it looks names up, but what it gives is data
        else:
            state.see_all(reason)
    if not isinstance(node.func, ast.Name):
        visit(state, node.func, is_kept=False)
    # With an argument, `vars` and `dir` look at one object only.
    elif not (is_builtin and called in ("vars", "dir") and node.args) and state.load(called):
        # What stands in `globals()` is like any variable; it is the whole of it that leads on.
        leads = is_kept and (called in _NAMESPACE_CALLS or _gives_code(node))
        state.see_all(known.sees_all(called), leads=leads)
    if called in _BY_TEXT:
        names = {f".{part.value!s}" for part in node.args if isinstance(part, ast.Constant)}
        state.found.attributes |= names or {"*"}
    is_pure = known.is_pure_call(node) and (is_builtin or isinstance(node.func, ast.Attribute))
    arguments = [*node.args, *[keyword.value for keyword in node.keywords]]
    for argument in arguments:
        if isinstance(argument, ast.JoinedStr) or _is_text(argument):
            _visit_text(state, argument, called)
        elif is_pure:
            _visit_used(state, argument)
        else:
            visit(state, argument)
    state.found.sets_display |= called in known.DISPLAY_SETTERS
    state.found.acts |= known.acts(path, node)
    if not is_pure:
        state.touch(_touched(state, node, called, arguments))


def _visit_text(state: Analysis, node: ast.Constant | ast.JoinedStr, called: str) -> None:
    """Visit a text that something is given which may evaluate it, or only show it."""
    text = _text_of(node)
    is_evaluated = called in known.EVALUATING
    is_shown = called in known.SHOWING | known.PURE_METHODS or called.endswith(_RAISED)
    state.text(text, is_shown=is_shown and not is_evaluated, is_evaluated=is_evaluated)
    if isinstance(node, ast.JoinedStr):
        visit(state, *[part for part in node.values if not isinstance(part, ast.Constant)])
    elif called in known.LATE_LOOKUPS:
        for name in map(as_variable, _AT_NAME.findall(text)):
            state.load(name)


def _touched(
    state: Analysis, node: ast.Call, called: str, arguments: Sequence[ast.expr]
) -> set[str]:
    """What a call may change: by convention a method its object, a function what it is given."""
    if called in known.CHANGES_FIRST:
        return state.roots(*node.args[:1])
    if isinstance(node.func, ast.Attribute):
        return state.roots(node.func)
    return set() if called in _CHANGE_NOTHING else state.roots(*arguments)


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
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """A text as far as it stands in the code."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else " 0 " for part in node.values
    )
