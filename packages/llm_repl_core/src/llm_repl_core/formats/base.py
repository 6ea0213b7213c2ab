"""The interface that every file format has."""

from __future__ import annotations

import abc
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.notebook import DEFAULT_NAME, Notebook
from llm_repl_core.model.output import Output

__all__ = ["Format"]


class Format(abc.ABC):
    """Turns bytes into a notebook and back; does no I/O of its own.

    Args:
        cell_types: The known types of cells; a cell of another type becomes a `ForeignCell`.
    """

    name: ClassVar[str]
    """What people call it: ``llmn``."""

    suffix: ClassVar[str]
    """The ending of its files, lower case, with the dot: ``.llmn``."""

    media_type: ClassVar[str]
    """Of its files when they are downloaded."""

    is_readable: ClassVar[bool] = True
    """Whether its files hold a notebook that can be read again; else they are for people."""

    def __init__(self, cell_types: CellTypes | None = None) -> None:
        self.cell_types = cell_types or CellTypes()
        self.modified_at: datetime | None = None
        """When the file was changed that is read: of a notebook that does not say when it was
        made. Now, where None."""
        self.default_name = DEFAULT_NAME
        """Of a notebook that does not say its own: the name of the file that is read."""
        self.answer_price_usd: Callable[[Output], float | None] = _unknown_price
        """What an answer cost, for a format that says it to people; None: not known."""

    @abc.abstractmethod
    def decode(self, data: bytes) -> Notebook:
        """Read a file's bytes.

        Raises:
            InvalidNotebook: It is not a file of this format; the message says where.
        """

    @abc.abstractmethod
    def encode(self, notebook: Notebook) -> bytes:
        """Write a file's bytes: the same notebook gives the same bytes."""


def _unknown_price(_answer: Output) -> float | None:
    return None
