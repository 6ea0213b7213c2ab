"""Limits to what calls may cost: reserved before a call, settled after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Self, TypeAlias
from weakref import WeakMethod

from msgspec import Meta, Struct
from msgspec.structs import astuple

from llm_repl_core.errors import BudgetExceeded

__all__ = ["NOTHING", "Amount", "Budget", "BudgetMeter", "Reservation", "Spending", "reserve_all"]

_NANO = 1_000_000_000

_Limits: TypeAlias = tuple[int | None, ...]
"""Of calls, of tokens and of nano-dollars: in the order of the fields of `Budget`."""


class Budget(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What calls may cost at most; None: as much as they like.

    Attributes:
        calls: How many there may be.
        tokens: Of messages and answers together.
        usd: The cost in US dollars.
    """

    calls: Annotated[int, Meta(ge=0)] | None = None
    tokens: Annotated[int, Meta(ge=0)] | None = None
    usd: Annotated[float, Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is not None and not 0 <= limit < math.inf:
                raise ValueError(f"a budget's `{name}` is a number from 0, or null for no limit")


class Spending(Struct, frozen=True):
    """What calls have cost, or may cost.

    Attributes:
        calls: How many.
        tokens: Of messages and answers together.
        usd: The cost in US dollars.
    """

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Spending) -> Spending:
        return (Amount.of(self) + Amount.of(other)).spending()


_NOTHING = Spending()


