"""In which order the calls of a run take their share of its budgets: that of the document.

A call is admitted where it would be admitted if each call ended before the next one began. While
calls above it have not ended, that is certain only where the budgets bear the most that those may
still cost besides it; else it waits until they have. So a large budget makes nobody wait, and a
small one is spent as a serial run spends it.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self, TypeAlias

from msgspec import Struct

from llm_repl_core.engine.budget import (
    NOTHING,
    Amount,
    BudgetMeter,
    Reservation,
    Spending,
    reserve_all,
)
from llm_repl_core.engine.claims import CallingCell, Claim, ClaimTotal, CostBound, at_most
from llm_repl_core.errors import BudgetExceeded, CallNotSent
from llm_repl_core.ledger.record import CallPlace

__all__ = ["Admission", "Admitted"]

_Order: TypeAlias = tuple[int, int, int]
"""The cell's index in the run, the item and the step."""

_NOT_SENT = "It was not sent: a cell above it failed, and the run ends with that."


class Admission:
    """Lets the calls of one run in. Used in the engine's loop.

    Whoever waits here holds nothing that another call may need: neither a place at a provider, nor
    the kernel.

    Args:
        meters: The budgets of the run. Without any, every call is let in at once.
        expected: The cells of the run that may call, in order, with the most that each may ask
            for before more is known of it.
        stops_on_error: Whether nothing below a cell that fails is to be sent.
    """

    def __init__(
        self,
        meters: Sequence[BudgetMeter] = (),
        expected: Mapping[str, CostBound] | None = None,
        *,
        stops_on_error: bool = True,
    ) -> None:
        self.meters = tuple(meters)
        self._stops_on_error = stops_on_error
        self._indexes: dict[str, int] = {}
        self._open: dict[str, CallingCell] = {}
        """The cells that may still call, in order."""
        self._total = ClaimTotal()
        self._waiting: list[_Waiting] = []
        self._halted_below = sys.maxsize
        for cell_id, cost_bound in (expected or {}).items():
            self._expect(cell_id, cost_bound)
        for meter in self.meters:
            if meter.is_shared:
                meter.watch(self._advance_soon)

    def prepared(self, cell_id: str, items: Iterable[int | None]) -> None:
        """Note which conversations a cell has; each asks soon, or ends.

        Args:
            cell_id: Which cell.
            items: The indexes of its items; None alone: it is not over items.
        """
        cell = self._open.get(cell_id)
        if cell is None:
            return
        self._total.change(cell.claim, cost_bound=NOTHING)
        for item in items:
            cell.conversations[item] = claim = Claim(cell_id)
            self._total.add(claim, None)
        self._advance()

    async def admit(
        self,
        place: CallPlace,
        estimate: Spending,
        cost_bound: CostBound = NOTHING,
        *,
        on_wait: Callable[[int], None] = lambda _place: None,
    ) -> Admitted:
        """Wait until it is this call's turn, and set aside what it may cost.

        Args:
            place: Where it is made.
            estimate: The most that it is thought to cost.
            cost_bound: The most that its conversation may ask for afterwards.
            on_wait: Called with its place in the queue, from 1, where that is not decided at once.

        Raises:
            BudgetExceeded: It may cost more than is left.
            CallNotSent: A cell above it has failed, with which the run ends.
        """
        claim = self._claim(place)
        order = (self._indexes[place.cell_id], _item_order(place.item), place.step)
        if order[0] > self._halted_below and not claim.has_sent:
            raise CallNotSent(_NOT_SENT)
        # What is asked for now stands in the queue, before all that is below it.
        self._total.change(claim, cost_bound=NOTHING)
        turn: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Waiting(order, turn, claim, estimate, cost_bound))
        self._advance()
        if not turn.done():
            on_wait(sum(other.order <= order for other in self._waiting))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                turn.result().release()
            else:
                turn.cancel()
                self._advance()
            raise

    def admit_ahead(self, place: CallPlace, estimate: Spending) -> Admitted | None:
        """Set aside what a call may cost that is sent before the order has come to its prompt.

        Args:
            place: Where it will be asked.
            estimate: The most that it is thought to cost.

        Returns:
            None where the budgets may not bear it besides the most that all cells of the run may
            still ask for: it takes no other call's place.
        """
        amount = Amount.of(estimate)
        if self._total.unbounded or not self._bears(self._total.pending(), at_most(amount)):
            return None
        claim = Claim(place.cell_id)
        self._total.add(claim, NOTHING)
        reservation = reserve_all(self.meters, estimate)
        self._total.change(claim, reserved=amount)
        return Admitted(self, claim, reservation, amount, is_ahead=True)

    def passed(self, place: CallPlace, cost_bound: CostBound = NOTHING) -> None:
        """Note that a call was answered from the record, which costs nothing.

        Args:
            place: Where it was made.
            cost_bound: The most that its conversation may ask for afterwards.
        """
        self._total.change(self._claim(place), cost_bound=cost_bound)
        self._advance()

    def conversation_ended(self, cell_id: str, item: int | None, *, failed: bool) -> None:
        """Note that a conversation asks no more.

        Args:
            cell_id: Of which cell.
            item: Which one of its.
            failed: Whether the cell fails with it.
        """
        if failed:
            self._note_failure(cell_id)
        cell = self._open.get(cell_id)
        if cell is not None and item in cell.conversations:
            self._total.remove(cell.conversations.pop(item))
            self._advance()

    def cell_ended(self, cell_id: str, *, halts: bool) -> None:
        """Note that a cell asks no more.

        Args:
            cell_id: Which cell.
            halts: Whether nothing below it is to be sent.
        """
        if halts:
            self._halt(cell_id)
        cell = self._open.pop(cell_id, None)
        if cell is not None:
            for claim in (cell.claim, *cell.conversations.values()):
                self._total.remove(claim)
            self._advance()

    def call_ended(self, claim: Claim, estimate: Amount, *, failed: bool) -> None:
        """Take a call out of what is pending, and see who can go on."""
        if failed:
            self._note_failure(claim.cell_id)
        self._total.change(claim, reserved=claim.reserved - estimate)
        self._advance()

    # Inside ------------------------------------------------------------------------------------

    def _expect(self, cell_id: str, cost_bound: CostBound) -> None:
        self._indexes.setdefault(cell_id, len(self._indexes))
        self._open[cell_id] = cell = CallingCell(cell_id)
        self._total.add(cell.claim, cost_bound)

    def _claim(self, place: CallPlace) -> Claim:
        """What is known of the conversation that makes a call."""
        if place.cell_id not in self._open:  # of a plugin's making: nobody waits for it
            self._expect(place.cell_id, NOTHING)
        cell = self._open[place.cell_id]
        return cell.conversations.get(place.item, cell.claim)

    def _note_failure(self, cell_id: str) -> None:
        if self._stops_on_error:
            self._halt(cell_id)

    def _halt(self, cell_id: str) -> None:
        """Send nothing more of what stands below a cell and has sent nothing yet."""
        self._halted_below = min(self._halted_below, self._indexes.get(cell_id, sys.maxsize))
        for waiting in self._waiting:
            is_below = waiting.order[0] > self._halted_below
            if is_below and not waiting.claim.has_sent and not waiting.turn.done():
                waiting.turn.set_exception(CallNotSent(_NOT_SENT))

    def _advance(self) -> None:
        """Decide about those that wait, in order, as far as that can be decided now."""
        while self._waiting:
            first = self._waiting[0]
            if not first.turn.done():
                if not self._is_decided(first):
                    return  # those below would need no less
                self._decide(first)
            heapq.heappop(self._waiting)

    def _decide(self, first: _Waiting) -> None:
        claim, estimate = first.claim, Amount.of(first.estimate)
        try:
            reservation = reserve_all(self.meters, first.estimate)
        except BudgetExceeded as refusal:
            first.turn.set_exception(refusal)
            self._note_failure(claim.cell_id)
            return
        claim.has_sent = True
        self._total.change(claim, reserved=claim.reserved + estimate, cost_bound=first.cost_bound)
        first.turn.set_result(Admitted(self, claim, reservation, estimate))

    def _is_decided(self, first: _Waiting) -> bool:
        """Whether those that have not ended make no difference for a call any more."""
        estimate, total = Amount.of(first.estimate), self._total
        if not total.unbounded and self._bears(total.pending(), estimate):
            return True
        above = self._above(first.order)
        if above is None:
            return False
        pending, reserved_above = above
        # What is below may have more set aside than it takes; it never makes this call too dear.
        below = total.reserved - reserved_above
        if self._bears(pending + below, estimate):
            return True
        # Of those that have not ended, none can make room where none has anything set aside.
        return pending == below == NOTHING and not self._others_reserve()

    def _above(self, order: _Order) -> tuple[Amount, Amount] | None:
        """The most that those above may still cost, and what is set aside for them."""
        pending = reserved = NOTHING
        for cell_id, cell in self._open.items():
            index = self._indexes[cell_id]
            if index > order[0]:
                break
            claims = [cell.claim] if index < order[0] else []
            claims += [
                claim
                for item, claim in cell.conversations.items()
                if (index, _item_order(item)) < order[:2]
            ]
            for claim in claims:
                if claim.cost_bound is None:
                    return None
                pending += at_most(claim.reserved) + claim.cost_bound
                reserved += claim.reserved
        return pending, reserved

    def _bears(self, pending: Amount, estimate: Amount) -> bool:
        own = self._total.reserved
        return all(
            meter.bears(pending + meter.reserved_beside(own), estimate) for meter in self.meters
        )

    def _others_reserve(self) -> bool:
        """Whether another run has something set aside, of which it may give some back."""
        own = self._total.reserved
        return any(meter.reserved_beside(own) != NOTHING for meter in self.meters)

    def _advance_soon(self) -> None:
        # Not at once: who gives something back is about to note that here.
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._advance)


