"""The outline of a notebook's record, to be asked many times without reading it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from llm_repl_core.errors import StorageError
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.record import CallRecord

__all__ = ["OutlinedLedger"]


class OutlinedLedger(Ledger):
    """What `Ledger.outline` gave, as a ledger that keeps nothing more.

    Args:
        records: The answered calls of one notebook, the latest last.
    """

    def __init__(self, records: Sequence[CallRecord]) -> None:
        self.records = records
        self._by_identity: defaultdict[str, list[CallRecord]] = defaultdict(list)
        self._by_cell: defaultdict[str, list[CallRecord]] = defaultdict(list)
        self._by_model: defaultdict[tuple[str, str], list[CallRecord]] = defaultdict(list)
        for record in records:
            self._by_identity[record.identity].append(record)
            self._by_cell[record.place.cell_id].append(record)
            self._by_model[record.provider, record.model].append(record)

    def has_cell(self, cell_id: str) -> bool:
        """Whether a cell has an answer on record.

        Args:
            cell_id: Which cell.
        """
        return cell_id in self._by_cell

    def alike(self, cell_id: str, provider: str, model: str, limit: int) -> list[CallRecord]:
        """The latest calls of a cell to a model; where there are none, those of any cell to it.

        Args:
            cell_id: Which cell.
            provider: Who answered.
            model: Which model of its.
            limit: How many at most.
        """
        own = [
            record
            for record in self._by_cell.get(cell_id, ())[-limit:]
            if (record.provider, record.model) == (provider, model)
        ]
        return own or self._by_model.get((provider, model), [])[-limit:]

    async def begin(self, record: CallRecord) -> None:
        """Refuse it: nobody asks a model here."""
        raise StorageError(f"The outline of a record keeps no call: {record.id}.")

    async def end(self, record: CallRecord) -> None:
        """Refuse it, as `begin` does."""
        await self.begin(record)

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:  # noqa: ARG002
        """Those of this identity."""
        return self._by_identity.get(identity, ())

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:  # noqa: ARG002
        """All of them."""
        return self.records
