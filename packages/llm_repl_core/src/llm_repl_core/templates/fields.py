"""Where a template's field ends, and what it holds: the grammar of an f-string's field.

Python's own f-string parser differs from version to version and takes whole literals only, so the
end of a field is found here, and `ast` then says whether its inside is an expression. Whatever
is not a field gives None.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, cast

from llm_repl_core.kernels.base import Expression
from llm_repl_core.model.names import as_variable
from llm_repl_core.syntax import parse_expression

__all__ = ["LONGEST", "end_of_expression", "read_field"]

# Both limits keep the time of any text within a small multiple of its length: a scan that leads
# to nothing is given up soon.
LONGEST = 10_000  # characters of a field
_DEEPEST = 20  # brackets within each other
_DEEPEST_SPEC = 2  # fields within each other's specs, as in Python

_START = re.compile(r"\{[\s(]*+[^\W\d]")
_TOKEN = re.compile(
    r"""
    (?P<string>
        \"{3} [^"\\]*+ (?: (?: \\. | "(?!"") ) [^"\\]*+ )*+ \"{3}
      | '{3}  [^'\\]*+ (?: (?: \\. | '(?!'') ) [^'\\]*+ )*+ '{3}
      | "(?!"") [^"\\\n]*+ (?: \\. [^"\\\n]*+ )*+ "
      | '(?!'') [^'\\\n]*+ (?: \\. [^'\\\n]*+ )*+ '
    )
    | (?P<operator> [=!<>]= )
    | (?P<opening> [\[({] )
    | (?P<closing> [\])}] )
    | (?P<end> [:!=] )
    | (?P<foreign> ["'\\#] )
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER_EQUALS = re.compile(r"\s*+(?=[!:}])")
_CONVERSION = re.compile(r"!([rsa])(?=[:}])")
_SPEC_STOP = re.compile(r"[{}\n;]")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class _Found(NamedTuple):
    expression: Expression
    label: str  # what `{x=}` puts before the value
    end: int  # behind the closing brace
    shown: tuple[str, ...]  # names that are the value itself, or items of it


class _Checked(NamedTuple):
    source: str
    shown: tuple[str, ...]


def read_field(text: str, start: int) -> _Found | None:
    """Read the field whose brace stands at ``start``.

    >>> read_field("Pay {price:.2f} now", 4).expression.format_spec
    ('.2f',)
    >>> read_field("Pay {-price} now", 4) is None
    True

    Args:
        text: The template.
        start: Where a ``{`` stands in it.

    Returns:
        The expression, the literal text before its value, and the place behind the field; None
        where there is no field.
    """
    return _read(text, start, min(len(text), start + LONGEST), depth=0)


def _read(text: str, start: int, limit: int, depth: int) -> _Found | None:
    if not _START.match(text, start, limit):
        return None
    index = end_of_expression(text, start + 1, limit)
    if index is None:
        return None
    checked = _checked(text[start + 1 : index])
    if checked is None:
        return None

    label, conversion = "", None
    if text[index] == "=":
        equals = _AFTER_EQUALS.match(text, index + 1, limit)
        if equals is None:
            return None
        label = text[start + 1 : equals.end()]
        index = equals.end()
    if text[index] == "!":
        found = _CONVERSION.match(text, index, limit)
        if found is None:
            return None
        conversion = found[1]
        index = found.end()
    spec: tuple[str | Expression, ...] = ()
    if text[index] == ":":
        read = _read_spec(text, index + 1, limit, depth)
        if read is None:
            return None
        spec, index = read
    elif label and conversion is None:
        conversion = "r"  # what `{x=}` does in Python
    return _Found(
        Expression(checked.source, cast("Literal['r', 's', 'a'] | None", conversion), spec),
        label,
        index + 1,
        checked.shown,
    )


def end_of_expression(text: str, index: int, limit: int) -> int | None:
    """Where the first ``}``, ``!``, ``:`` or ``=`` stands that ends the expression.

    >>> end_of_expression("{d['a:b']:>5}", 1, 100)
    9
    """
    awaited: list[str] = []
    while token := _TOKEN.search(text, index, limit):
        kind = token.lastgroup
        index = token.end()
        if kind == "opening":
            if len(awaited) == _DEEPEST:
                return None
            awaited.append(_CLOSING[token[0]])
        elif kind == "closing":
            if not awaited:
                return token.start() if token[0] == "}" else None
            if awaited.pop() != token[0]:
                return None
        elif kind == "end" and not awaited:
            return token.start()
        elif kind == "foreign":
            return None
    return None


def _read_spec(
    text: str, index: int, limit: int, depth: int
) -> tuple[tuple[str | Expression, ...], int] | None:
    """The parts of a format spec, and where the ``}`` behind it stands."""
    parts: list[str | Expression] = []
    literal = ""
    while stop := _SPEC_STOP.search(text, index, limit):
        literal += text[index : stop.start()]
        if stop[0] == "}":
            return (*parts, *([literal] if literal else [])), stop.start()
        nested = None
        if stop[0] == "{" and depth < _DEEPEST_SPEC:
            nested = _read(text, stop.start(), limit, depth + 1)
        if nested is None:
            return None
        literal += nested.label
        parts += [literal] if literal else []
        parts.append(nested.expression)
        literal = ""
        index = nested.end
    return None


def _checked(inside: str) -> _Checked | None:
    """The expression as `eval` takes it, or None where it is none that a field may hold."""
    source = inside.strip()
    if source.isidentifier():
        return None if keyword.iskeyword(source) else _Checked(source, (as_variable(source),))
    if "\n" in source or "\r" in source or ("*" in source and "," in source):
        # Several lines, and tuples such as `a, *b`, are expressions within brackets only.
        source = f"({source})"
    try:
        tree = parse_expression(source)
    except SyntaxError:
        return None
    if not _starts_from_name(tree):
        return None
    if any(isinstance(node, _FORBIDDEN) for node in ast.walk(tree)):
        return None
    return _Checked(source, tuple(_shown_names(tree)))


_FORBIDDEN = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


def _starts_from_name(node: ast.AST) -> bool:
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute() | ast.Subscript():
                node = node.value
            case ast.Call():
                node = node.func
            case ast.BinOp() | ast.Compare():
                node = node.left
            case ast.BoolOp():
                node = node.values[0]
            case ast.IfExp():
                node = node.body
            case ast.Tuple(elts=[first, *_]):
                node = first
            case _:
                return False
    return True


def _shown_names(node: ast.AST) -> Iterator[str]:
    """The names whose values are, or may be, what is inserted, or items of it."""
    match node:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            for part in parts:
                yield from _shown_names(part)
        case ast.IfExp(body=first, orelse=second):
            yield from _shown_names(first)
            yield from _shown_names(second)
        case ast.Compare(left=ast.Name(id=name)) | ast.Subscript(value=ast.Name(id=name)):
            yield name