class Admitted:
    """What is set aside for one call. A context manager that gives back what was not settled."""

    __slots__ = ("_admission", "_claim", "_estimate", "_is_ahead", "_open", "_reservation")

    def __init__(
        self,
        admission: Admission,
        claim: Claim,
        reservation: Reservation,
        estimate: Amount,
        *,
        is_ahead: bool = False,
    ) -> None:
        self._admission = admission
        self._claim = claim
        self._reservation = reservation
        self._estimate = estimate
        self._is_ahead = is_ahead
        self._open = True

    def settle(self, actual: Spending, *, failed: bool = False) -> None:
        """Put what the call has cost in place of what was set aside, see `Reservation.settle`.

        Args:
            actual: What it cost.
            failed: Whether there is no answer.
        """
        self._reservation.settle(actual)
        self._close(failed=failed)

    def release(self, *, failed: bool = False) -> None:
        """Give back what was set aside: the call was not made."""
        self._reservation.release()
        self._close(failed=failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.release(failed=kind is not None)

    def _close(self, *, failed: bool) -> None:
        if self._open:
            self._open = False
            # That a call fails which was sent ahead is known when its place has come.
            failed = failed and not self._is_ahead
            self._admission.call_ended(self._claim, self._estimate, failed=failed)


class _Waiting(Struct, frozen=True, eq=False):
    """A call in the queue."""

    order: _Order
    turn: asyncio.Future[Admitted]
    claim: Claim
    estimate: Spending
    cost_bound: CostBound

    def __lt__(self, other: _Waiting) -> bool:
        return self.order < other.order


def _item_order(item: int | None) -> int:
    return -1 if item is None else item
