"""Colours for what is being typed: Python, and the fields of prompts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from llm_repl_server.repl.modes import InputMode, mode_of

if TYPE_CHECKING:
    from prompt_toolkit.lexers import PygmentsLexer

    from llm_repl_server.repl.names import KnownNames

__all__ = ["InputLexer"]


class InputLexer(Lexer):
    """Highlights by what the text would be.

    Args:
        mode: What it is without a prefix.
        names: The variables; None as long as they are not known.
    """

    def __init__(
        self, mode: Callable[[], InputMode], names: Callable[[], KnownNames | None]
    ) -> None:
        self._mode = mode
        self._names = names
        self._python: PygmentsLexer | None = None

    def invalidation_hash(self) -> Hashable:
        """See `Lexer.invalidation_hash`."""
        names = self._names()
        return self._mode(), None if names is None else id(names.variables)

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """See `Lexer.lex_document`."""
        text = document.text
        mode = mode_of(text, self._mode())
        if mode in (InputMode.PYTHON, InputMode.MEMORY) and text and text[0] not in "/:":
            return self._lex_python(document)
        unknown = self._unknown(text) if mode is InputMode.PROMPT else []
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)

        def line_of(number: int) -> StyleAndTextTuples:
            if number >= len(document.lines):
                return []
            line, start = document.lines[number], starts[number]
            cuts = {0, len(line)}
            for begin, end in unknown:
                cuts |= {min(max(cut - start, 0), len(line)) for cut in (begin, end)}
            places = sorted(cuts)
            return [
                (self._style(start + begin, unknown), line[begin:end])
                for begin, end in itertools.pairwise(places)
            ]

        return line_of

    def _lex_python(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        if self._python is None:
            from prompt_toolkit.lexers import PygmentsLexer
            from pygments.lexers.python import PythonLexer

            self._python = PygmentsLexer(PythonLexer)
        return self._python.lex_document(document)

    def _unknown(self, text: str) -> list[tuple[int, int]]:
        names = self._names()
        if names is None or "{" not in text:
            return []
        from llm_repl_server.repl.names import unknown_fields

        return list(unknown_fields(text, names))

    @staticmethod
    def _style(at: int, unknown: list[tuple[int, int]]) -> str:
        return "class:unknown" if any(begin <= at < end for begin, end in unknown) else ""
