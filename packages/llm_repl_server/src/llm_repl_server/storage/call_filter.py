"""Which calls are asked for, as a condition on rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_core.errors import InvalidInput
from llm_repl_core.ledger.record import CallSource, CallState
from llm_repl_server.storage.columns import encode_text, encode_time
from llm_repl_server.storage.schema import calls

__all__ = ["CallFilter", "conditions_of", "search_words"]

_WORDS_LIMIT = 50
_EQUAL = ("notebook_id", "run_id", "cell_id", "provider", "model", "source")


class CallFilter(Struct, frozen=True, kw_only=True):
    """Which calls to list; what is None does not matter.

    Attributes:
        notebook_id: Of which notebook.
        run_id: Of which run.
        cell_id: Of which cell.
        provider: To which provider.
        model: To which model, by the name that was asked for.
        state: In which state; one whose process has ended is ``interrupted``.
        source: Where the answer came from.
        since: The first instant at which they may have started; a time without an offset is local.
        until: Only calls that started before this time.
        search: Words; a call has them all, or words that begin so, in its messages or its answer.
        limit: How many at most, from 1.
        before: The id of a call: only those that come behind it in the list, which is how the
            next page is asked for.
    """

    notebook_id: str | None = None
    run_id: str | None = None
    cell_id: str | None = None
    provider: str | None = None
    model: str | None = None
    state: CallState | None = None
    source: CallSource | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None
    limit: int = 100
    before: str | None = None


def search_words(search: str) -> list[str]:
    """The words of a search, as columns hold them.

    Raises:
        InvalidInput: There are too many.
    """
    words = [encode_text(word) for word in search.split()]
    if len(words) > _WORDS_LIMIT:
        raise InvalidInput(
            f"A search takes {_WORDS_LIMIT} words at most, and this has {len(words)}."
        )
    return words


def conditions_of(
    wanted: CallFilter,
    cut_off: Sequence[str],
    search_condition: Callable[[Sequence[str]], sa.ColumnElement[bool]],
) -> list[sa.ColumnElement[bool]]:
    """The conditions of all that a filter asks for, but ``limit`` and ``before``.

    Args:
        wanted: The filter.
        cut_off: The owners of running calls who have ended.
        search_condition: The backend's.

    Raises:
        InvalidInput: The search has too many words.
    """
    conditions: list[sa.ColumnElement[bool]] = [
        calls.c[name] == encode_text(value)
        for name in _EQUAL
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.state is not None:
        is_cut_off = sa.and_(calls.c.state == "running", calls.c.owner.in_(cut_off))
        if wanted.state == "running":
            conditions += [calls.c.state == "running", calls.c.owner.not_in(cut_off)]
        elif wanted.state == "interrupted":
            conditions.append((calls.c.state == "interrupted") | is_cut_off)
        else:
            conditions.append(calls.c.state == wanted.state)
    if wanted.since is not None:
        conditions.append(calls.c.started_at >= _encode_instant(wanted.since))
    if wanted.until is not None:
        conditions.append(calls.c.started_at < _encode_instant(wanted.until))
    if wanted.search is not None and (words := search_words(wanted.search)):
        conditions.append(search_condition(words))
    return conditions


def _encode_instant(time: datetime) -> str:
    """Sorts before all times of the same instant, whatever their offset."""
    try:
        return encode_time(time.astimezone(UTC))
    except OverflowError:
        raise InvalidInput(f"The time {time.isoformat()} is out of range.") from None
