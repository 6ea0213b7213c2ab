"""``.ipynb``: Jupyter's format, nbformat 4.5."""

from __future__ import annotations

from typing import Any, ClassVar

from llm_repl_core.formats._fields import Fields, time_text
from llm_repl_core.formats._ipynb_cells import decode_cell, encode_cell, ipynb_id
from llm_repl_core.formats._ipynb_dialogs import from_dialog, is_dialog, to_dialog
from llm_repl_core.formats._ipynb_generated import is_generated, with_generated
from llm_repl_core.formats._ipynb_language import LANGUAGE_KEY, add_language, take_added_language
from llm_repl_core.formats._ipynb_metadata import (
    NOTEBOOK_SHAPES,
    merge_own,
    put_back,
    take_own,
    well_shaped,
)
from llm_repl_core.formats._ipynb_versions import MAJOR, MINOR, as_version_4
from llm_repl_core.formats._json_text import read_document, write_document
from llm_repl_core.formats._missing import FallbackIds, with_unique_ids
from llm_repl_core.formats.base import Format
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook

__all__ = ["IpynbFormat"]

_JUPYTERS_OWN = frozenset({"cells", "metadata", "nbformat", "nbformat_minor"})
_OWN_KEYS = frozenset(
    {"created_at", "extra", "memory", "name", "notebook_id", "state_keys", "updated_at"}
    | {LANGUAGE_KEY}
)
_UNKNOWN = "ipynb"  # under which a notebook's `extra` keeps fields that Jupyter's format lacks
_NEWER_MINOR = "nbformat_minor"  # among these


class IpynbFormat(Format):
    """Jupyter's format: valid by nbformat's own validator, and nothing of LLM-REPL's is lost.

    Keys are sorted and indented as Jupyter does it, so that the two change no lines of each other.
    """

    name: ClassVar[str] = "ipynb"
    suffix: ClassVar[str] = ".ipynb"
    media_type: ClassVar[str] = "application/x-ipynb+json"

    def decode(self, data: bytes) -> Notebook:
        """Read a file's bytes: nbformat 4, and older ones with nbformat's help.

        Raises:
            InvalidNotebook: It is not a notebook; the message says what is wrong and where.
        """
        constants: list[str] = []
        # `append` returns what stands in their place: nothing.
        document = read_document(data, ".ipynb file", read_constant=constants.append)
        fields = Fields(as_version_4(document), "")
        fields.count("nbformat")
        minor = fields.count("nbformat_minor") or 0
        stand_ins = FallbackIds(data)
        placed = {
            place: value
            for place, value in enumerate(fields.array("cells"))
            if not is_generated(value)
        }
        metadata, own = take_own(fields)
        documents = list(placed.values())
        notices: list[str] = []
        if is_dialog(metadata):
            documents, notices = from_dialog(documents, metadata)
        if constants:
            notices.append(
                f"{len(constants)} of its values are {', '.join(sorted({*constants}))}, which is not "
                "JSON: they were read as null."
            )
        cells = with_unique_ids(
            decode_cell(document, f"cells[{place}]", self.cell_types, stand_ins)
            for place, document in zip(placed, documents, strict=True)
        )
        take_added_language(metadata, own)
        title = metadata.get("title")
        default = title if isinstance(title, str) and title else self.default_name
        extra = own.object("extra")
        if minor > MINOR:
            # What it has that version 4.5 lacks is kept, and would not be valid in that.
            fields.rest[_NEWER_MINOR] = minor
        if fields.rest:
            extra = {_UNKNOWN: fields.rest, **extra}
        notebook = Notebook(
            own.text("name", default),
            id=own.optional_text("notebook_id") or stand_ins.id_of(""),
            cells=cells,
            created_at=own.time("created_at") or self.modified_at,
            updated_at=own.time("updated_at"),
            memory=own.object("memory"),
            state_keys=own.texts("state_keys"),
            metadata=put_back(metadata, own),
            extra=extra,
        )
        notebook.notices = notices
        return notebook

    def encode(self, notebook: Notebook) -> bytes:
        """Write a file's bytes: nbformat 4.5, or the newer 4.x that the notebook came from."""
        placed, extra = _placed_extra(notebook.extra)
        own: dict[str, Any] = {
            "notebook_id": notebook.id,
            "name": notebook.name,
            "created_at": time_text(notebook.created_at),
            "updated_at": time_text(notebook.updated_at),
        }
        optional = {"memory": notebook.memory, "state_keys": notebook.state_keys, "extra": extra}
        own |= {key: value for key, value in optional.items() if value}
        language = add_language(well_shaped(notebook.metadata, NOTEBOOK_SHAPES))
        if language:
            own[LANGUAGE_KEY] = sorted(language)
        metadata = merge_own(notebook.metadata, own, shapes=NOTEBOOK_SHAPES, reserved=_OWN_KEYS)
        cells = [
            encode_cell(cell, written_id)
            for cell, written_id in zip(notebook, _written_ids(notebook), strict=True)
        ]
        if is_dialog(notebook.metadata):
            cells = to_dialog(cells)
        document = {
            "nbformat_minor": MINOR,
            **placed,
            "cells": with_generated(notebook.cells, cells),
            "metadata": {**metadata, **language},
            "nbformat": MAJOR,
        }
        return write_document(document, indent=1, order="sorted")


def _placed_extra(extra: dict[str, JSONValue]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The unknown fields that have a place in the notebook itself, and the rest."""
    unknown = extra.get(_UNKNOWN)
    if not isinstance(unknown, dict) or not unknown:
        return {}, extra
    minor = unknown.get(_NEWER_MINOR)
    is_newer = type(minor) is int and minor > MINOR
    if unknown.keys() & (_JUPYTERS_OWN - ({_NEWER_MINOR} if is_newer else set())):
        return {}, extra
    return dict(unknown), {name: value for name, value in extra.items() if name != _UNKNOWN}


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