class BudgetMeter:
    """Keeps count of what is spent and of what is reserved, and holds both within a budget.

    Used in the engine's loop, and without a lock: nothing here waits. Money is counted in whole nano-dollars, so that no sum drifts.

    Args:
        budget: The limits.
        spent: What had been spent before.
        owner: Whose budget it is, for messages: ``run`` or ``notebook``.
        is_shared: Whether runs that go on at the same time spend it together.

    Attributes:
        is_shared: The same.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        spent: Spending = _NOTHING,
        owner: str = "run",
        is_shared: bool = False,
    ) -> None:
        self.is_shared = is_shared
        self._watchers: list[WeakMethod[Callable[[], None]]] = []
        """Held weakly, as a notebook's meter outlives its runs."""
        self._budget = budget
        self._owner = owner
        self._limits = _limits(budget)
        self._spent = Amount.of(spent)
        self._reserved = NOTHING

    @property
    def budget(self) -> Budget:
        """The limits."""
        return self._budget

    @property
    def spent(self) -> Spending:
        """What settled calls have cost, and what had been spent before."""
        return self._spent.spending()

    @property
    def reserved(self) -> Spending:
        """What calls under way may cost."""
        return self._reserved.spending()

    @property
    def left(self) -> Budget:
        """What may still be reserved; None where there is no limit."""
        taken = self._spent + self._reserved
        calls, tokens, nano_usd = (
            None if limit is None else max(0, limit - amount)
            for limit, amount in zip(self._limits, astuple(taken), strict=True)
        )
        return Budget(
            calls=calls, tokens=tokens, usd=None if nano_usd is None else nano_usd / _NANO
        )

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have a method called whenever a reservation has ended, so that there may be more left.

        Args:
            watcher: The method of an object, which is not kept for it.
        """
        self._watchers = [held for held in self._watchers if held() is not None]
        self._watchers.append(WeakMethod(watcher))

    def reserved_beside(self, own: Amount) -> Amount:
        """What others have reserved of a budget that is shared.

        Args:
            own: What of that which is reserved is the caller's.
        """
        if not self.is_shared:
            return NOTHING
        others = self._reserved - own
        return Amount(max(0, others.calls), max(0, others.tokens), max(0, others.nano_usd))

    def bears(self, pending: Amount, estimate: Amount) -> bool:
        """Whether a call fits besides what is spent.

        Args:
            pending: What else may still be spent, in place of what is reserved.
            estimate: The most that the call is thought to cost.
        """
        asked = astuple(self._spent + pending + estimate)
        return all(
            limit is None or amount <= limit
            for limit, amount in zip(self._limits, asked, strict=True)
        )

    def _refusal(self, asked: Amount) -> str | None:
        """Why no more can be reserved; None: it can."""
        rows = zip(
            Budget.__struct_fields__,
            self._limits,
            astuple(self._spent),
            astuple(self._reserved),
            astuple(asked),
            strict=True,
        )
        for name, limit, spent, reserved, more in rows:
            if limit is not None and spent + reserved + more > limit:
                return (
                    f"The {self._owner}'s budget of {_words(name, limit)} has too little left for "
                    f"this call: {_words(name, spent)} spent, {_words(name, reserved)} reserved by "
                    f"calls under way, and it may take {_words(name, more)}; set the budget's "
                    f"`{name}` higher to go on."
                )
        return None


class Reservation:
    """What is set aside for one call, until it is settled or released.

    The first of `settle` and `release` counts; what comes after it does nothing. As a context
    manager it is released at the end, unless it was settled: an error gives back what was set aside.
    """

    __slots__ = ("_estimate", "_meters", "_open")

    def __init__(self, meters: Sequence[BudgetMeter], estimate: Amount) -> None:
        self._meters = meters
        self._estimate = estimate
        self._open = True

    def settle(self, actual: Spending) -> None:
        """Put what the call has cost in place of what was set aside.

        It counts in full, even where it is more than was set aside; then the budget may be overrun
        by that much, and nothing more can be reserved.

        Args:
            actual: What it cost. Call this also for a call that failed or was stopped after its
                request had been sent, since that is paid for too.
        """
        self._end(Amount.of(actual))

    def release(self) -> None:
        """Give back what was set aside: the call was not made."""
        self._end(NOTHING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _end(self, actual: Amount) -> None:
        if not self._open:
            return
        self._open = False
        for meter in self._meters:
            meter._reserved -= self._estimate
            meter._spent += actual
            for held in meter._watchers:
                watcher = held()
                if watcher is not None:
                    watcher()


def reserve_all(meters: Sequence[BudgetMeter], estimate: Spending) -> Reservation:
    """Set aside what a call may cost in several budgets: in all of them or in none.

    Args:
        meters: The budgets' meters; one that is named twice counts once.
        estimate: The most that the call is thought to cost.

    Raises:
        BudgetExceeded: One of the budgets has not enough left.
    """
    asked = Amount.of(estimate)
    unique = list(dict.fromkeys(meters))
    for meter in unique:
        if refusal := meter._refusal(asked):
            raise BudgetExceeded(refusal)
    for meter in unique:
        meter._reserved += asked
    return Reservation(unique, asked)


class Amount(Struct, frozen=True):
    """What `Spending` says, in whole numbers, which no sum makes drift.

    Attributes:
        calls: How many.
        tokens: Of messages and answers together.
        nano_usd: Money, in billionths of a US dollar.
    """

    calls: int = 0
    tokens: int = 0
    nano_usd: int = 0

    @classmethod
    def of(cls, spending: Spending) -> Self:
        """Round to nano-dollars; a provider that counts below zero gives nothing back."""
        return cls(max(0, spending.calls), max(0, spending.tokens), _nano(max(0.0, spending.usd)))

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.nano_usd + other.nano_usd,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.calls - other.calls,
            self.tokens - other.tokens,
            self.nano_usd - other.nano_usd,
        )

    def spending(self) -> Spending:
        """The same, in dollars."""
        return Spending(self.calls, self.tokens, self.nano_usd / _NANO)


NOTHING = Amount()


def _nano(usd: float) -> int:
    numerator, denominator = usd.as_integer_ratio()
    return (2 * numerator * _NANO + denominator) // (2 * denominator)  # to the nearest


def _limits(budget: Budget) -> _Limits:
    return (budget.calls, budget.tokens, None if budget.usd is None else _nano(budget.usd))


def _words(name: str, amount: int) -> str:
    if name == "usd":
        dollars, nano = divmod(amount, _NANO)
        return f"${dollars:,}.{f'{nano:09}'.rstrip('0'):0<2}"
    return f"{amount:,} {name.removesuffix('s') if amount == 1 else name}"
