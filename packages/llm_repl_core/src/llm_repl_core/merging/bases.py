"""What a notebook was before two began to change it: all that is written by hand, and traces of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Self

from msgspec import Struct

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats._json_text import read_document, write_compact
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.merging.documents import RESULT_FIELDS, Document
from llm_repl_core.merging.values import same
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.notebook import Notebook

__all__ = ["MergeBase"]

_TRACE = "result_trace"


class MergeBase(Struct, frozen=True):
    """A notebook to merge against, without what its runs gave, which may be long.

    Of that, each cell has a digest: enough to say whether somebody has run it since.

    Attributes:
        document: As ``.llmn`` has it, with digests in place of results.
    """

    document: Document

    @classmethod
    def of(cls, notebook: Notebook, cell_types: CellTypes | None = None) -> Self:
        """The base that a notebook is.

        Args:
            notebook: The notebook.
            cell_types: The known types of cells.
        """
        document = _as_document(notebook, cell_types)
        cells = [{**_written(cell), _TRACE: _trace(cell)} for cell in document["cells"]]
        return cls({**document, "cells": cells})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The base that `text` gave.

        Raises:
            InvalidNotebook: It is something else.
        """
        document = read_document(text.encode(), "base of a merge")
        if not isinstance(document.get("cells"), list):
            raise InvalidNotebook("This is not a base of a merge.")
        return cls(document)

    @property
    def notebook_id(self) -> str:
        """The notebook's id."""
        found: str = self.document["notebook_id"]
        return found

    def says_as_much_as(self, other: MergeBase) -> bool:
        """Whether two are the same, whenever they were made and changed."""
        times = ("created_at", "updated_at")
        mine, others = (
            {name: value for name, value in base.document.items() if name not in times}
            for base in (self, other)
        )
        return same(mine, others)

    def text(self) -> str:
        """All of it as text, to be kept."""
        return write_compact(self.document).decode()

    def notebook(self, ours: Notebook, cell_types: CellTypes | None = None) -> Notebook:
        """The notebook as it was. Its cells have the results of ours where nobody has run them since.

        Where somebody has, the results are such as no cell has.

        Args:
            ours: The notebook as it is now.
            cell_types: The known types of cells.
        """
        now = {cell["cell_id"]: cell for cell in _as_document(ours, cell_types)["cells"]}
        cells = []
        for cell in self.document["cells"]:
            written = {name: value for name, value in cell.items() if name != _TRACE}
            of_ours = now.get(cell["cell_id"])
            if of_ours is not None and _trace(of_ours) == cell[_TRACE]:
                cells.append({**written, **_result(of_ours)})
            else:
                cells.append({**written, "outputs": [], "status": "error", "execution_count": None})
        document = {**self.document, "cells": cells}
        return LlmnFormat(cell_types).decode(write_compact(document))


def _as_document(notebook: Notebook, cell_types: CellTypes | None) -> Document:
    return read_document(LlmnFormat(cell_types).encode(notebook), ".llmn file")


def _written(cell: Mapping[str, Any]) -> Document:
    return {name: value for name, value in cell.items() if name not in RESULT_FIELDS}


def _result(cell: Mapping[str, Any]) -> Document:
    return {name: cell[name] for name in RESULT_FIELDS if name in cell}


def _trace(cell: Mapping[str, Any]) -> str:
    return blake2b(write_compact(_result(cell)), digest_size=16).hexdigest()
