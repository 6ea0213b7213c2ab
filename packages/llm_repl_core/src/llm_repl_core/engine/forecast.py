"""What a run would do and cost, said before it: which prompts are asked, in which order, for how much."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from llm_repl_core.engine.budget import Budget
from llm_repl_core.engine.prompts.draft import ValuesOf
from llm_repl_core.ledger.record import Mode

__all__ = ["CellForecast", "ForecastState", "RunForecast", "WayForecast", "WhyAsked"]

ForecastState: TypeAlias = Literal["runs", "restored", "asked", "on_record", "missing", "stops"]
"""``runs``: it is no prompt, and runs; ``restored``: the notebook has its answer, and it need not
run; ``asked``: some of its calls are sent; ``on_record``: all its answers are recorded;
``missing``: some are not, and nobody is asked; ``stops``: it would fail as it is now."""

WhyAsked: TypeAlias = Literal["", "live", "never", "edited", "changed", "needs", "more"]
"""``live``: all are asked again; ``never``: it has not been asked yet; ``edited``: its text, or a
choice of its, is another one; ``changed``: a value in it is; ``needs``: cells that it needs give
something else; ``more``: it has more calls than recorded answers."""


class CellForecast(Struct, frozen=True, kw_only=True):
    """What a run would do with a cell.

    Attributes:
        cell_id: Which cell.
        state: What becomes of it.
        wave: When it is asked: those of one wave at the same time, from 1; null: it is not asked.
        why: Why it is asked, or missing.
        reason: The same in words; empty where nothing is to be said.
        because: The cells that it needs and that give something else.
        calls: How many calls it makes.
        asked_calls: How many of them are sent.
        input_tokens: About how many tokens the messages of all calls have.
        output_tokens_limit: The longest possible answer, in tokens; assumed if nothing limits it.
        price_usd: The highest price of what is sent, in US dollars; null if unknown.
        is_bound: Whether that is an upper bound; otherwise some of what is sent is not known yet.
        expected_price_usd: What it costs if answers are as long as earlier ones; null if unknown.
        expected_s: How long it takes if answers take as long as earlier ones; null if unknown.
        is_certain: Whether the state is sure; otherwise it is likely.
    """

    cell_id: str
    state: ForecastState
    wave: int | None = None
    why: WhyAsked = ""
    reason: str = ""
    because: tuple[str, ...] = ()
    calls: int = 0
    asked_calls: int = 0
    input_tokens: int = 0
    output_tokens_limit: int = 0
    price_usd: float | None = 0.0
    is_bound: bool = True
    expected_price_usd: float | None = 0.0
    expected_s: float | None = 0.0
    is_certain: bool = True


class WayForecast(Struct, frozen=True, kw_only=True):
    """What a run would come to in one mode.

    Attributes:
        mode: Where it takes answers from.
        waves: How many waves of calls there are.
        calls: How many calls all its prompts make.
        asked_calls: How many of them are sent.
        price_usd: The highest price, in US dollars; null: that of no prompt which is asked is known.
        is_bound: Whether that is an upper bound of the prices that are known.
        unpriced: Prompts that are asked and whose price is unknown.
        expected_price_usd: What it costs if answers are as long as earlier ones; null if unknown.
        expected_s: How long its calls take if they take as long as earlier ones; null if unknown.
        missing: Prompts that have no recorded answer and may not be asked: it stops at the first.
        stops: Prompts that would fail as they are now.
    """

    mode: Mode
    waves: int
    calls: int
    asked_calls: int
    price_usd: float | None
    is_bound: bool
    unpriced: tuple[str, ...]
    expected_price_usd: float | None
    expected_s: float | None
    missing: tuple[str, ...]
    stops: tuple[str, ...]


class RunForecast(Struct, frozen=True, kw_only=True):
    """What a run would do and cost. Nothing was sent, run or changed to say it.

    Attributes:
        mode: Where it takes answers from.
        cells: Its cells, in document order.
        ways: What it would come to in each mode.
        values: Of when the values are with which prompts were filled for it.
        budget: What the notebook's calls may cost in all; null: there is no limit.
        spent_usd: What they have cost up to now.
    """

    mode: Mode
    cells: tuple[CellForecast, ...]
    ways: tuple[WayForecast, ...]
    values: ValuesOf
    budget: Budget | None
    spent_usd: float

    @property
    def way(self) -> WayForecast:
        """What it would come to in its own mode."""
        return next(way for way in self.ways if way.mode == self.mode)
