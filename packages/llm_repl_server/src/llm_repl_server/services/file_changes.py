"""What another program has made of a notebook's file, merged with what the notebook is. In threads."""

from __future__ import annotations

from msgspec import Struct

from llm_repl_core import Application, Notebook
from llm_repl_core.files import NO_FILE, FileSignature
from llm_repl_core.merging.bases import MergeBase
from llm_repl_core.merging.matching import match_cells
from llm_repl_core.merging.notebooks import merge_notebooks
from llm_repl_core.merging.versions import Sides, Versions
from llm_repl_server.services.file_on_disk import FileOnDisk
from llm_repl_server.services.identifiers import copy_notebook
from llm_repl_server.services.take_over import differing_cells

__all__ = ["FoundChange", "find_change"]

_SIDES = Sides(ours="this notebook", theirs="the file")


class FoundChange(Struct, frozen=True):
    """A notebook that has what another program has written.

    Attributes:
        notebook: The notebook, merged; None: the file says what it said before.
        changed: The cells that it and the notebook have, and that differ.
        conflicts: What could not be merged, a sentence each.
        base: What the file says.
        digest: Of its bytes.
        signature: How it was when it was read.
    """

    notebook: Notebook | None
    changed: frozenset[str]
    conflicts: list[str]
    base: str
    digest: str
    signature: FileSignature


def find_change(
    application: Application, disk: FileOnDisk, *, ours: Notebook, base: str, digest: str
) -> FoundChange:
    """Read a file that may have changed, and merge.

    Args:
        application: Knows the types of cells.
        disk: The file.
        ours: A copy of the notebook as it is.
        base: What the file said when the two were last the same.
        digest: Of the bytes that it had then.

    Raises:
        LLMReplError: It cannot be read, or is no notebook.
    """
    cell_types = application.cell_types
    signature = disk.signature()
    if signature != NO_FILE and disk.digest() == digest:
        return FoundChange(None, frozenset(), [], base, digest, signature)
    read = disk.read()
    kept = MergeBase.from_text(base)
    before = kept.notebook(ours, cell_types)
    # What the file calls the notebook is the file's own affair.
    theirs = copy_notebook(read.notebook, id=ours.id, cell_ids=match_cells(before, read.notebook))
    written = copy_notebook(theirs, id=read.notebook.id)
    merged, conflicts = merge_notebooks(
        Versions(before, ours, theirs), _SIDES, cell_types=cell_types
    )
    return FoundChange(
        notebook=merged,
        changed=differing_cells(ours, merged),
        conflicts=conflicts,
        base=MergeBase.of(written, cell_types).text(),
        digest=read.digest,
        signature=read.signature,
    )
