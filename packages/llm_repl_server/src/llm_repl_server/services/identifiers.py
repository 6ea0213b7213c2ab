"""Which ids can stand in an address, and what becomes of those that cannot."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, uuid5

from llm_repl_core import Notebook

__all__ = ["RESERVED_IDS", "copy_notebook", "with_addressable_ids"]

RESERVED_IDS = ("import", "load", "open")
"""``/api/notebooks/load`` is an endpoint, as the others are, so that no notebook can have this id."""

# A segment of a path, also for clients that put an id into an address as it is.
_ADDRESSABLE = re.compile(r"(?!\.{1,2}\Z)[\w.~!$&'()*+,;=:@-]{1,200}", re.ASCII)


def with_addressable_ids(notebook: Notebook) -> Notebook:
    """The notebook, or a copy that has other ids where its own cannot stand in an address.

    Files hold ids of any text. A new id follows from the old one, so that the same file gives
    the same ids whenever it is loaded.
    """
    cell_ids = {cell.id: _addressable(cell.id) for cell in notebook}
    notebook_id = _addressable(notebook.id)
    if notebook_id in RESERVED_IDS:
        notebook_id = _derived(notebook_id)
    if notebook_id == notebook.id and all(old == new for old, new in cell_ids.items()):
        return notebook
    return copy_notebook(notebook, id=notebook_id, cell_ids=cell_ids)


def copy_notebook(
    notebook: Notebook, *, id: str | None = None, cell_ids: dict[str, str] | None = None
) -> Notebook:
    """A notebook that shares nothing changeable with another, to be read by another thread.

    Args:
        notebook: The other.
        id: The copy's id; the same where None.
        cell_ids: The old ids of its cells to the new; the same where None.
    """
    renamed = cell_ids or {}
    return Notebook(
        notebook.name,
        id=id or notebook.id,
        cells=[cell.copy(id=renamed.get(cell.id, cell.id)) for cell in notebook],
        created_at=notebook.created_at,
        updated_at=notebook.updated_at,
        metadata=notebook.metadata,
        memory=notebook.memory,
        state_keys=notebook.state_keys,
        extra=notebook.extra,
    )


def _addressable(old_id: str) -> str:
    return old_id if _ADDRESSABLE.fullmatch(old_id) else _derived(old_id)


def _derived(old_id: str) -> str:
    return str(uuid5(NAMESPACE_URL, "llm-repl:" + ascii(old_id)))
