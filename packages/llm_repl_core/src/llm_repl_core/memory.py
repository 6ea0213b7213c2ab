"""The statements of a memory cell.

Allowed are comments, ``name = expression`` (also ``name: type = expression``, ``name += …``,
``a = b = …`` and ``a, b = …, …``) and ``memory.update({"name": expression, …})``, the latter with
keywords too. An expression sees the state, ``memory`` (the dictionary of all that persists) and
the builtins of `llm_repl_core.safe_builtins`.

What is checked here keeps slips and pasted code from reaching beyond the state. It is a guard and
no sandbox: the objects of the state are whatever the notebook's own code made them.
"""

from __future__ import annotations

import ast
import re
import string

from msgspec import Struct

from llm_repl_core.errors import InvalidMemory
from llm_repl_core.model.names import as_variable, is_variable
from llm_repl_core.syntax import parse_statements

__all__ = ["Assignment", "parse"]

_MEMORY = "memory"
_ALLOWED = "a memory cell takes comments, `name = expression` and `memory.update({…})`"

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.LShift: "<<",
    ast.MatMult: "@",
    ast.Mod: "%",
    ast.Mult: "*",
    ast.Pow: "**",
    ast.RShift: ">>",
    ast.Sub: "-",
}

_FRAME_ATTRIBUTES = frozenset(
    {
        *("ag_await", "ag_code", "ag_frame", "co_code", "cr_await", "cr_code", "cr_frame"),
        *("cr_origin", "f_back", "f_builtins", "f_code", "f_globals", "f_locals", "f_trace"),
        *("gi_code", "gi_frame", "gi_yieldfrom", "tb_frame", "tb_next"),
    }
)
"""From a generator or a traceback these lead to every variable of the kernel's own code."""

_PATTERN_ATTRIBUTE = re.compile(r"\.(\w+)")

_FORBIDDEN_NODES: dict[type[ast.AST], str] = {
    ast.Await: "`await`",
    ast.NamedExpr: "`:=`",
    ast.Yield: "`yield`",
    ast.YieldFrom: "`yield from`",
}


class Assignment(Struct, frozen=True):
    """One variable to set.

    Attributes:
        name: The variable.
        expression: The source of its value, as `eval` takes it.
        line: Where its value starts, from 1.
        group: Rises from 0. As in Python, all values of one ``memory.update`` are computed before
            the first of its variables is set, and so they have one number.
    """

    name: str
    expression: str
    line: int
    group: int


def parse(text: str) -> list[Assignment]:
    """Read a memory cell.

    Args:
        text: The cell's content.

    Returns:
        The assignments in order; a ``memory.update`` gives one for each of its items.

    Raises:
        InvalidMemory: Something else stands there; the message names the line and what is
            allowed.
    """
    try:
        statements = parse_statements(text)
    except SyntaxError as error:
        where = f"Line {error.lineno}" if error.lineno else "The cell"
        raise InvalidMemory(f"{where}: this is not Python ({error.msg}); {_ALLOWED}.") from None
    reader = _MemoryReader(text)
    for statement in statements:
        reader.read(statement)
    return reader.assignments


