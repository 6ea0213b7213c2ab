"""Calls to models in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_core.errors import InvalidInput
from llm_repl_core.ledger.base import UnpricedCalls
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.ledger.recorded_parts import media_bytes
from llm_repl_core.providers.base import Usage
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.storage.answer_store import AnswerStore
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.call_filter import CallFilter, conditions_of
from llm_repl_server.storage.call_rows import (
    CUT_OFF,
    OUTLINE_COLUMNS,
    call_from_row,
    media_of_rows,
    outline_from_row,
)
from llm_repl_server.storage.call_totals import GroupedTotals, read_totals
from llm_repl_server.storage.changes import BeginCall, EndCall, PutMedia
from llm_repl_server.storage.columns import decode_text, encode_json, encode_text
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.record_operations import CallInterruption
from llm_repl_server.storage.schema import calls, media

__all__ = ["CallStore", "NotebookSpending"]

_call = sa.select(calls).where(calls.c.id == bindparam("id"))
_number = sa.select(calls.c.number).where(calls.c.id == bindparam("id"))
_answered = (
    sa.select(calls)
    .where(
        calls.c.notebook_id == bindparam("notebook_id"),
        # Joined to nothing, so that no index is used for it: nearly all calls of all notebooks are
        # completed, and a planner without statistics does not know that.
        calls.c.state.concat("") == "completed",
        calls.c.source == "live",
    )
    .order_by(calls.c.number)
)
_outline = _answered.with_only_columns(*(calls.c[name] for name in OUTLINE_COLUMNS))
_answers = _answered.where(calls.c.identity == bindparam("identity"))
_is_superseded = sa.case((calls.c.state == "superseded", 1), else_=0)
_spending = sa.select(
    sa.func.count(),
    sa.func.coalesce(sa.func.sum(calls.c.input_tokens), 0)
    + sa.func.coalesce(sa.func.sum(calls.c.output_tokens), 0),
    sa.func.coalesce(sa.func.sum(calls.c.price_usd), 0.0),
    sa.func.count() - sa.func.count(calls.c.price_usd),
    sa.func.coalesce(sa.func.sum(_is_superseded), 0),
    sa.func.coalesce(sa.func.sum(_is_superseded * calls.c.price_usd), 0.0),
).where(calls.c.notebook_id == bindparam("notebook_id"), calls.c.source == "live")
# One that failed and of which nothing was counted did not reach the model, most often.
_unpriced = (
    sa.select(
        calls.c.provider,
        calls.c.model,
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(calls.c.input_tokens), 0),
        sa.func.coalesce(sa.func.sum(calls.c.output_tokens), 0),
    )
    .where(
        calls.c.notebook_id == bindparam("notebook_id"),
        calls.c.source == "live",
        calls.c.price_usd.is_(None),
        calls.c.state != "running",
        sa.or_(calls.c.state != "failed", calls.c.input_tokens.is_not(None)),
    )
    .group_by(calls.c.provider, calls.c.model)
    .order_by(calls.c.provider, calls.c.model)
)
_HASHES_AT_ONCE = 500  # databases bear so many parameters, and not many more
_running_owners = sa.select(calls.c.owner).where(calls.c.state == "running").distinct()


class NotebookSpending(NamedTuple):
    """What the live calls of a notebook have cost.

    Attributes:
        calls: How many were sent, whether or not they were answered.
        tokens: Of messages and answers, where providers count.
        price_usd: Where prices are known.
        unpriced: How many of the calls have no known price, or none yet.
        superseded: How many were sent ahead in vain.
        superseded_usd: What those cost, of the whole.
    """

    calls: int
    tokens: int
    price_usd: float
    unpriced: int
    superseded: int = 0
    superseded_usd: float = 0.0


class CallStore:
    """Writes and reads calls. A running call whose process has ended reads as interrupted.

    How a call has ended is paid for: where it cannot be written, because the disk is full or the
    database fails, it is kept in memory, read from there, and written when it can be.

    Args:
        connection: The database, which whoever opened it closes.

    Attributes:
        cell_answers: Which of the calls gave cells their answers.
    """

    def __init__(self, connection: DatabaseConnection) -> None:
        self.cell_answers = AnswerStore(connection)
        self._connection = connection
        self._unwritten: dict[str, CallRecord] = {}

    def begin_call(self, record: CallRecord) -> Future[None]:
        """Put a call on record, which this process makes.

        Returns:
            What resolves when the record is durable, with a `StorageError` where that failed or
            its id is taken.

        Raises:
            StorageError: The storage is not open, or a value is not JSON's.
        """
        return self._connection.submit([*_media_of(record), BeginCall(record)])

    def end_call(self, record: CallRecord) -> Future[None]:
        """Write how a call ended, over what `begin_call` wrote.

        Returns:
            What resolves when the record is durable, with a `StorageError` where that failed or
            the call has no recorded answer; it is a `NotYetWritten` where the record is kept.

        Raises:
            StorageError: The storage is not open, or a value is not JSON's.
        """
        future = self._connection.submit([*_media_of(record), EndCall(record)], keep=True)
        future.add_done_callback(lambda done: self._note_unwritten(record, done))
        return future

    @property
    def unwritten(self) -> int:
        """How many endings of calls wait until the database can be written."""
        return len(self._unwritten)

    def _note_unwritten(self, record: CallRecord, done: Future[None]) -> None:
        error = done.exception()
        if isinstance(error, NotYetWritten):
            self._unwritten[record.id] = record
            error.written.add_done_callback(lambda _: self._unwritten.pop(record.id, None))

    def _unwritten_answers(self, notebook_id: str) -> list[CallRecord]:
        return [
            record
            for record in [*self._unwritten.values()]
            if (record.notebook_id, record.state, record.source)
            == (notebook_id, "completed", "live")
        ]

    def load_call(self, call_id: str) -> CallRecord | None:
        """A call as it was last written, or None where there is none of that id.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            life = _Life(self._connection.backend)
            found = _records(connection, connection.execute(_call, {"id": encode_text(call_id)}))
            return next((self._as_it_is(record, owner, life) for record, owner in found), None)

    def list_calls(self, wanted: CallFilter | None = None) -> list[CallRecord]:
        """Calls, the last that was put on record first.

        Calls that are recorded between one page and the next do not move what is on it.

        Args:
            wanted: Which; the latest where None.

        Raises:
            InvalidInput: The limit is below 1, the search has too many words, or there is no call
                of the id in ``before``.
            StorageError: The database cannot be read.
        """
        wanted = wanted or CallFilter()
        if wanted.limit < 1:
            raise InvalidInput(f"The limit of a list must be 1 or more, not {wanted.limit}.")
        life = _Life(self._connection.backend)
        query = sa.select(calls).order_by(calls.c.number.desc())
        with self._connection.reading() as connection:
            query = query.where(*self._conditions(connection, wanted, life))
            if wanted.before is not None:
                key = {"id": encode_text(wanted.before)}
                number = connection.execute(_number, key).scalar_one_or_none()
                if number is None:
                    raise InvalidInput(
                        f"There is no recorded call {wanted.before!r} to continue from."
                    )
                query = query.where(calls.c.number < number)
            found = _records(connection, connection.execute(query.limit(wanted.limit)))
            return [self._as_it_is(record, owner, life) for record, owner in found]

    def totals(self, wanted: CallFilter, utc_offset: timedelta = timedelta()) -> GroupedTotals:
        """The sums of all calls that a filter finds, whatever its limit, as far as they are written.

        Args:
            wanted: Which.
            utc_offset: By how much the days of whoever asks begin before those of UTC.

        Raises:
            InvalidInput: The search has too many words.
            StorageError: The database cannot be read.
        """
        life = _Life(self._connection.backend)
        with self._connection.reading() as connection:
            conditions = self._conditions(connection, wanted, life)
            return read_totals(connection, conditions, utc_offset)

    def last_of_cells(self, wanted: CallFilter, cell_ids: Collection[str]) -> dict[str, CallRecord]:
        """The last call of each of some cells, in whatever notebooks, that a filter finds.

        Args:
            wanted: Which, whatever its limit.
            cell_ids: The cells.

        Raises:
            InvalidInput: The search has too many words.
            StorageError: The database cannot be read.
        """
        life = _Life(self._connection.backend)
        is_of_cells = calls.c.cell_id.in_([encode_text(cell_id) for cell_id in cell_ids])
        with self._connection.reading() as connection:
            last = (
                sa.select(sa.func.max(calls.c.number))
                .where(*self._conditions(connection, wanted, life), is_of_cells)
                .group_by(calls.c.cell_id)
            )
            found = connection.execute(sa.select(calls).where(calls.c.number.in_(last)))
            return {record.place.cell_id: record for record, _ in _records(connection, found)}

    def _conditions(
        self, connection: sa.Connection, wanted: CallFilter, life: _Life
    ) -> list[sa.ColumnElement[bool]]:
        cut_off = []
        if wanted.state in ("running", "interrupted"):
            owners = connection.execute(_running_owners).scalars()
            cut_off = [owner for owner in owners if not life.is_alive(owner)]
        return conditions_of(wanted, cut_off, self._connection.backend.search_condition)

    def call_ids(self, prefix: str, *, limit: int = 10) -> list[str]:
        """The ids of calls that begin so, which is how people name a call.

        Raises:
            StorageError: The database cannot be read.
        """
        is_meant = calls.c.id.startswith(encode_text(prefix), autoescape=True)
        with self._connection.reading() as connection:
            found = connection.execute(sa.select(calls.c.id).where(is_meant).limit(limit))
            return [decode_text(call_id) for call_id in found.scalars()]

    def answers(self, notebook_id: str, identity: str) -> list[CallRecord]:
        """The live calls of a notebook with this identity that were answered, the latest last.

        Raises:
            StorageError: The database cannot be read.
        """
        key = {"notebook_id": encode_text(notebook_id), "identity": encode_text(identity)}
        unwritten = self._unwritten_answers(notebook_id)
        with self._connection.reading() as connection:
            found = _records(connection, connection.execute(_answers, key))
            written = [record for record, _owner in found]
        return _with_unwritten(
            written, [record for record in unwritten if record.identity == identity]
        )

    def answered(self, notebook_id: str, limit: int | None = None) -> list[CallRecord]:
        """The live calls of a notebook that were answered, the latest last.

        Args:
            notebook_id: Which notebook.
            limit: How many of the latest; None: all.

        Raises:
            StorageError: The database cannot be read.
        """
        key = {"notebook_id": encode_text(notebook_id)}
        unwritten = self._unwritten_answers(notebook_id)
        with self._connection.reading() as connection:
            query = _answered
            if limit is not None:
                query = query.order_by(None).order_by(calls.c.number.desc()).limit(limit)
            found = _records(connection, connection.execute(query, key))
            written = [record for record, _owner in found]
        if limit is None:
            return _with_unwritten(written, unwritten)
        return _with_unwritten(written[::-1], unwritten)[-limit:]

    def outline(self, notebook_id: str) -> list[CallRecord]:
        """The calls of `answered` without what was said, which is quick for thousands.

        Raises:
            StorageError: The database cannot be read.
        """
        unwritten = self._unwritten_answers(notebook_id)
        with self._connection.reading() as connection:
            rows = connection.execute(_outline, {"notebook_id": encode_text(notebook_id)})
            written = [outline_from_row(row._asdict()) for row in rows]
        return _with_unwritten(written, unwritten)

    def latest_of_cells(self, notebook_id: str, cell_ids: Collection[str]) -> dict[str, CallRecord]:
        """The first request of each cell's latest conversation that was answered, by cell.

        Raises:
            StorageError: The database cannot be read.
        """
        latest = {
            record.place.cell_id: record.id
            for record in self.outline(notebook_id)
            if record.place.step == 0 and record.place.cell_id in cell_ids
        }
        found: dict[str, CallRecord] = {}
        ids = [encode_text(call_id) for call_id in latest.values()]
        with self._connection.reading() as connection:
            for start in range(0, len(ids), _HASHES_AT_ONCE):
                query = sa.select(calls).where(calls.c.id.in_(ids[start : start + _HASHES_AT_ONCE]))
                for record, _owner in _records(connection, connection.execute(query)):
                    found[record.place.cell_id] = self._unwritten.get(record.id, record)
        return found

    def find(self, notebook_id: str, call_ids: Sequence[str]) -> list[CallRecord]:
        """Those of some calls that are a notebook's live ones and were answered.

        Raises:
            StorageError: The database cannot be read.
        """
        ids = [encode_text(call_id) for call_id in call_ids[:_HASHES_AT_ONCE]]
        key = {"notebook_id": encode_text(notebook_id)}
        with self._connection.reading() as connection:
            result = connection.execute(_answered.where(calls.c.id.in_(ids)), key)
            return [record for record, _owner in _records(connection, result)]

    def spending(self, notebook_id: str) -> NotebookSpending:
        """What the live calls of a notebook have cost up to now.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            key = {"notebook_id": encode_text(notebook_id)}
            found = connection.execute(_spending, key).one()
        count, tokens, price, unpriced, superseded, superseded_usd = found
        for record in [*self._unwritten.values()]:
            if record.notebook_id == notebook_id and record.source == "live":
                usage = record.usage or Usage()
                tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)
                price += record.price_usd or 0.0
                unpriced -= record.price_usd is not None
                if record.state == "superseded":
                    superseded += 1
                    superseded_usd += record.price_usd or 0.0
        return NotebookSpending(
            count, int(tokens), float(price), unpriced, int(superseded), float(superseded_usd)
        )

    def unpriced(self, notebook_id: str) -> list[UnpricedCalls]:
        """The live calls of a notebook that have ended and have no price, by model.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            found = connection.execute(_unpriced, {"notebook_id": encode_text(notebook_id)}).all()
        return [
            UnpricedCalls(
                provider=decode_text(provider),
                model=decode_text(model),
                calls=count,
                input_tokens=int(input_tokens),
                output_tokens=int(output_tokens),
            )
            for provider, model, count, input_tokens, output_tokens in found
        ]

    def _as_it_is(self, record: CallRecord, owner: str, life: _Life) -> CallRecord:
        record = self._unwritten.get(record.id, record)
        if record.state == "running" and not life.is_alive(owner):
            return msgspec.structs.replace(record, state="interrupted", error=CUT_OFF)
        return record

    def interrupt_cut_off(self) -> None:
        """Say of the running calls of processes that have ended that they were cut off.

        Raises:
            StorageError: The database cannot be used.
        """
        owners = self._owners_who_ended()
        if owners:
            interruption = CallInterruption(owners, encode_json(CUT_OFF))
            self._connection.submit_operations([interruption]).result()
        self._connection.backend.forget_dead_owners()

    def _owners_who_ended(self) -> list[str]:
        life = _Life(self._connection.backend)
        with self._connection.reading() as connection:
            owners = connection.execute(_running_owners).scalars()
            return [owner for owner in owners if not life.is_alive(owner)]


