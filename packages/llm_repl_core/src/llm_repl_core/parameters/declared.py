"""Which parameters a notebook has: what its cell tagged ``parameters`` assigns."""

from __future__ import annotations

import ast

from msgspec import Struct

from llm_repl_core.dataflow.code import analyse_code
from llm_repl_core.model.cell import Cell, CodeCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.short_text import cut_short
from llm_repl_core.syntax import parse_statements

__all__ = ["INJECTED_TAG", "PARAMETERS_TAG", "Parameter", "declared_parameters", "find_tagged"]

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"

_TYPES: tuple[type, ...] = (bool, int, float, str, list, tuple, set, dict)
_KINDS = {kind.__name__: kind for kind in _TYPES} | {
    kind.__name__.capitalize(): kind for kind in (list, tuple, set, dict)
}

_DISPLAYS: tuple[tuple[type[ast.expr], type], ...] = (
    (ast.JoinedStr, str),
    (ast.List, list),
    (ast.ListComp, list),
    (ast.Tuple, tuple),
    (ast.Set, set),
    (ast.SetComp, set),
    (ast.Dict, dict),
    (ast.DictComp, dict),
    (ast.Compare, bool),
)


class Parameter(Struct, frozen=True, kw_only=True):
    """A parameter of a notebook.

    Attributes:
        name: The variable.
        kind: The type of its values, as its annotation says it, else its default; None: not told.
        optional: Whether None is one of its values.
        default: The source of its default; empty where there is none to show.
    """

    name: str
    kind: type | None = None
    optional: bool = False
    default: str = ""


def find_tagged(notebook: Notebook, tag: str) -> CodeCell | None:
    """The first code cell that has a tag, or None."""
    return next(
        (cell for cell in notebook if isinstance(cell, CodeCell) and tag in _tags(cell)), None
    )


def declared_parameters(cell: CodeCell) -> dict[str, Parameter]:
    """The parameters that a cell assigns, by name, in order.

    Args:
        cell: The cell tagged ``parameters``. Where it is not plain Python, the parameters have no
            kind.
    """
    effects = analyse_code(cell.content)
    found: dict[str, Parameter] = {}
    no_parameters = set(effects.modules)
    try:
        statements = parse_statements(cell.content)
    except SyntaxError:
        statements = []
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = _parameter(target.id, None, value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                found[name] = _parameter(name, annotation, value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                no_parameters.add(statement.name)
    # What is assigned in a block, or among others: `if …: n = 3`, `low, high = limits`.
    for name in sorted(effects.writes - no_parameters - found.keys()):
        found[name] = Parameter(name=name)
    return found


def _tags(cell: Cell) -> list[object]:
    tags = cell.metadata.get("tags")
    return list(tags) if isinstance(tags, list) else []


def _parameter(name: str, annotation: ast.expr | None, value: ast.expr | None) -> Parameter:
    kind, optional = _annotated(annotation)
    is_none = isinstance(value, ast.Constant) and value.value is None
    if kind is None and value is not None and not optional:
        kind = _kind_of(value)
    return Parameter(
        name=name,
        kind=kind,
        optional=optional or is_none,
        default="" if value is None else _shown(value),
    )


def _annotated(annotation: ast.expr | None) -> tuple[type | None, bool]:
    """The type that an annotation names, and whether None fits it, too."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return _annotated(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError):
                return None, False
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _KINDS.get(name), name == "Any"
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional")):
            return _annotated(annotation.slice)[0], True
        case ast.Subscript(value=generic):
            return _annotated(generic)
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _annotated(left)[0], True
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
            return _annotated(right)[0], True
    return None, False


def _kind_of(value: ast.expr) -> type | None:
    """The type of what an expression gives, where its form tells."""
    match value:
        case ast.Constant(value=constant):
            return _KINDS.get(type(constant).__name__)
        case ast.UnaryOp(op=ast.Not()):
            return bool
        case ast.UnaryOp(operand=operand):
            return _kind_of(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            kinds = {_kind_of(left), _kind_of(right)}
            if kinds <= {int, float}:
                exact = kinds == {int} and not isinstance(operator, ast.Div | ast.Pow)
                return int if exact or _is_power(value, kinds) else float
            return str if kinds == {str} else None
        case ast.Call(func=ast.Name(id=name)):
            return _KINDS.get(name)
    return next((kind for display, kind in _DISPLAYS if isinstance(value, display)), None)


def _is_power(value: ast.BinOp, kinds: set[type | None]) -> bool:
    """Whether it is a power of whole numbers that is one, too: ``10**-3`` is none."""
    negative = isinstance(value.right, ast.UnaryOp) and isinstance(value.right.op, ast.USub)
    return isinstance(value.op, ast.Pow) and kinds == {int} and not negative


def _shown(value: ast.expr) -> str:
    try:
        text = ast.unparse(value)
    except RecursionError:
        return "…"
    return cut_short(text, 40)
