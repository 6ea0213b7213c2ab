"""The engine's ledger, kept in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llm_repl_core.ledger.base import Ledger, UnpricedCalls
from llm_repl_core.ledger.record import CallRecord
from llm_repl_server.storage.call_access import CallAccess

__all__ = ["DatabaseLedger"]


class DatabaseLedger(Ledger):
    """Keeps the records of calls in a database that is open.

    Args:
        access: The database: a `Store` or a `CallLog`. Whoever opened it closes it.
    """

    def __init__(self, access: CallAccess) -> None:
        self._access = access

    async def begin(self, record: CallRecord) -> None:
        """See `Ledger.begin`; safe is on the disk."""
        await asyncio.wrap_future(self._access.begin_call(record))

    async def end(self, record: CallRecord) -> None:
        """See `Ledger.end`; safe is on the disk."""
        await asyncio.wrap_future(self._access.end_call(record))

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        """See `Ledger.answers`."""
        return await asyncio.to_thread(self._access.answers, notebook_id, identity)

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        """See `Ledger.answered`."""
        return await asyncio.to_thread(self._access.answered, notebook_id)

    def how_to_record(self) -> str:
        """See `Ledger.how_to_record`."""
        return 'Execute it with `{"mode": "reuse"}` to ask for what is not on record.'

    async def latest(self, notebook_id: str, limit: int) -> Sequence[CallRecord]:
        """See `Ledger.latest`."""
        return await asyncio.to_thread(self._access.answered, notebook_id, limit)

    async def unpriced(self, notebook_id: str) -> Sequence[UnpricedCalls]:
        """See `Ledger.unpriced`."""
        return await asyncio.to_thread(self._access.unpriced, notebook_id)

    async def spent(self, notebook_id: str) -> tuple[int, int, float]:
        """See `Ledger.spent`."""
        spending = await asyncio.to_thread(self._access.spending, notebook_id)
        return spending.calls, spending.tokens, spending.price_usd
