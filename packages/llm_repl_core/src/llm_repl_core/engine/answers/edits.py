"""How a cell keeps answers that a person has changed: in its outputs, and in a list of its own.

The output in use is the answer as it is now, so that whoever reads a file without knowing of edits
reads the right text. Its field ``edited`` has the answer that the model gave. All edits, also those
that are not in use any more, stand in the cell's field ``answer_edits``, which other readers carry
along; a run of the cell does not touch it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from llm_repl_core.model.cell import Cell
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = [
    "AnswerEdit",
    "answers_in",
    "edit_id_of",
    "edited_output",
    "edits_of",
    "keep_edit",
    "new_edit",
    "original_output",
]

_EDITED = "edited"
"""The field of an answer that a person has changed."""

_EDITS = "answer_edits"
_EDITS_LIMIT = 20
_CHARACTERS_LIMIT = 200_000
"""Of all edits of a cell together; the oldest go first."""

_UNFINISHED = frozenset({"failed", "interrupted"})


class AnswerEdit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer that a person has written.

    Attributes:
        id: A UUID.
        at: When.
        content: The text.
        value: Of a structured answer: its value.
        item: The index of the item; None: the prompt is not over items.
        call_id: The call whose answer was changed; None: none is known.
    """

    id: str
    at: datetime
    content: str
    value: JSONValue | UnsetType = UNSET
    item: int | None = None
    call_id: str | None = None


def edits_of(cell: Cell) -> list[AnswerEdit]:
    """The edits that a cell keeps, the oldest first; what is no edit is passed over."""
    kept = cell.extra.get(_EDITS)
    found = []
    for document in kept if isinstance(kept, list) else ():
        try:
            edit = msgspec.convert(document, AnswerEdit)
        except msgspec.ValidationError:
            continue  # of a newer version, or made elsewhere
        found.append(edit)
    return found


def keep_edit(cell: Cell, edit: AnswerEdit) -> None:
    """Add an edit to those that a cell keeps."""
    kept = [*edits_of(cell), edit][-_EDITS_LIMIT:]
    while len(kept) > 1 and sum(len(each.content) for each in kept) > _CHARACTERS_LIMIT:
        del kept[0]
    # A new list: whoever looks at the former one sees no half of a change.
    cell.extra = {**cell.extra, _EDITS: [msgspec.to_builtins(each) for each in kept]}


def new_edit(
    content: str, value: JSONValue | UnsetType, item: int | None, call_id: str | None
) -> AnswerEdit:
    """An edit that is made now."""
    return AnswerEdit(
        id=new_id(), at=datetime.now(UTC), content=content, value=value, item=item, call_id=call_id
    )


def edited_output(output: Output, edit: AnswerEdit) -> Output:
    """An answer with a person's text in the place of the model's, which it keeps."""
    original = original_output(output)
    kept: dict[str, Any] = {"content": original.content}
    if "value" in original.fields:
        kept["value"] = original.fields["value"]
    kept |= {name: True for name in _UNFINISHED if original.fields.get(name)}
    fields = {name: value for name, value in original.fields.items() if name not in _UNFINISHED}
    fields.pop("value", None)
    if edit.value is not UNSET:
        fields["value"] = edit.value
    fields[_EDITED] = {"id": edit.id, "at": edit.at.isoformat(), "original": kept}
    return Output(output.type, edit.content, fields)


def original_output(output: Output) -> Output:
    """An answer as the model gave it."""
    note = output.fields.get(_EDITED)
    original = note.get("original") if isinstance(note, dict) else None
    if not isinstance(original, dict) or not isinstance(original.get("content"), str):
        return output
    fields = {
        name: value for name, value in output.fields.items() if name not in (_EDITED, "value")
    }
    content = original["content"]
    assert isinstance(content, str)
    return Output(output.type, content, fields | {
        name: value for name, value in original.items() if name == "value" or name in _UNFINISHED
    })  # fmt: skip


def edit_id_of(output: Output) -> str | None:
    """The edit that an answer is; None: it is the model's."""
    note = output.fields.get(_EDITED)
    found = note.get("id") if isinstance(note, dict) else None
    return found if isinstance(found, str) else None


def answers_in(outputs: Sequence[Output], item: int | None) -> list[Output]:
    """The answers among outputs, of one item or of a prompt without items."""
    return [
        output
        for output in outputs
        if output.type == "llm_response" and output.fields.get("item") == item
    ]
