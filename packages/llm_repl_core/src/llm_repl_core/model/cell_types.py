"""Which words name which type of cell, in requests, answers and files."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core.errors import InvalidInput, PluginError
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)

__all__ = ["BUILTIN_CELL_CLASSES", "CellTypes"]

BUILTIN_CELL_CLASSES: tuple[type[Cell], ...] = (MarkdownCell, CodeCell, PromptCell, MemoryCell)


class CellTypes:
    """The known classes of cells, found by either spelling.

    Args:
        classes: The classes; the four built-in ones by default.
    """

    def __init__(self, classes: Iterable[type[Cell]] = BUILTIN_CELL_CLASSES) -> None:
        self._by_word: dict[str, type[Cell]] = {}
        for cell_class in classes:
            self.add(cell_class)

    def add(self, cell_class: type[Cell]) -> None:
        """Make a class known.

        Raises:
            PluginError: One of its words is taken, or missing.
        """
        for word in (cell_class.type, cell_class.wire_type):
            if not word:
                raise PluginError(
                    f"The cell class {cell_class.__name__} needs a `type` and a `wire_type`."
                )
            if self._by_word.get(word, cell_class) is not cell_class:
                raise PluginError(
                    f"The cell type `{word}` of {cell_class.__name__} is taken by "
                    f"{self._by_word[word].__name__}."
                )
        self._by_word[cell_class.type] = cell_class
        self._by_word[cell_class.wire_type] = cell_class

    def find(self, word: str) -> type[Cell] | None:
        """The class that ``word`` names, or None."""
        return self._by_word.get(word)

    def get(self, word: str) -> type[Cell]:
        """The class that ``word`` names.

        Raises:
            InvalidInput: None is known by that word.
        """
        cell_class = self.find(word)
        if cell_class is None:
            raise InvalidInput(f"`{word}` is not a cell type; there are {', '.join(self.words())}.")
        return cell_class

    def words(self) -> list[str]:
        """The short words, in the order of registration."""
        return list(dict.fromkeys(known.type for known in self._by_word.values()))

    def option_names(self) -> frozenset[str]:
        """The fields that cells of some type have beside those that every cell has."""
        classes: set[type[Cell]] = {*self._by_word.values(), ForeignCell}
        return frozenset(name for known in classes for name in known.option_names())
