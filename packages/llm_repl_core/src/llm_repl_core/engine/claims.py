"""What the conversations of a run may still take of its budgets."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import UNSET, UnsetType

from llm_repl_core.engine.budget import NOTHING, Amount

__all__ = ["MARGIN", "CallingCell", "Claim", "ClaimTotal", "CostBound", "at_most"]

MARGIN = 4
"""How many times its estimate a call above is thought to take at most: tokens are estimated
roughly, and an answer without a limit may be longer than is assumed."""

CostBound: TypeAlias = Amount | None
"""The most that may still be asked for; None: there is no telling."""


class Claim:
    """What a conversation, or a cell of which no more is known, may take of the budgets."""

    __slots__ = ("cell_id", "cost_bound", "has_sent", "is_counted", "reserved")

    def __init__(self, cell_id: str) -> None:
        self.cell_id = cell_id
        self.cost_bound: CostBound = NOTHING
        self.reserved = NOTHING
        self.has_sent = False
        self.is_counted = False


class CallingCell:
    """A cell that may call: as a whole, until its conversations are known."""

    __slots__ = ("claim", "conversations")

    def __init__(self, cell_id: str) -> None:
        self.claim = Claim(cell_id)
        self.conversations: dict[int | None, Claim] = {}


class ClaimTotal:
    """All claims of a run together, so that a large budget is seen to be one at once."""

    def __init__(self) -> None:
        self.reserved = NOTHING
        self.unbounded = 0
        """Of how many claims there is no telling what they come to."""
        self._cost_bound = NOTHING

    def pending(self) -> Amount:
        """The most that all of them may still take."""
        return at_most(self.reserved) + self._cost_bound

    def add(self, claim: Claim, cost_bound: CostBound) -> None:
        """Count a claim, and what it may ask for at most."""
        claim.cost_bound = cost_bound
        claim.is_counted = True
        self._count(claim)

    def remove(self, claim: Claim) -> None:
        """Count a claim no more; one that is not counted changes nothing."""
        if claim.is_counted:
            claim.is_counted = False
            self.reserved -= claim.reserved
            if claim.cost_bound is None:
                self.unbounded -= 1
            else:
                self._cost_bound -= claim.cost_bound

    def change(
        self,
        claim: Claim,
        *,
        reserved: Amount | None = None,
        cost_bound: CostBound | UnsetType = UNSET,
    ) -> None:
        """Change what is set aside for a claim, or what it may still ask for."""
        was_counted = claim.is_counted
        self.remove(claim)
        if reserved is not None:
            claim.reserved = reserved
        if not isinstance(cost_bound, UnsetType):
            claim.cost_bound = cost_bound
        if was_counted:
            claim.is_counted = True
            self._count(claim)

    def _count(self, claim: Claim) -> None:
        self.reserved += claim.reserved
        if claim.cost_bound is None:
            self.unbounded += 1
        else:
            self._cost_bound += claim.cost_bound


def at_most(reserved: Amount) -> Amount:
    """What calls take at most for which an estimate is set aside."""
    return Amount(reserved.calls, reserved.tokens * MARGIN, reserved.nano_usd * MARGIN)
