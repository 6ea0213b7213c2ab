"""``.llmn``: the native format, JSON that older versions and other tools read and write too."""

from __future__ import annotations

from typing import Any, ClassVar

from llm_repl_core.formats._fields import Fields, build, time_text, unknown_fields
from llm_repl_core.formats._json_text import read_document, write_document
from llm_repl_core.formats._missing import FallbackIds, with_unique_ids
from llm_repl_core.formats._ran import judge, ran_of, take_ran
from llm_repl_core.formats.base import Format
from llm_repl_core.model.cell import Cell, ForeignCell, PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["LlmnFormat"]


_ON_EVERY_PROMPT = ("model", "temperature", "response_var", "provider")


class LlmnFormat(Format):
    """The native format. Keys are written in a fixed order, unknown ones behind the known.

    A file's own order of keys within metadata, memory and unknown fields is kept, so that loading
    and saving changes no line that nobody changed.
    """

    name: ClassVar[str] = "llmn"
    suffix: ClassVar[str] = ".llmn"
    media_type: ClassVar[str] = "application/x-llm-repl-notebook+json"

    def decode(self, data: bytes) -> Notebook:
        """Read a file's bytes. Absent fields get their defaults, unknown ones are kept.

        Raises:
            InvalidNotebook: It is not a notebook; the message says what is wrong and where.
        """
        fields = Fields(read_document(data, ".llmn file"), "")
        stand_ins = FallbackIds(data)
        cells = with_unique_ids(
            self._decode_cell(value, f"cells[{place}]", stand_ins)
            for place, value in enumerate(fields.array("cells"))
        )
        return Notebook(
            fields.text("name", self.default_name),
            id=_take_id(fields, "notebook_id") or stand_ins.id_of(""),
            cells=cells,
            created_at=fields.time("created_at") or self.modified_at,
            updated_at=fields.time("updated_at"),
            metadata=fields.object("metadata"),
            memory=fields.object("memory"),
            state_keys=fields.texts("state_keys"),
            extra=fields.rest,
        )

    def encode(self, notebook: Notebook) -> bytes:
        """Write a file's bytes: every field of the format, then the unknown ones."""
        known = {
            "notebook_id": notebook.id,
            "name": notebook.name,
            "created_at": time_text(notebook.created_at),
            "updated_at": time_text(notebook.updated_at),
            "metadata": notebook.metadata,
            "cells": [_encode_cell(cell) for cell in notebook],
            "state_keys": notebook.state_keys,
            "memory": notebook.memory,
        }
        return write_document(_with_unknown(known, notebook.extra), indent=2)

    def _decode_cell(self, value: Any, where: str, stand_ins: FallbackIds) -> Cell:
        fields = Fields(value, where)
        word = fields.text("type")
        common: dict[str, Any] = {
            "content": fields.text("content", ""),
            "outputs": fields.outputs("outputs"),
            "status": fields.status("status", "idle"),
            "execution_count": fields.count("execution_count"),
            "metadata": fields.object("metadata"),
            "stale": fields.flag("stale"),
        }
        ran = take_ran(fields)
        common["id"] = _take_id(fields, "cell_id") or stand_ins.id_of(where)
        cell_class = self.cell_types.find(word)
        if cell_class is None:
            common |= fields.flags("pinned", "skipped")
            cell: Cell = ForeignCell(foreign_type=word, extra=fields.rest, **common)
            judge(cell, ran)
            return cell
        options = fields.take(cell_class.option_names())
        if options.get("response_var") == "":
            options["response_var"] = None  # older files have it so
        cell = build(cell_class, {**common, "extra": fields.rest}, options, where)
        judge(cell, ran)
        return cell


def _encode_cell(cell: Cell) -> dict[str, Any]:
    options = cell.changed_options()
    if isinstance(cell, PromptCell):
        # What older versions have on every prompt.
        options = {name: getattr(cell, name) for name in _ON_EVERY_PROMPT} | options
    word = options.pop("foreign_type") if isinstance(cell, ForeignCell) else cell.wire_type
    ran = ran_of(cell)
    known = {
        "cell_id": cell.id,
        "type": word,
        "content": cell.content,
        "outputs": [output.to_wire() for output in cell.outputs],
        **options,
        "status": cell.status,
        "execution_count": cell.execution_count,
        "metadata": cell.metadata,
        **({"stale": True} if cell.stale else {}),
        **({"ran": ran} if ran else {}),
    }
    return _with_unknown(known, unknown_fields(cell))


def _with_unknown(known: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    # What is known wins: a field may have been unknown to the version that first read the file.
    return {**known, **{name: value for name, value in unknown.items() if name not in known}}


def _take_id(fields: Fields, name: str) -> str | None:
    # Some writers use the wire's other spelling alone; where both are there, one is unknown here.
    if fields.rest.get(name) is None and isinstance(fields.rest.get("id"), str):
        fields.rest.pop(name, None)
        return fields.text("id")
    return fields.optional_text(name)
