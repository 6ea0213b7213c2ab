"""The record of calls to models: searched, shown, handed out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec.structs import replace

from llm_repl_core import NotFound
from llm_repl_core.ledger.record import CallRecord
from llm_repl_server.services.call_answers import (
    CallAnswer,
    CallList,
    CallTotalsAnswer,
    SpendingAnswer,
    call_answer,
    call_summary,
    totals_answer,
)
from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.storage.call_filter import CallFilter
from llm_repl_server.storage.store import Store

__all__ = ["CallService"]

_PAGE = 100


class CallService:
    """What clients do with the record of calls.

    Args:
        open_notebooks: The notebooks in memory.
        store: Where calls are kept.
    """

    def __init__(self, open_notebooks: OpenNotebooks, store: Store) -> None:
        self._open_notebooks = open_notebooks
        self._store = store

    async def list(self, wanted: CallFilter) -> CallList:
        """A page of calls, the most recently started first.

        Raises:
            InvalidInput: The filter cannot be used.
        """
        one_more = replace(wanted, limit=wanted.limit + 1)
        found = await asyncio.to_thread(self._store.calls.list_calls, one_more)
        page = found[: wanted.limit]
        return CallList(
            calls=[call_summary(record) for record in page],
            next=page[-1].id if len(found) > len(page) else None,
        )

    async def totals(self, wanted: CallFilter, utc_offset: timedelta) -> CallTotalsAnswer:
        """What calls took and cost in all, by cell, by model and by day.

        Args:
            wanted: Which calls.
            utc_offset: By how much the days of whoever asks begin before those of UTC.

        Raises:
            InvalidInput: The filter cannot be used.
        """
        return totals_answer(await asyncio.to_thread(self._store.calls.totals, wanted, utc_offset))

    async def show(self, call_id: str) -> CallAnswer:
        """All of a call.

        Raises:
            NotFound: There is none of that id.
        """
        record = await asyncio.to_thread(self._store.calls.load_call, call_id)
        if record is None:
            raise NotFound(f"There is no recorded call `{call_id}`.")
        return call_answer(record)

    def export(self, wanted: CallFilter) -> Iterator[bytes]:
        """All calls as lines of JSON, the last that started first; from any thread.

        The first page is read at once, so that what cannot be used is said before the first line.

        Raises:
            InvalidInput: The filter cannot be used.
        """
        wanted = replace(wanted, limit=_PAGE)
        return self._lines(wanted, self._store.calls.list_calls(wanted))

    async def spending(self, notebook_id: str) -> SpendingAnswer:
        """What the calls of a notebook have cost.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        spent = await asyncio.to_thread(self._store.calls.spending, notebook_id)
        budget = opened.notebook.own_metadata.get("budget")
        return SpendingAnswer(
            calls=spent.calls,
            tokens=spent.tokens,
            usd=spent.price_usd,
            unpriced_calls=spent.unpriced,
            superseded_calls=spent.superseded,
            superseded_usd=spent.superseded_usd,
            budget=budget if isinstance(budget, dict) else None,
        )

    def _lines(self, wanted: CallFilter, page: Sequence[CallRecord]) -> Iterator[bytes]:
        while page:
            for record in page:
                yield json_bytes(call_answer(record)) + b"\n"
            if len(page) < wanted.limit:
                return
            page = self._store.calls.list_calls(replace(wanted, before=page[-1].id))
