"""The engine's ledger is the database: what has been awaited is on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from llm_repl_core.errors import StorageError
from llm_repl_core.ledger.record import CallRecord
from llm_repl_server.storage.call_log import CallLog, DatabaseLedger
from llm_repl_server.storage.store import Store

MakeCall = Callable[..., CallRecord]


@pytest.mark.parametrize("kind", [Store, CallLog])
def test_calls_are_recorded_and_answered_from(
    kind: type[Store | CallLog], database_url: str, make_call: MakeCall
) -> None:
    calls = [make_call() for _ in range(200)]

    async def record(call: CallRecord, ledger: DatabaseLedger) -> CallRecord:
        await ledger.begin(call)
        ended = replace(call, state="completed", text="Hello.")
        await ledger.end(ended)
        return ended

    async def work(ledger: DatabaseLedger) -> None:
        ended = await asyncio.gather(*(record(call, ledger) for call in calls))
        assert await ledger.answers("n", calls[0].identity) == ended
        assert await ledger.answered("n") == ended
        assert await ledger.answered("other") == []
        with pytest.raises(StorageError, match="on record already"):
            await ledger.begin(calls[0])
        with pytest.raises(StorageError, match="no call"):
            await ledger.end(make_call())

    with kind(database_url) as access:
        asyncio.run(work(DatabaseLedger(access.calls)))
    with CallLog(database_url) as log:
        assert len(asyncio.run(_answered(log))) == 200


async def _answered(log: CallLog) -> list[CallRecord]:
    return list(await log.ledger.answered("n"))


def test_who_stops_waiting_leaves_the_record(store: Store, make_call: MakeCall) -> None:
    call = make_call()

    async def give_up() -> None:
        task = asyncio.ensure_future(DatabaseLedger(store.calls).begin(call))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    store.submit().result(10)
    assert store.calls.load_call(call.id) == call
