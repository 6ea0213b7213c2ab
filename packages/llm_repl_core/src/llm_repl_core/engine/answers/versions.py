"""The versions of a prompt's answer: on record, written by hand, and in the notebook alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from llm_repl_core.engine.answers.comparison import TextBlock
from llm_repl_core.engine.answers.edits import (
    AnswerEdit,
    answers_in,
    edit_id_of,
    edits_of,
    original_output,
)
from llm_repl_core.ledger.base import AnswersOnRecord
from llm_repl_core.ledger.differences import Difference, describe_differences
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = [
    "KEPT_LIMIT",
    "AnswerDetail",
    "AnswerPage",
    "AnswerVersion",
    "AskedChange",
    "PlacedVersion",
    "asked_changes",
    "in_use_id",
    "placed_versions",
    "version_of",
]

KEPT_LIMIT = 1_000
"""How many versions of an answer are looked at; older ones count, and stay in the record."""

NOTEBOOK_ONLY = "notebook"
"""The id of an answer in a notebook that says of no call that it gave it."""

_EXCERPT_CHARACTERS = 200
_CHANGE_CHARACTERS = 400
_CHANGES_LIMIT = 20


class AnswerVersion(Struct, frozen=True, kw_only=True):
    """A version of a prompt's answer.

    Attributes:
        id: By which it is chosen: the call's id, or the edit's.
        number: From 1, the oldest first.
        kind: ``answer``: a model's; ``edited``: written by a person.
        in_use: Whether it is the value of the variable.
        item: The index of the item; null: the prompt is not over items.
        at: When it was asked for, or written; null: not known.
        excerpt: How it begins.
        words: How many words it has.
        model: Who answered; null for one that was written.
        provider: The provider's name.
        temperature: With which temperature it was asked for, if any was given.
        duration_s: How long it took.
        input_tokens: Of what was asked.
        output_tokens: Of the answer.
        price_usd: The price of its last call; null: not known.
        finish_reason: Why it ended; ``length``: it was cut off at its token limit.
    """

    id: str
    number: int
    kind: Literal["answer", "edited"]
    in_use: bool
    item: int | None = None
    at: datetime | None = None
    excerpt: str = ""
    words: int = 0
    model: str | None = None
    provider: str | None = None
    temperature: float | None = None
    duration_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    price_usd: float | None = None
    finish_reason: str | None = None


class AnswerPage(Struct, frozen=True, kw_only=True):
    """Versions of an answer, the newest first.

    Attributes:
        version: For ``If-Match``: changes when another version is taken into use, or written.
        total: How many versions there are.
        in_use: The id of the one in use; null: there is no answer.
        answers: A page of them.
        next: The ``before`` of the next page; null: none.
        dependents: The cells that turn stale when another one is taken into use.
    """

    version: str
    total: int
    in_use: str | None
    answers: list[AnswerVersion]
    next: int | None
    dependents: list[str]


class AskedChange(Struct, frozen=True, kw_only=True):
    """Something that was asked in another way than for the answer in use.

    Attributes:
        path: Where in the request: ``messages[1].content``.
        this: What stood there; null: nothing.
        in_use: What stands there for the answer in use; null: nothing.
    """

    path: str
    this: str | None
    in_use: str | None


class AnswerDetail(AnswerVersion, frozen=True, kw_only=True):
    """A version of an answer, in full.

    Attributes:
        text: The whole text.
        value: Of a structured answer: its value; absent where the text does not have the form.
        reasoning: What the model thought.
        difference: This one and the one in use as one text; empty for the one in use.
        asked: How the requests of both differ.
    """

    text: str
    value: JSONValue | UnsetType = UNSET
    reasoning: str = ""
    difference: list[TextBlock] = []
    asked: list[AskedChange] = []


class PlacedVersion(Struct, frozen=True):
    """Where a version stands among all, before its record is read.

    Attributes:
        id: Its id.
        number: From 1, the oldest first.
        at: When it came; None: not known.
        source: The edit, or the output of the notebook; None: it is on record.
    """

    id: str
    number: int
    at: datetime | None
    source: AnswerEdit | Output | None = None


def in_use_id(cell: PromptCell, item: int | None) -> str | None:
    """The id of the version that a cell shows; None: it shows none."""
    shown = answers_in(cell.outputs, item)
    return _id_of(shown[-1]) if shown else None


def _id_of(output: Output) -> str:
    call_id = output.fields.get("call_id")
    return edit_id_of(output) or (call_id if isinstance(call_id, str) else NOTEBOOK_ONLY)


def placed_versions(
    cell: PromptCell, item: int | None, recorded: AnswersOnRecord
) -> list[PlacedVersion]:
    """All versions that are looked at, the newest first.

    Args:
        cell: The prompt.
        item: The index of the item; None: it is not over items.
        recorded: Its answers on record.
    """
    found = [PlacedVersion(call_id, 0, at) for call_id, at in recorded.latest]
    edits = [edit for edit in edits_of(cell) if edit.item == item]
    found += [PlacedVersion(edit.id, 0, edit.at, edit) for edit in edits]
    known = {version.id for version in found}
    for output in answers_in(cell.outputs, item)[-1:]:
        if _id_of(output) not in known:
            # An edit whose entry is gone, or an answer from another place's record.
            found.append(PlacedVersion(_id_of(output), 0, None, output))
        original = original_output(output)
        if original is not output and _id_of(original) not in {*known, _id_of(output)}:
            found.append(PlacedVersion(_id_of(original), 0, None, original))
    # What has no time came with the notebook, before all that is on record here.
    found.sort(key=lambda version: (version.at is not None, version.at or _NEVER), reverse=True)
    total = len(found) + recorded.total - len(recorded.latest)
    return [replace(version, number=total - place) for place, version in enumerate(found)]


_NEVER = datetime.min.replace(tzinfo=UTC)


def version_of(
    placed: PlacedVersion, record: CallRecord | None, *, item: int | None, in_use: str | None
) -> AnswerVersion | None:
    """What is told of a version; None: its record is gone.

    Args:
        placed: Which version.
        record: Its call, where it is on record.
        item: The index of the item.
        in_use: The id of the version in use.
    """
    common: dict[str, Any] = {
        "id": placed.id, "number": placed.number, "item": item, "in_use": placed.id == in_use,
        "at": placed.at,
    }  # fmt: skip
    source = placed.source
    if isinstance(source, AnswerEdit):
        return AnswerVersion(kind="edited", **common, **_text_facts(source.content))
    if isinstance(source, Output):
        fields = source.fields
        kind: Literal["answer", "edited"] = "answer" if edit_id_of(source) is None else "edited"
        return AnswerVersion(
            kind=kind,
            **common,
            **_text_facts(source.content),
            model=_text(fields.get("model")),
            provider=_text(fields.get("provider")),
            finish_reason=_text(fields.get("finish_reason")),
        )
    if record is None:
        return None
    temperature = record.request.get("temperature")
    usage = record.usage
    return AnswerVersion(
        kind="answer",
        **common,
        **_text_facts(record.text),
        model=record.answered_by or record.model,
        provider=record.provider,
        temperature=temperature if isinstance(temperature, int | float) else None,
        duration_s=record.duration_s,
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        price_usd=record.price_usd,
        finish_reason=record.finish_reason,
    )


def _text_facts(text: str) -> dict[str, Any]:
    return {"excerpt": text[:_EXCERPT_CHARACTERS], "words": len(text.split())}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def asked_changes(this: CallRecord | None, in_use: CallRecord | None) -> list[AskedChange]:
    """How what was asked for one version differs from what was asked for the one in use."""
    if this is None or in_use is None or this.id == in_use.id:
        return []
    differences: Sequence[Difference] = describe_differences(this.request, in_use.request)
    return [*_shown(differences[:_CHANGES_LIMIT])]


def _shown(differences: Iterable[Difference]) -> Iterable[AskedChange]:
    for difference in differences:
        yield AskedChange(
            path=difference.path,
            this=_value_text(difference.recorded),
            in_use=_value_text(difference.asked),
        )


def _value_text(value: JSONValue | UnsetType) -> str | None:
    if isinstance(value, UnsetType):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _CHANGE_CHARACTERS else f"{text[:_CHANGE_CHARACTERS]}…"
