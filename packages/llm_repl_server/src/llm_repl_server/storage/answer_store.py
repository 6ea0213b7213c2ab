"""Which calls in the database gave cells their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_core.ledger.base import AnswersOnRecord
from llm_repl_server.storage.columns import decode_text, decode_time, encode_text
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.schema import calls

__all__ = ["AnswerCall", "AnswerStore"]

_LIMIT = 20_000
"""How many answers of a notebook are looked at for their numbers; the latest."""

_IDS_AT_ONCE = 500  # databases bear so many parameters, and not many more


class AnswerCall(Struct, frozen=True, kw_only=True):
    """When a call was made whose answer is in use, and what it took.

    Attributes:
        id: The call.
        started_at: When it was sent.
        duration_s: How long it took; null: not known.
        price_usd: Its price, in US dollars; null: not known.
    """

    id: str
    started_at: datetime
    duration_s: float | None
    price_usd: float | None


_later = calls.alias()


def _finals(notebook_id: str) -> sa.ColumnElement[bool]:
    """The last answered call of each conversation: those before it asked for tools, or misfitted."""
    return sa.and_(
        calls.c.notebook_id == encode_text(notebook_id),
        # Joined to nothing, so that no index is used for it; see `call_store`.
        calls.c.state.concat("") == "completed",
        calls.c.source == "live",
        calls.c.tool_calls == "[]",
        ~sa.exists().where(
            _later.c.run_id == calls.c.run_id,
            _later.c.number > calls.c.number,
            _later.c.cell_id == calls.c.cell_id,
            _later.c.item.is_not_distinct_from(calls.c.item),
            _later.c.state.concat("") == "completed",
            _later.c.source == "live",
        ),
    )


class AnswerStore:
    """Reads which calls gave cells their answers.

    Args:
        connection: The database, which whoever opened it closes.
    """

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    def of_cell(
        self, notebook_id: str, cell_id: str, item: int | None, limit: int
    ) -> AnswersOnRecord:
        """See `Ledger.answers_of_cell`.

        Raises:
            StorageError: The database cannot be read.
        """
        wanted = sa.and_(
            _finals(notebook_id),
            calls.c.cell_id == encode_text(cell_id),
            calls.c.item.is_(None) if item is None else calls.c.item == item,
        )
        latest = sa.select(calls.c.id, calls.c.started_at).where(wanted)
        with self._connection.reading() as connection:
            rows = connection.execute(latest.order_by(calls.c.number.desc()).limit(limit)).all()
            total = len(rows)
            if total == limit:
                counted = sa.select(sa.func.count()).select_from(calls).where(wanted)
                total = connection.execute(counted).scalar_one()
        found = tuple((decode_text(call_id), decode_time(at)) for call_id, at in rows)
        return AnswersOnRecord(total=total, latest=found)

    def of_notebook(self, notebook_id: str) -> dict[str, AnswersOnRecord]:
        """The same for each cell that is not over items.

        Raises:
            StorageError: The database cannot be read.
        """
        query = (
            sa.select(calls.c.cell_id, calls.c.id, calls.c.started_at)
            .where(_finals(notebook_id), calls.c.item.is_(None))
            .order_by(calls.c.number.desc())
            .limit(_LIMIT)
        )
        by_cell: dict[str, list[tuple[str, datetime]]] = {}
        with self._connection.reading() as connection:
            for cell_id, call_id, at in connection.execute(query):
                found = decode_text(call_id), decode_time(at)
                by_cell.setdefault(decode_text(cell_id), []).append(found)
        return {
            cell_id: AnswersOnRecord(total=len(latest), latest=tuple(latest))
            for cell_id, latest in by_cell.items()
        }

    def calls(self, call_ids: Sequence[str]) -> list[AnswerCall]:
        """When calls were made and what they took; one that is not on record is left out.

        Raises:
            StorageError: The database cannot be read.
        """
        columns = calls.c.id, calls.c.started_at, calls.c.duration_s, calls.c.price_usd
        found = []
        with self._connection.reading() as connection:
            for start in range(0, len(call_ids), _IDS_AT_ONCE):
                ids = [encode_text(call_id) for call_id in call_ids[start : start + _IDS_AT_ONCE]]
                rows = connection.execute(sa.select(*columns).where(calls.c.id.in_(ids)))
                found += [
                    AnswerCall(
                        id=decode_text(row.id),
                        started_at=decode_time(row.started_at),
                        duration_s=row.duration_s,
                        price_usd=row.price_usd,
                    )
                    for row in rows
                ]
        return found
