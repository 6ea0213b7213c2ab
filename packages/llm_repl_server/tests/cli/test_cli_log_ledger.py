"""The log of calls as a run uses it."""

from __future__ import annotations

import asyncio
import signal
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from llm_repl_core import MemoryLedger, StorageError
from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_server.cli.log_ledger import LogLedger
from llm_repl_server.errors import NotYetWritten

pytestmark = pytest.mark.one_python


class FullLog(MemoryLedger):
    """A log that keeps how calls ended in memory, and takes no new ones."""

    async def end(self, record: CallRecord) -> None:
        raise NotYetWritten("The disk is full.")

    async def begin(self, record: CallRecord) -> None:
        raise StorageError("The disk is full.")


def call(**fields: Any) -> CallRecord:
    return CallRecord(
        id="c", notebook_id="n", run_id="r", place=CallPlace(cell_id="p"), identity="i",
        provider="mock", model="m", request={}, body={}, started_at=datetime.now(UTC), **fields,
    )  # fmt: skip


def test_a_log_that_keeps_an_answer_is_not_done_without(capsys: pytest.CaptureFixture[str]) -> None:
    log, full = LogLedger(), FullLog()
    log._ledger = full
    asyncio.run(log.end(call(state="completed")))
    assert log._ledger is full
    assert capsys.readouterr().err == ""
    asyncio.run(log.begin(call()))
    assert log._ledger is not full
    assert "the calls of this run are not written to the call log: The disk is full." in (
        capsys.readouterr().err
    )


def test_ctrl_c_as_the_log_begins_to_open_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait = threading.Event.wait

    def press_ctrl_c_and_wait(event: threading.Event, timeout: float | None = None) -> bool:
        monkeypatch.setattr(threading.Event, "wait", wait)
        lock = vars(event)["_cond"]
        # Where it is raised at once, the lock that the new thread needs to begin is never let go.
        lock.acquire()
        signal.raise_signal(signal.SIGINT)
        lock.release()
        return wait(event, timeout)

    async def answered(log: LogLedger) -> Sequence[CallRecord]:
        return await asyncio.wait_for(log.answered(str(uuid.uuid4())), 30)

    with LogLedger() as log:
        monkeypatch.setattr(threading.Event, "wait", press_ctrl_c_and_wait)
        with pytest.raises(KeyboardInterrupt):
            log.prepare()
        assert list(asyncio.run(answered(log))) == []
