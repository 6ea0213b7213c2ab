"""The calls in the server's database, for programs beside the server, and as the engine's ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Self

from llm_repl_core.ledger.base import AnswersOnRecord, Ledger, UnpricedCalls
from llm_repl_core.ledger.record import CallRecord
from llm_repl_server.storage.call_store import CallStore
from llm_repl_server.storage.connection import DatabaseConnection

__all__ = ["CallLog", "DatabaseLedger"]


class CallLog:
    """Writes and reads calls, and nothing else, while a server may have the database open.

    Any number of processes may do so at the same time. A database that is missing or of an older
    version is made or brought up to date. Also a context manager, which opens and closes.

    Args:
        url: SQLAlchemy's URL of the database: ``sqlite:////folder/name.db``.

    Attributes:
        calls: The calls.
    """

    def __init__(self, url: str) -> None:
        self._connection = DatabaseConnection(url, exclusive=False)
        self.calls = CallStore(self._connection)

    def open(self) -> None:
        """Bring the tables up to date and start the writer.

        Raises:
            StorageError: The place cannot be written, is no database, or comes from a newer version.
        """
        self._connection.open()

    def close(self) -> None:
        """Write what was submitted, then let the database go; may be called twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def ledger(self) -> Ledger:
        """For the engine: keeps its calls here."""
        return DatabaseLedger(self.calls)


class DatabaseLedger(Ledger):
    """Keeps the records of calls in a database that is open.

    Args:
        calls: Those of a `Store` or a `CallLog`, which whoever opened it closes.
    """

    def __init__(self, calls: CallStore) -> None:
        self._calls = calls

    async def begin(self, record: CallRecord) -> None:
        """See `Ledger.begin`; safe is on the disk."""
        await asyncio.wrap_future(self._calls.begin_call(record))

    async def end(self, record: CallRecord) -> None:
        """See `Ledger.end`; safe is on the disk."""
        await asyncio.wrap_future(self._calls.end_call(record))

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        """See `Ledger.answers`."""
        return await asyncio.to_thread(self._calls.answers, notebook_id, identity)

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        """See `Ledger.answered`."""
        return await asyncio.to_thread(self._calls.answered, notebook_id)

    async def latest(self, notebook_id: str, limit: int) -> Sequence[CallRecord]:
        """See `Ledger.latest`."""
        return await asyncio.to_thread(self._calls.answered, notebook_id, limit)

    async def outline(self, notebook_id: str) -> Sequence[CallRecord]:
        """See `Ledger.outline`."""
        return await asyncio.to_thread(self._calls.outline, notebook_id)

    async def latest_of_cells(
        self, notebook_id: str, cell_ids: Collection[str]
    ) -> dict[str, CallRecord]:
        """See `Ledger.latest_of_cells`."""
        return await asyncio.to_thread(self._calls.latest_of_cells, notebook_id, cell_ids)

    async def answers_of_cell(
        self, notebook_id: str, cell_id: str, item: int | None, limit: int
    ) -> AnswersOnRecord:
        """See `Ledger.answers_of_cell`."""
        answers = self._calls.cell_answers
        return await asyncio.to_thread(answers.of_cell, notebook_id, cell_id, item, limit)

    async def find(self, notebook_id: str, call_ids: Sequence[str]) -> Sequence[CallRecord]:
        """See `Ledger.find`."""
        return await asyncio.to_thread(self._calls.find, notebook_id, call_ids)

    def how_to_record(self) -> str:
        """See `Ledger.how_to_record`."""
        return 'Execute it with `{"mode": "reuse"}` to ask for the missing answers.'

    async def unpriced(self, notebook_id: str) -> Sequence[UnpricedCalls]:
        """See `Ledger.unpriced`."""
        return await asyncio.to_thread(self._calls.unpriced, notebook_id)

    async def spent(self, notebook_id: str) -> tuple[int, int, float]:
        """See `Ledger.spent`."""
        spending = await asyncio.to_thread(self._calls.spending, notebook_id)
        return spending.calls, spending.tokens, spending.price_usd
