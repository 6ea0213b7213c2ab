"""How calls ended, on its way to the record while the answers go on."""

from __future__ import annotations

import asyncio
import logging

from llm_repl_core.engine.open_call import OpenCall
from llm_repl_core.errors import StorageError
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.record import CallRecord

__all__ = ["CallEnds"]

_log = logging.getLogger(__name__)


class CallEnds:
    """Keeps the ends of calls. Used in the engine's loop.

    Nobody waits for the disk here, or every prompt of a chain would; the run waits for all of its
    ends.

    Args:
        ledger: Where they are recorded.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._recording: set[asyncio.Task[None]] = set()

    def keep(self, call: OpenCall) -> None:
        """Record how a call ended, as it is now."""
        # Made here and now: how long the call took does not include the wait for the disk.
        recording = asyncio.ensure_future(self._record(call.ended_record()))
        self._recording.add(recording)
        recording.add_done_callback(self._recording.discard)

    async def settled(self) -> None:
        """Wait until all of them are on record."""
        while self._recording:
            await asyncio.wait(self._recording)

    async def _record(self, record: CallRecord) -> None:
        try:
            await self._ledger.end(record)
        # The answer is paid for: it is not thrown away because its record is incomplete.
        except StorageError as error:
            _log.warning("the end of call %s could not be recorded: %s", record.id, error)
        except Exception:  # noqa: BLE001  # a ledger may be anybody's code
            _log.exception("the end of call %s could not be recorded", record.id)
