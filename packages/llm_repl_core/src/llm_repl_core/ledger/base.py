"""The interface of every ledger: where the records of calls are kept."""

from __future__ import annotations

import abc
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from llm_repl_core.ledger.record import CallRecord

__all__ = ["AnswersOnRecord", "Ledger", "UnpricedCalls"]


class UnpricedCalls(Struct, frozen=True, kw_only=True):
    """Calls to one model that have ended, and for which no price was known then.

    Attributes:
        provider: The provider's name.
        model: The model that was asked for.
        calls: How many.
        input_tokens: Of their messages, where the provider counted.
        output_tokens: Of their answers, where the provider counted.
    """

    provider: str
    model: str
    calls: int
    input_tokens: int = 0
    output_tokens: int = 0


class AnswersOnRecord(Struct, frozen=True, kw_only=True):
    """Which calls answered a cell: the last of each conversation, as those before asked for tools.

    Attributes:
        total: How many.
        latest: The ids of the latest of them and when they were sent, the latest first.
    """

    total: int
    latest: tuple[tuple[str, datetime], ...]


class Ledger(abc.ABC):
    """Keeps the records of calls. Used in the engine's loop.

    A record is written twice: before its call is sent, and when the call has ended. A record
    whose end was never written was cut off: its call may or may not have been answered.
    """

    @abc.abstractmethod
    async def begin(self, record: CallRecord) -> None:
        """Keep a call that is about to be sent; returns when the record is safe.

        Raises:
            StorageError: It cannot be kept; the call is not sent then.
        """

    @abc.abstractmethod
    async def end(self, record: CallRecord) -> None:
        """Keep how a call ended, in the place of what `begin` kept; returns when that is safe.

        Raises:
            StorageError: It cannot be kept.
        """

    @abc.abstractmethod
    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        """The calls of a notebook that were sent with this identity and answered.

        Only those that ``state`` says are completed and whose ``source`` is ``live``, so that an
        answer which was itself taken from a record is not counted twice; the latest last.

        Raises:
            StorageError: The records cannot be read.
        """

    @abc.abstractmethod
    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        """All calls of a notebook that were sent and answered, the latest last.

        Raises:
            StorageError: The records cannot be read.
        """

    async def latest(self, notebook_id: str, limit: int) -> Sequence[CallRecord]:
        """The last of the calls in `answered`, the latest last.

        Args:
            notebook_id: Which notebook.
            limit: How many at most.

        Raises:
            StorageError: The records cannot be read.
        """
        return (await self.answered(notebook_id))[-limit:]

    async def outline(self, notebook_id: str) -> Sequence[CallRecord]:
        """The calls in `answered`, without what was said: for counting, and for finding identities.

        Their ``request``, ``body`` and texts may be empty.

        Raises:
            StorageError: The records cannot be read.
        """
        return await self.answered(notebook_id)

    async def latest_of_cells(
        self, notebook_id: str, cell_ids: Collection[str]
    ) -> dict[str, CallRecord]:
        """The first request of each cell's latest conversation, among the calls in `answered`.

        Args:
            notebook_id: Which notebook.
            cell_ids: Which cells.

        Returns:
            By cell; those without any are left out.

        Raises:
            StorageError: The records cannot be read.
        """
        return {
            call.place.cell_id: call
            for call in await self.answered(notebook_id)
            if call.place.cell_id in cell_ids and call.place.step == 0
        }

    async def answers_of_cell(
        self, notebook_id: str, cell_id: str, item: int | None, limit: int
    ) -> AnswersOnRecord:
        """The calls among `answered` that gave a cell an answer.

        Args:
            notebook_id: Which notebook.
            cell_id: Which cell.
            item: The index of the item; None: the prompt is not over items.
            limit: How many at most in ``latest``.

        Raises:
            StorageError: The records cannot be read.
        """
        last: dict[str, CallRecord] = {}
        for record in await self.answered(notebook_id):
            if (record.place.cell_id, record.place.item) == (cell_id, item):
                last.pop(record.run_id, None)  # so that the order is that of the last calls
                last[record.run_id] = record
        final = [record for record in last.values() if not record.tool_calls]
        latest = tuple((record.id, record.started_at) for record in reversed(final[-limit:]))
        return AnswersOnRecord(total=len(final), latest=latest)

    async def find(self, notebook_id: str, call_ids: Sequence[str]) -> Sequence[CallRecord]:
        """Those of the calls in `answered` that have one of these ids, in any order.

        Raises:
            StorageError: The records cannot be read.
        """
        wanted = frozenset(call_ids)
        return [record for record in await self.answered(notebook_id) if record.id in wanted]

    async def spent(self, notebook_id: str) -> tuple[int, int, float]:
        """What a notebook's calls have cost: how many, tokens, US dollars.

        Calls that were answered from a record cost nothing.

        Raises:
            StorageError: The records cannot be read.
        """
        calls = await self.answered(notebook_id)
        usages = [call.usage for call in calls if call.usage is not None]
        tokens = sum((usage.input_tokens or 0) + (usage.output_tokens or 0) for usage in usages)
        return len(calls), tokens, sum(call.price_usd or 0.0 for call in calls)

    async def unpriced(self, notebook_id: str) -> Sequence[UnpricedCalls]:
        """Those of a notebook's calls in `spent` that count as free, as no price was known, by model.

        Raises:
            StorageError: The records cannot be read.
        """
        by_model: defaultdict[tuple[str, str], list[CallRecord]] = defaultdict(list)
        for call in await self.answered(notebook_id):
            if call.price_usd is None:
                by_model[call.provider, call.model].append(call)
        return [
            UnpricedCalls(
                provider=provider,
                model=model,
                calls=len(calls),
                input_tokens=sum(call.usage.input_tokens or 0 for call in calls if call.usage),
                output_tokens=sum(call.usage.output_tokens or 0 for call in calls if call.usage),
            )
            for (provider, model), calls in by_model.items()
        ]

    def how_to_record(self) -> str:
        """What to do about a call that has no recorded answer; a sentence."""
        return 'Run it with `mode="reuse"` to ask for the missing answers.'

    def how_to_go_on(self) -> str:
        """How to ask only for the items that have no answer; a sentence."""
        return "Run the cell again to ask for those only."

    def why_empty(self) -> str:
        """What to tell people where nothing is recorded; a clause without a full stop."""
        return "nothing is recorded for this notebook yet"