class _MemoryReader:
    """Goes through the statements of one cell and collects the assignments."""

    def __init__(self, text: str) -> None:
        self.assignments: list[Assignment] = []
        # As Python counts lines: `str.splitlines` would also cut at form feeds and others.
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._lines = [line.encode() for line in lines]
        self._group = -1

    def read(self, statement: ast.stmt) -> None:
        self._group += 1
        match statement:
            case ast.Assign(targets=targets, value=value):
                self._read_assignment(targets, value)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._add(target, target.id, value)
            case ast.AugAssign(target=ast.Name() as target, op=operator, value=value):
                increased = f"{target.id} {_OPERATORS[type(operator)]} ({self._source(value)})"
                self._add(target, target.id, value, increased)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="memory"), attr="update"),
                    args=arguments,
                    keywords=keywords,
                )
            ):
                self._read_update(arguments, keywords)
            case _:
                raise _refusal(statement, f"this is something else; {_ALLOWED}")

    def _read_assignment(self, targets: list[ast.expr], value: ast.expr) -> None:
        match targets, value:
            case [ast.Tuple(elts=names)], ast.Tuple(elts=values) if len(names) == len(values):
                for name, item in zip(names, values, strict=True):
                    self._add_target(name, item)
                return
        first, *others = targets
        self._add_target(first, value)
        for other in others:
            # The value is computed once; it is the first name's by then.
            assert isinstance(first, ast.Name)
            self._group += 1
            self._add_target(other, value, first.id)

    def _add_target(self, target: ast.expr, value: ast.expr, source: str | None = None) -> None:
        if not isinstance(target, ast.Name):
            raise _refusal(
                target, "only names can be assigned to, one at a time or as in `a, b = 1, 2`"
            )
        self._add(target, target.id, value, source)

    def _read_update(self, arguments: list[ast.expr], keywords: list[ast.keyword]) -> None:
        match arguments:
            case []:
                pass
            case [ast.Dict(keys=keys, values=values)]:
                for key, value in zip(keys, values, strict=True):
                    self._add_item(key, value)
            case _:
                raise _refusal(
                    arguments[0], "`memory.update` takes one dictionary, written out: `{…}`"
                )
        for item in keywords:
            if item.arg is None:
                raise _refusal(item.value, "`**` cannot stand here: write the names out")
            self._add(item, item.arg, item.value)

    def _add_item(self, key: ast.expr | None, value: ast.expr) -> None:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise _refusal(
                key or value, 'each key of `memory.update` must be a name in quotes, as in `"a"`'
            )
        # Python takes `ﬁ` for `fi` in source, so that both must mean the same variable.
        name = as_variable(key.value)
        if not is_variable(name):
            raise _refusal(key, f"{key.value!r} cannot be the name of a variable")
        self._add(key, name, value)

    def _add(
        self,
        place: ast.expr | ast.keyword,
        name: str,
        value: ast.expr,
        source: str | None = None,
    ) -> None:
        if name.startswith("_") or name == _MEMORY:
            raise _refusal(
                place,
                f"`{name}` cannot be set: names that start with an underscore, and `memory`, "
                "are the notebook's own",
            )
        _check(value)
        self.assignments.append(
            Assignment(name, source or self._source(value), value.lineno, self._group)
        )

    def _source(self, node: ast.expr) -> str:
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        start, end = node.col_offset, node.end_col_offset or 0
        if first == last:
            source = self._lines[first][start:end].decode()
            # `*a, b` is an expression within brackets only.
            return f"({source})" if isinstance(node, ast.Tuple) else source
        lines = [
            self._lines[first][start:],
            *self._lines[first + 1 : last],
            self._lines[last][:end],
        ]
        # What went over several lines stood within brackets, perhaps not its own.
        return "(" + b"\n".join(lines).decode() + "\n)"


def _check(expression: ast.expr) -> None:
    """Refuse what reaches beyond the state, or changes it in passing."""
    formats_of_constants: set[int] = set()
    for node in ast.walk(expression):
        if reason := _FORBIDDEN_NODES.get(type(node)):
            raise _refusal(node, f"{reason} is not allowed in a memory cell's expression")
        match node:
            case ast.comprehension(is_async=1):
                raise _refusal(
                    node.iter, "`async for` is not allowed in a memory cell's expression"
                )
            case ast.Name(id=name) if name.startswith("__"):
                raise _refusal(node, f"`{name}` is out of a memory cell's reach")
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(pattern))) as function):
                # `walk` goes from the outside in, so that the call comes before its function.
                if _formats_plainly(pattern):
                    formats_of_constants.add(id(function))
            case ast.Attribute(attr=name) if _is_out_of_reach(name):
                raise _refusal(node, f"the attribute `{name}` is out of a memory cell's reach")
            case ast.Attribute(attr="format" | "format_map" as name):
                # A pattern of `str.format` may itself reach any attribute: "{0.__class__}".
                if id(node) not in formats_of_constants:
                    raise _refusal(
                        node,
                        f"`{name}` can be called only on a text that is written out and reads no "
                        'attribute with an underscore; use an f-string: f"{name}"',
                    )


def _formats_plainly(pattern: str) -> bool:
    try:
        fields = list(string.Formatter().parse(pattern))
    except ValueError:
        return True  # it will fail where it is evaluated
    attributes = (
        attribute
        for _, name, spec, _ in fields
        for attribute in _PATTERN_ATTRIBUTE.findall(f"{name} {spec}")
    )
    return not any(map(_is_out_of_reach, attributes))


def _is_out_of_reach(attribute: str) -> bool:
    return attribute.startswith("_") or attribute in _FRAME_ATTRIBUTES


def _refusal(node: ast.AST, reason: str) -> InvalidMemory:
    return InvalidMemory(f"Line {getattr(node, 'lineno', 1)}: {reason}.")
