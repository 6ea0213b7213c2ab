"""What calls took and cost, in sums: by cell, by model, by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_server.storage.columns import decode_text
from llm_repl_server.storage.schema import calls

__all__ = ["CallTotals", "GroupedTotals", "read_totals"]

_GROUPS_LIMIT = 200
"""How many cells and models are told of at most: those that cost most."""

_DAYS_LIMIT = 366
"""How many days are told of at most: the latest."""

_original = calls.alias("original")
_is_live = calls.c.source == "live"


def _sum(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(column), 0)


def _count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return _sum(sa.case((condition, 1), else_=0))


def _live(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.case((_is_live, column), else_=None)


_SUMS = (
    sa.func.count(),
    _count_if(sa.not_(_is_live)),
    _count_if(calls.c.state == "failed"),
    _count_if(sa.and_(_is_live, calls.c.price_usd.is_(None))),
    _sum(_live(calls.c.input_tokens)),
    _sum(_live(calls.c.output_tokens)),
    _sum(_live(calls.c.price_usd)),
    _sum(_live(calls.c.duration_s)),
    _sum(sa.case((_is_live, None), else_=_original.c.price_usd)),
)
_usd = _SUMS[6]


class CallTotals(Struct, frozen=True, kw_only=True):
    """The sums of some calls.

    Attributes:
        calls: How many there are.
        recorded: How many of them were answered from the record.
        failed: How many failed.
        unpriced: How many of those that were sent have no known price.
        input_tokens: Of those that were sent, where providers count.
        output_tokens: The same of the answers.
        usd: What those cost that were sent.
        duration_s: How long those took that were sent, one after the other.
        saved_usd: What those would have cost that were answered from the record.
    """

    calls: int = 0
    recorded: int = 0
    failed: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    duration_s: float = 0.0
    saved_usd: float = 0.0

    def plus(self, other: CallTotals) -> CallTotals:
        """The sums of both."""
        return CallTotals(
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in CallTotals.__struct_fields__
            }
        )


class GroupedTotals(Struct, frozen=True, kw_only=True):
    """The sums of all calls, and of those of a cell, a model and a day.

    Attributes:
        total: Of all.
        by_cell: By the cell's id; those that cost most come first.
        by_model: By provider and model; those that cost most come first.
        by_day: By day, in order.
    """

    total: CallTotals
    by_cell: Sequence[tuple[str, CallTotals]]
    by_model: Sequence[tuple[tuple[str, str], CallTotals]]
    by_day: Sequence[tuple[str, CallTotals]]


def read_totals(
    connection: sa.Connection,
    conditions: Sequence[sa.ColumnElement[bool]],
    utc_offset: timedelta,
) -> GroupedTotals:
    """Sum up the calls that meet some conditions, within the database.

    Args:
        connection: The database.
        conditions: On rows of calls.
        utc_offset: By how much the days of whoever asks begin before those of UTC.
    """
    source = calls.outerjoin(_original, _original.c.id == calls.c.original_id)

    def grouped(*columns: sa.ColumnElement[Any], limit: int | None) -> list[Sequence[Any]]:
        query = sa.select(*columns, *_SUMS).select_from(source).where(*conditions)
        if columns:
            query = query.group_by(*columns)
        if limit is not None:
            query = query.order_by(_usd.desc(), sa.func.count().desc(), *columns).limit(limit)
        return [tuple(row) for row in connection.execute(query)]

    # Times are kept in UTC; hours are few, and belong to one day of whoever asks.
    days: dict[str, CallTotals] = {}
    for hour, *sums in grouped(sa.func.substr(calls.c.started_at, 1, 13), limit=None):
        day = _day(hour, utc_offset)
        days[day] = days.get(day, CallTotals()).plus(_totals(sums))
    return GroupedTotals(
        total=_totals(grouped(limit=None)[0]),
        by_cell=[
            (decode_text(cell_id), _totals(sums))
            for cell_id, *sums in grouped(calls.c.cell_id, limit=_GROUPS_LIMIT)
        ],
        by_model=[
            ((decode_text(provider), decode_text(model)), _totals(sums))
            for provider, model, *sums in grouped(
                calls.c.provider, calls.c.model, limit=_GROUPS_LIMIT
            )
        ],
        by_day=sorted(days.items())[-_DAYS_LIMIT:],
    )


def _day(hour: str, utc_offset: timedelta) -> str:
    try:
        return (datetime.fromisoformat(f"{hour}:00:00") + utc_offset).date().isoformat()
    except (OverflowError, ValueError):  # the first or the last day that there is
        return hour[:10]


def _totals(sums: Sequence[Any]) -> CallTotals:
    counts = [int(number) for number in sums[:6]]
    usd, duration_s, saved_usd = (float(number) for number in sums[6:])
    count, recorded, failed, unpriced, input_tokens, output_tokens = counts
    return CallTotals(
        calls=count,
        recorded=recorded,
        failed=failed,
        unpriced=unpriced,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        usd=round(usd, 9),
        duration_s=round(duration_s, 6),
        saved_usd=round(saved_usd, 9),
    )