class _Life:
    """Whether processes are alive, each asked for once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, bool] = {}

    def is_alive(self, owner: str) -> bool:
        if owner not in self._known:
            self._known[owner] = self._backend.is_alive(owner)
        return self._known[owner]


def _media_of(record: CallRecord) -> list[PutMedia]:
    return [PutMedia(sha256, data) for sha256, data in media_bytes(record.parts).items()]


def _records(
    connection: sa.Connection, result: sa.CursorResult[Any]
) -> list[tuple[CallRecord, str]]:
    """The calls of rows, each with the process that makes it."""
    rows = [row._asdict() for row in result]
    hashes = sorted(media_of_rows(rows))
    made: dict[str, bytes] = {}
    for start in range(0, len(hashes), _HASHES_AT_ONCE):
        wanted = media.c.sha256.in_(hashes[start : start + _HASHES_AT_ONCE])
        made |= {
            sha256: bytes(data)
            for sha256, data in connection.execute(sa.select(media).where(wanted))
        }
    return [(call_from_row(row, made), row["owner"]) for row in rows]


def _with_unwritten(
    written: Sequence[CallRecord], unwritten: Sequence[CallRecord]
) -> list[CallRecord]:
    """Each call once: one may have been written while the others were read."""
    ids = {record.id for record in written}
    return [*written, *(record for record in unwritten if record.id not in ids)]
