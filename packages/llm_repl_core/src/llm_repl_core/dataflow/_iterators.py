"""Which values may be iterators, which whoever goes through them uses up."""

from __future__ import annotations

import ast

from llm_repl_core.dataflow._known import BUILTINS, ITERATOR_BUILTINS, PURE_METHODS

__all__ = ["may_be_iterator"]

_NO_ITERATORS = PURE_METHODS | {
    *("Counter", "DataFrame", "Decimal", "Fraction", "OrderedDict", "Path", "Series", "arange"),
    *("array", "date", "datetime", "defaultdict", "deque", "deepcopy", "dumps", "findall"),
    *("linspace", "loads", "ones", "read", "read_bytes", "read_csv", "read_excel", "read_json"),
    *("read_parquet", "read_text", "readline", "readlines", "sub", "timedelta", "to_datetime"),
    *("zeros",),
}


def may_be_iterator(node: ast.AST | None) -> bool:
    """Whether the value of an expression, or one of its items, may be a new iterator.

    Args:
        node: The expression; what a name in it already is does not count.
    """
    waiting = [node]
    while waiting:
        match waiting.pop():
            case ast.GeneratorExp():
                return True
            case ast.Call(func=ast.Name(id=name)) if name in BUILTINS and name != "next":
                if name in ITERATOR_BUILTINS:
                    return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name not in _NO_ITERATORS:
                    return True
            case ast.Call():
                return True
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
                waiting += parts
            case ast.Dict(values=parts):
                waiting += parts
            case ast.ListComp(elt=part) | ast.SetComp(elt=part) | ast.DictComp(value=part):
                waiting.append(part)
            case ast.NamedExpr(value=part) | ast.Await(value=part) | ast.Starred(value=part):
                waiting.append(part)
            case ast.Subscript(value=part) | ast.Attribute(value=part):
                waiting.append(part)
            case ast.BinOp(left=left, right=right):
                waiting += [left, right]
    return False
