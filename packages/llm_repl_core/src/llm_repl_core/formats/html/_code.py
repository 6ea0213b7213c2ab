"""Code with its words, texts, numbers and notes in colours: four are enough."""

from __future__ import annotations

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

from llm_repl_core.formats.html._markup import Markup, element, escape, join

__all__ = ["highlight"]

_MOST_LENGTH = 200_000
"""What is longer is shown in one colour."""
_CLASSES = (
    (Comment, "code-note"),
    (Operator.Word, "code-word"),
    (Keyword, "code-word"),
    (String, "code-text"),
    (Number, "code-number"),
)


def highlight(code: str, language: str) -> Markup:
    """Code as HTML, all of it as it stands there.

    Args:
        code: The code.
        language: Its name; one that is not known has no colours.
    """
    if len(code) > _MOST_LENGTH:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    pieces = []
    for kind, text in lexer.get_tokens(code.replace("\r\n", "\n").replace("\r", "\n")):
        css_class = _class_of(kind)
        pieces.append(
            escape(text) if css_class is None else element("span", text, class_=css_class)
        )
    return join(*pieces)


def _class_of(kind: _TokenType) -> str | None:
    return next((name for group, name in _CLASSES if kind in group), None)
