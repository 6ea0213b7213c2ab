"""Why a cell might give another result now, as far as it is known: data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import replace

__all__ = ["REASONS_LIMIT", "StaleKind", "StaleReason", "Staleness", "bounded_text"]

REASONS_LIMIT = 5
"""How many reasons a cell has at most; those that say least are left out."""

TEXT_LIMIT = 100
"""How many characters of a value are kept."""

StaleKind: TypeAlias = Literal[
    "own_edit",
    "variable",
    "failed",
    "deleted",
    "moved",
    "added",
    "edited",
    "run",
    "notebook",
    "stale",
]
"""See `StaleReason`; those that tell most come first."""

_ORDER: Mapping[str, int] = {
    kind: place
    for place, kind in enumerate(
        (
            "own_edit",
            "variable",
            "failed",
            "deleted",
            "moved",
            "notebook",
            "edited",
            "added",
            "run",
            "stale",
        )
    )
}

_Text = Annotated[str, Meta(max_length=TEXT_LIMIT)] | None


class StaleReason(Struct, frozen=True, kw_only=True):
    """One reason why a cell is stale.

    Attributes:
        kind: ``own_edit``: its own ``field`` was edited; ``variable``: a cell has set ``variable``
            again; ``failed``: a cell that sets it has failed; ``edited``, ``deleted``, ``moved``,
            ``added``: that happened to a cell that it depends on; ``run``: a cell that it is sent
            with has run again; ``notebook``: the notebook's ``field`` was edited; ``stale``: a cell
            that it depends on is stale itself.
        cell_id: The other cell; None: there is none.
        cell_number: Where that stood, from 1, if it was deleted; else None.
        variable: By which variable it depends on the other cell; None: it is sent with it.
        field: What was edited: ``content``, ``model``, ``system``.
        was: The beginning of the value as the last run saw it; None: not known, or not text.
        now: The beginning of the value now.
    """

    kind: StaleKind
    cell_id: str | None = None
    cell_number: int | None = None
    variable: str | None = None
    field: str | None = None
    was: _Text = None
    now: _Text = None

    @property
    def subject(self) -> tuple[object, ...]:
        """What it is about: of two reasons about the same, the later one counts."""
        if self.kind in ("own_edit", "notebook"):
            return (self.kind, self.field)
        return ("cell", self.cell_id, self.variable)

    @property
    def is_unchanged(self) -> bool:
        """Whether it is about a variable that was set to what it was, as far as can be seen."""
        if self.kind != "variable" or self.was is None or self.was != self.now:
            return False
        return not self.was.endswith("…")


class Staleness(Struct, frozen=True, kw_only=True):
    """What is remembered of a cell's last run, to say why another one might differ.

    Two cells are equal whatever is remembered of them: it is no part of what a file holds.

    Attributes:
        reasons: The reasons, those that tell most first.
        seen: By variable: the beginning of its value as the last run saw it.
        answer: The beginning of what the last run gave, of a prompt whose outputs an edit has
            cleared.
    """

    reasons: tuple[StaleReason, ...] = ()
    seen: dict[str, str] = field(default_factory=dict)
    answer: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Staleness)

    __hash__ = None  # type: ignore[assignment]  # all are equal

    def with_reasons(self, added: Iterable[StaleReason]) -> Staleness:
        """The same with more reasons; what the run saw stays what it saw."""
        by_subject = {reason.subject: reason for reason in self.reasons}
        for reason in added:
            before = by_subject.get(reason.subject)
            if before is not None and before.was is not None:
                reason = replace(reason, was=before.was)
            by_subject[reason.subject] = _more_telling(reason, before)
        reasons = sorted(by_subject.values(), key=_rank)
        telling = [reason for reason in reasons if not reason.is_unchanged]
        return replace(self, reasons=tuple((telling or reasons)[:REASONS_LIMIT]))


def bounded_text(text: str) -> str:
    """The beginning of a text, on one line."""
    # Cut first: it may be huge.
    line = " ".join(text[: 4 * TEXT_LIMIT].split())
    if len(line) <= TEXT_LIMIT and len(text) <= 4 * TEXT_LIMIT:
        return line
    return line[: TEXT_LIMIT - 1] + "…"


def _more_telling(reason: StaleReason, before: StaleReason | None) -> StaleReason:
    """The reason, but for one that says less of the same than was known."""
    if before is not None and reason.kind in ("stale", "run") and before.kind != reason.kind:
        return before
    return reason


def _rank(reason: StaleReason) -> tuple[int, bool]:
    has_values = reason.was is not None and reason.now is not None and reason.was != reason.now
    return _ORDER[reason.kind], not has_values
