"""Python's parser, such that any text either gives a tree or a `SyntaxError`."""

from __future__ import annotations

import ast
import re
import threading
import warnings

__all__ = ["parse_expression", "parse_statements"]

_MAY_WARN = re.compile(r"\\|\d[A-Za-z_]")
"""Only escapes (``"\\d"``) and numbers that touch a word (``1or 2``) make the parser warn."""

_warnings_lock = threading.Lock()


def parse_expression(source: str) -> ast.expr:
    """The tree of one expression.

    Raises:
        SyntaxError: It is none, or it is too deeply nested to be parsed.
    """
    tree = _parse(source, "eval")
    assert isinstance(tree, ast.Expression)
    return tree.body


def parse_statements(source: str) -> list[ast.stmt]:
    """The trees of statements, in order.

    Raises:
        SyntaxError: They are none, or they are too deeply nested to be parsed.
    """
    tree = _parse(source, "exec")
    assert isinstance(tree, ast.Module)
    return tree.body


def _parse(source: str, mode: str) -> ast.AST:
    if not _MAY_WARN.search(source):
        return _parse_loudly(source, mode)
    # Warnings are a process's global: they are touched as seldom as can be, by one at a time.
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _parse_loudly(source, mode)


def _parse_loudly(source: str, mode: str) -> ast.AST:
    try:
        return ast.parse(source, mode=mode)
    except (RecursionError, MemoryError):
        raise SyntaxError("it is too deeply nested") from None
    except ValueError as error:  # null bytes, and text that UTF-8 cannot hold
        reason = "a character that Python source cannot hold"
        raise SyntaxError(reason if isinstance(error, UnicodeError) else str(error)) from None
