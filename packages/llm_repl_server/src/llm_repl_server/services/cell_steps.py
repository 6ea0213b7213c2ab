"""One edit of several that are made together."""

from __future__ import annotations

import uuid
from collections.abc import Container
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from llm_repl_core import Cell, InvalidInput
from llm_repl_core.model.cell import PromptCell
from llm_repl_server.services.cell_editor import CellEditor
from llm_repl_server.storage.bin_store import BinnedCell

__all__ = ["CellEdit", "EditKind", "EditedCells"]

EditKind: TypeAlias = Literal["create", "change", "move", "delete", "restore"]


class EditedCells(Struct):
    """The cells that were edited, as far as they are there now."""

    versions: Annotated[
        dict[str, str], Meta(description="The ids of the cells, each with its `version`.")
    ]
    epoch: Annotated[
        str, Meta(description="That of the events; another one when their numbers start over.")
    ]
    sequence: Annotated[
        int, Meta(description="Who knows the events up to this one knows these edits from them.")
    ]


class CellEdit(Struct, frozen=True, kw_only=True):
    """What is to be done to a cell.

    Attributes:
        do: What.
        cell_id: To which cell; of a new one, the id that it gets.
        type_word: The type, in either spelling; None: as it is.
        position: Where the cell is to stand, from 0; None: at the end, or where it was.
        fields: The cell's new values.
        if_match: The versions that the client would change; None: whatever it is.
        pasted: A new cell as it was elsewhere, with what it gave; None: it is made of the fields.
    """

    do: EditKind
    cell_id: str
    type_word: str | None = None
    position: int | None = None
    fields: dict[str, Any] = {}
    if_match: Container[str] | None = None
    pasted: Cell | None = None

    def make(self, editor: CellEditor, binned: BinnedCell | None) -> None:
        """Make the edit.

        Args:
            editor: Edits the notebook.
            binned: What the bin has of the cell.

        Raises:
            CellNotFound: There is no such cell.
            InvalidInput: A value cannot be used, or is missing.
            PreconditionFailed: Somebody else changed the cell.
        """
        match self.do:
            case "create" if self.pasted is not None:
                _paste(self.pasted, editor, self.position, _uuid(self.cell_id))
            case "create":
                if self.type_word is None:
                    raise InvalidInput("A cell that is created needs a `type`.")
                new_id = _uuid(self.cell_id)
                editor.create(self.type_word, self.position, self.fields, new_id)
            case "change":
                editor.change(
                    self.cell_id, self.fields, type_word=self.type_word, if_match=self.if_match
                )
            case "move":
                if self.position is None:
                    raise InvalidInput("A cell that is moved needs a `position`.")
                editor.move(self.cell_id, self.position)
            case "delete":
                if self.cell_id in editor.notebook:  # else it was deleted before
                    editor.delete(self.cell_id, self.if_match)
            case "restore":
                editor.restore(self.cell_id, binned, self.position)


def _paste(pasted: Cell, editor: CellEditor, position: int | None, new_id: str) -> None:
    if new_id in editor.notebook:
        return  # it was sent before
    cell = pasted.copy(id=new_id)
    if cell.status in ("running", "queued"):
        cell.status = "interrupted"  # it runs elsewhere
    if isinstance(cell, PromptCell) and not isinstance(cell.context, str):
        # It names cells of where it was copied from, which may be here.
        there = [cell_id for cell_id in cell.context if cell_id in editor.notebook]
        cell.context = there or "isolated"
    editor.put(cell, position)


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidInput("The `cell_id` of a cell that is created has to be a UUID.") from None
