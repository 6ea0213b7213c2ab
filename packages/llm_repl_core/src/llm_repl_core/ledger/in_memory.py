"""A ledger that lasts as long as its process: what a script's session uses by default."""

from __future__ import annotations

from collections.abc import Sequence

from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.record import CallRecord

__all__ = ["MemoryLedger"]


class MemoryLedger(Ledger):
    """Keeps the records in memory, in the order in which their calls began."""

    def __init__(self) -> None:
        self._by_id: dict[str, CallRecord] = {}
        self._ids: dict[tuple[str, str], dict[str, None]] = {}

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """All of them, in the order of `begin`; each as it was kept last."""
        return tuple(self._by_id.values())

    async def begin(self, record: CallRecord) -> None:
        """Keep a call that is about to be sent."""
        self._by_id[record.id] = record
        self._ids.setdefault((record.notebook_id, record.identity), {})[record.id] = None

    async def end(self, record: CallRecord) -> None:
        """Keep how a call ended, in the place of what `begin` kept."""
        await self.begin(record)

    def how_to_go_on(self) -> str:
        """How to ask only for the items that have no answer."""
        return "Run the cell again in this session to ask for those only."

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        """The calls of a notebook that were sent with this identity and answered."""
        ids = self._ids.get((notebook_id, identity), ())
        return [record for record in map(self._by_id.__getitem__, ids) if _is_answered(record)]

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        """All calls of a notebook that were sent and answered, the latest last."""
        return [
            record
            for record in self._by_id.values()
            if record.notebook_id == notebook_id and _is_answered(record)
        ]


def _is_answered(record: CallRecord) -> bool:
    return record.state == "completed" and record.source == "live"
