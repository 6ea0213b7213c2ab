"""``.ipynb``: Jupyter's format, nbformat 4.5."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats._fields import Fields, time_text
from llm_repl_core.formats._ipynb_cells import decode_cell, encode_cell, ipynb_id
from llm_repl_core.formats._ipynb_metadata import NOTEBOOK_SHAPES, merge_own, put_back, take_own
from llm_repl_core.formats._json_text import read_document, write_document
from llm_repl_core.formats._missing import StandIns
from llm_repl_core.formats.base import Format
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import DEFAULT_NAME, Notebook

__all__ = ["IpynbFormat"]

_MAJOR, _MINOR = 4, 5
_JUPYTERS_OWN = frozenset({"cells", "metadata", "nbformat", "nbformat_minor"})
_OWN_KEYS = frozenset(
    {"created_at", "extra", "memory", "name", "notebook_id", "state_keys", "updated_at"}
)
_UNKNOWN = "ipynb"  # under which a notebook's `extra` keeps fields that Jupyter's format lacks


class IpynbFormat(Format):
    """Jupyter's format: valid by nbformat's own validator, and nothing of LLM-REPL's is lost.

    Keys are sorted and indented as Jupyter does it, so that the two change no lines of each other.
    """

    name: ClassVar[str] = "ipynb"
    suffix: ClassVar[str] = ".ipynb"
    media_type: ClassVar[str] = "application/x-ipynb+json"

    def decode(self, data: bytes) -> Notebook:
        """Read a file's bytes: any nbformat 4.

        Raises:
            InvalidNotebook: It is not a notebook; the message says what is wrong and where.
        """
        fields = Fields(read_document(data, ".ipynb file"), "")
        _refuse_other_versions(fields)
        stand_ins = StandIns(data)
        cells = _with_unique_ids(
            decode_cell(value, f"cells[{place}]", self.cell_types, stand_ins)
            for place, value in enumerate(fields.array("cells"))
        )
        metadata, own = take_own(fields)
        title = metadata.get("title")
        name = own.text("name", title if isinstance(title, str) and title else DEFAULT_NAME)
        extra = own.object("extra")
        if fields.rest:
            extra = {_UNKNOWN: fields.rest, **extra}
        return Notebook(
            name,
            id=own.optional_text("notebook_id") or stand_ins.id_of(""),
            cells=cells,
            created_at=own.time("created_at") or self.modified_at,
            updated_at=own.time("updated_at"),
            memory=own.object("memory"),
            state_keys=own.texts("state_keys"),
            metadata=put_back(metadata, own),
            extra=extra,
        )

    def encode(self, notebook: Notebook) -> bytes:
        """Write a file's bytes: nbformat 4.5."""
        extra = dict(notebook.extra)
        unknown = extra.get(_UNKNOWN)
        placed: dict[str, Any] = {}
        if isinstance(unknown, dict) and unknown and not unknown.keys() & _JUPYTERS_OWN:
            placed = unknown
            del extra[_UNKNOWN]
        own: dict[str, Any] = {
            "notebook_id": notebook.id,
            "name": notebook.name,
            "created_at": time_text(notebook.created_at),
            "updated_at": time_text(notebook.updated_at),
        }
        optional = {"memory": notebook.memory, "state_keys": notebook.state_keys, "extra": extra}
        own |= {key: value for key, value in optional.items() if value}
        document = {
            **placed,
            "cells": [
                encode_cell(cell, written_id)
                for cell, written_id in zip(notebook, _written_ids(notebook), strict=True)
            ],
            "metadata": merge_own(
                notebook.metadata, own, shapes=NOTEBOOK_SHAPES, reserved=_OWN_KEYS
            ),
            "nbformat": _MAJOR,
            "nbformat_minor": _MINOR,
        }
        return write_document(document, indent=1, order="sorted")


def _refuse_other_versions(fields: Fields) -> None:
    major = fields.count("nbformat")
    fields.count("nbformat_minor")
    if major is None:
        raise fields.wrong("nbformat", "the number 4", None)
    if major < _MAJOR:
        raise InvalidNotebook(
            f"This .ipynb file is of nbformat {major}, and only nbformat 4 can be read: "
            "open it in Jupyter and save it once."
        )
    if major > _MAJOR:
        raise InvalidNotebook(
            f"This .ipynb file is of nbformat {major}, which is newer than nbformat 4, the only "
            "one that can be read."
        )


def _with_unique_ids(cells: Iterable[Cell]) -> list[Cell]:
    """Cells that were copied by hand may share an id; the later ones get new ones, as in Jupyter."""
    unique: dict[str, Cell] = {}
    for cell in cells:
        kept = cell.copy() if cell.id in unique else cell
        unique[kept.id] = kept
    return list(unique.values())


def _written_ids(notebook: Notebook) -> list[str]:
    taken = {cell.id for cell in notebook}
    written = []
    for cell in notebook:
        allowed = ipynb_id(cell.id)
        while allowed != cell.id and allowed in taken:
            allowed = ipynb_id(f"{allowed} again")  # another cell is called so already
        taken.add(allowed)
        written.append(allowed)
    return written
