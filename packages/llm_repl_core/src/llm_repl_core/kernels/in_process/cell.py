"""Compiles a cell's code: a body, and a last expression whose value is shown."""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import operator
from types import CodeType
from typing import Any

from msgspec import Struct

__all__ = ["CompiledCell", "compile_cell"]

_FUTURE_FLAGS: int = functools.reduce(
    operator.or_,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)


_TASK_STARTERS = frozenset({"create_task", "ensure_future", "get_running_loop"})


class CompiledCell(Struct, frozen=True):
    """The two parts of a cell.

    Attributes:
        body: All statements before the last expression; None where there are none.
        last: The last expression; None where the cell ends otherwise.
        silent: Whether a semicolon after the expression asks not to show its value.
        flags: The ``__future__`` statements in force after the cell.
    """

    body: CodeType | None
    last: CodeType | None
    silent: bool
    flags: int

    @property
    def awaits(self) -> bool:
        """Whether the cell needs an event loop: it awaits, or starts a task and goes on."""
        codes = (self.body, self.last)
        names = {name for code in codes if code is not None for name in code.co_names}
        return any(map(_gives_coroutine, codes)) or not names.isdisjoint(_TASK_STARTERS)

    def run(self, namespace: dict[str, Any]) -> Any:
        """Run a cell that does not await; its last expression's value."""
        if self.body is not None:
            _run(self.body, namespace)
        return None if self.last is None else _run(self.last, namespace)

    async def run_async(self, namespace: dict[str, Any]) -> Any:
        """Run a cell that awaits, wherever in it; its last expression's value."""
        value: Any = None
        for code in (self.body, self.last):
            value = None if code is None else _run(code, namespace)
            if _gives_coroutine(code):
                value = await value
        return value


def _gives_coroutine(code: CodeType | None) -> bool:
    return code is not None and bool(code.co_flags & inspect.CO_COROUTINE)


def compile_cell(code: str, filename: str, flags: int) -> CompiledCell:
    """Compile a cell.

    Args:
        code: The source; ``await`` is allowed at the top.
        filename: What tracebacks call it.
        flags: The ``__future__`` statements of earlier cells.

    Raises:
        SyntaxError: The code is not valid.
        ValueError: It holds null bytes.
    """
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = compile(code, filename, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    last: CodeType | None = None
    silent = False
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        statement = tree.body.pop()
        silent = _ends_with_semicolon(code, statement)
        expression = ast.Expression(statement.value)
        last = compile(expression, filename, "eval", flags, dont_inherit=True)
    body: CodeType | None = None
    if tree.body:
        body = compile(tree, filename, "exec", flags, dont_inherit=True)
        flags |= body.co_flags & _FUTURE_FLAGS
    return CompiledCell(body, last, silent, flags)


def _run(code: CodeType, namespace: dict[str, Any]) -> Any:
    return eval(code, namespace)  # noqa: S307  running the user's code is what a kernel is for


def _ends_with_semicolon(code: str, statement: ast.stmt) -> bool:
    lines = code.encode("utf-8", "surrogatepass").splitlines()
    assert statement.end_lineno is not None
    assert statement.end_col_offset is not None
    rest = lines[statement.end_lineno - 1][statement.end_col_offset :]
    return rest.lstrip().startswith(b";")
