"""Merges three versions of a notebook."""

from __future__ import annotations

from llm_repl_core.formats._json_text import read_document, write_document
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.merging.documents import Document, merge_documents
from llm_repl_core.merging.versions import Sides, Versions
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.notebook import Notebook

__all__ = ["merge_notebooks"]


def merge_notebooks(
    versions: Versions[Notebook], sides: Sides | None = None, *, cell_types: CellTypes | None = None
) -> tuple[Notebook, list[str]]:
    """Merge two changed versions of a notebook: cell by cell, by their ids.

    Nothing that either has written is lost. A text whose same lines both have changed has both versions,
    one behind the other, between the marks that git uses; such a cell is not run. Of other
    fields that both have changed, ours is kept.

    Args:
        versions: The notebook before, as we have it, and as they have it; an empty one before, where
            the two have nothing in common.
        sides: What the two are called, in the marks and sentences.
        cell_types: The known types of cells.

    Returns:
        The merged notebook, and what was in conflict, a sentence each.
    """
    notebook_format = LlmnFormat(cell_types)

    def as_document(notebook: Notebook) -> Document:
        return read_document(notebook_format.encode(notebook), ".llmn file")

    merged = merge_documents(versions.map(as_document), sides)
    return notebook_format.decode(write_document(merged.document, indent=2)), merged.conflicts
