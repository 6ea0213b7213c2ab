"""The ledger of a script's session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.ledger.record import CallRecord


def test_records_are_in_the_order_in_which_they_began(
    make_record: Callable[..., CallRecord],
) -> None:
    async def scenario() -> None:
        ledger = MemoryLedger()
        first, second = (make_record(name, state="running", answer="") for name in "12")
        await ledger.begin(first)
        await ledger.begin(second)
        ended = msgspec.structs.replace(second, state="completed", text="hello")
        await ledger.end(ended)
        assert ledger.records == (first, ended)
        failed = msgspec.structs.replace(first, state="failed")
        await ledger.end(failed)
        assert ledger.records == (failed, ended)

    asyncio.run(scenario())


def test_answers_are_what_was_sent_and_answered(make_record: Callable[..., CallRecord]) -> None:
    async def scenario() -> None:
        ledger = MemoryLedger()
        good = [make_record("1"), make_record("2")]
        other = make_record("3", "Something else.")
        for record in (
            good[0],
            make_record("failed", state="failed"),
            make_record("stopped", state="interrupted"),
            make_record("running", state="running"),
            make_record("reused", source="reuse", original_id="1"),
            make_record("replayed", source="replay", original_id="1"),
            make_record("foreign", notebook_id="other"),
            other,
            good[1],
        ):
            await ledger.begin(record)
        assert await ledger.answers("nb", good[0].identity) == good
        assert await ledger.answered("nb") == [good[0], other, good[1]]
        assert await ledger.answers("nb", "no such hash") == []
        assert await ledger.answered("no such notebook") == []

    asyncio.run(scenario())
