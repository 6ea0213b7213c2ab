"""Names within texts, which libraries look up in the notebook: SQL, formulas, expressions.

``duckdb.sql("select * from frame")`` reads ``frame``, and so does
``smf.ols("y ~ frame.x")``. Which functions do that cannot be known, and so it goes by what the
text looks like; a label or a path is none, nor is a text that is one word, except where
the function's name says that it evaluates.
"""

from __future__ import annotations

import ast
import re

from llm_repl_core.model.names import as_variable
from llm_repl_core.syntax import parse_expression, parse_statements

__all__ = ["EVALUATING", "HARMLESS", "names_in_text", "text_of", "words_of"]

EVALUATING = frozenset(
    {
        *("eval", "evaluate", "exec", "execute", "executemany", "from_query", "patch", "query"),
        *("read_sql", "read_sql_query", "repeat", "sql", "table", "timeit"),
    }
)
"""Functions whose texts are evaluated, even those of one word."""

HARMLESS = frozenset(
    {
        *("critical", "debug", "error", "exception", "info", "log", "warn", "warning"),
        *("display", "input", "open", "print", "set_title", "set_xlabel", "set_ylabel"),
        *("suptitle", "xlabel", "ylabel"),
    }
)
"""Functions that only show, or write down, the texts that they are given."""

_LONGEST = 20_000  # characters: what is behind them is not looked at
_LONGEST_EXPRESSION = 2000
_WORD = re.compile(r"[^\W\d]\w*")
_SQL = re.compile(
    r"(?:\s|\(|--[^\n]*+\n)*+(?:alter|attach|call|copy|create|delete|describe|drop|explain|from"
    r"|insert|merge|pivot|select|show|summarize|table|unpivot|update|values|with)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:(?<![\w.])@|\b__main__\.)([^\W\d]\w*)")
_OPERATOR = re.compile(r"[-+*/%<>=(\[&|]")
_NO_EXPRESSION = re.compile(r"[\w./\\:~-]+\Z|.*\w\s\(")  # a path, a label with its unit


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """A text as far as it stands in the code."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else " 0 " for part in node.values
    )


def words_of(text: str) -> frozenset[str]:
    """All words of a text that could be names."""
    return frozenset(map(as_variable, _WORD.findall(text[:_LONGEST])))


def names_in_text(text: str) -> frozenset[str]:
    """The names that a text may refer to, where it looks like one that is evaluated.

    Args:
        text: A constant of a cell's code.
    """
    text = text[:_LONGEST]
    if _SQL.match(text) or ("~" in text and "~/" not in text):
        return words_of(text)
    named = frozenset(_NAMED.findall(text))
    if len(text) > _LONGEST_EXPRESSION or not _OPERATOR.search(text) or _NO_EXPRESSION.match(text):
        return named
    source = text.replace("@", " ").strip()
    try:
        parts = [*ast.walk(parse_expression(source))]
    except SyntaxError:
        try:
            parts = [part for one in parse_statements(source) for part in ast.walk(one)]
        except SyntaxError:
            return named
    if not parts or isinstance(parts[0], ast.Tuple):
        return named  # a comment, or a list of columns, say
    return named | {part.id for part in parts if isinstance(part, ast.Name)}
