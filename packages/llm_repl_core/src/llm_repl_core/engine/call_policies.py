"""What runs allow their calls: mode, record, places, budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from llm_repl_core.engine.admission import Admission
from llm_repl_core.engine.budget import BudgetMeter, Spending
from llm_repl_core.engine.call_slots import CallSlots
from llm_repl_core.engine.claims import CostBound
from llm_repl_core.engine.cost_bounds import CostBounds
from llm_repl_core.engine.notebook_preferences import (
    check_preferences,
    preferred_budget,
    preferred_mode,
    preferred_speculation,
)
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.unpriced import needs_prices, price_earlier
from llm_repl_core.errors import PriceUnknown, StorageError
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.ledger.record import Mode
from llm_repl_core.ledger.replay import Replay
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["CallPolicies", "CallPolicy"]


class CallPolicy(Struct, frozen=True, kw_only=True):
    """What a run allows its calls.

    Attributes:
        mode: Whether they are sent.
        replay: Finds answers on record, for this run.
        slots: How many may be under way.
        admission: Lets them in, as far as the budgets bear them.
        allow_unpriced: Whether one without a known price may be sent where money is limited.
        speculate: Whether calls are sent ahead of the order of the document.
        unpriced_before: Why the notebook's budget of money cannot be kept; empty where it can.
    """

    mode: Mode
    replay: Replay
    slots: CallSlots
    admission: Admission
    allow_unpriced: bool = False
    speculate: bool = True
    unpriced_before: str = ""


class CallPolicies:
    """Makes the policy of runs. One a session, whose notebook's budget it watches.

    Args:
        ledger: Where calls are recorded.
        prices: What calls cost.
        concurrency: How many calls a run has under way that does not say it itself.
        speculate: Whether a run sends calls ahead where neither it nor the notebook says it.
        cost_bounds: Says what the cells of a run may ask for at most; None: there is no telling.
        run_meter: Counts what runs with a budget spend together; None: each run by itself.

    Attributes:
        concurrency: How many calls a run has under way that does not say it itself.
    """

    def __init__(
        self,
        ledger: Ledger,
        prices: Prices,
        concurrency: int,
        *,
        speculate: bool = True,
        cost_bounds: CostBounds | None = None,
        run_meter: BudgetMeter | None = None,
    ) -> None:
        self._ledger = ledger
        self._prices = prices
        self.concurrency = concurrency
        self._speculate = speculate
        self._cost_bounds = cost_bounds
        self._run_meter = run_meter
        self._notebook_meter: BudgetMeter | None = None

    async def check_spent(self, notebook: Notebook, options: RunOptions) -> None:
        """Refuse a run whose notebook limits money and has sent what nobody knows the price of.

        Args:
            notebook: Whose run.
            options: How it is to go.

        Raises:
            PriceUnknown: It would count as free.
        """
        if needs_prices(notebook, options):
            with suppress(StorageError):  # told where it is asked
                _, problem = await self._price_earlier(notebook)
                if problem:
                    raise PriceUnknown(problem)

    def without_budget(
        self, notebook: Notebook, options: RunOptions, *, in_use: frozenset[str] = frozenset()
    ) -> CallPolicy | None:
        """The policy of a run that no budget limits, as most are: nothing has to be looked up.

        Args:
            notebook: Whose run.
            options: How it is to go.
            in_use: The calls whose answers its cells show.

        Returns:
            None: a budget limits it; see `for_run`.

        Raises:
            InvalidInput: What the notebook chooses for itself cannot be used.
        """
        check_preferences(notebook.own_metadata)
        if options.budget is not None or preferred_budget(notebook.own_metadata) is not None:
            return None
        self._notebook_meter = None
        return self._policy(notebook, options, in_use)

    async def for_run(
        self,
        notebook: Notebook,
        options: RunOptions,
        cell_ids: Sequence[str] = (),
        *,
        in_use: frozenset[str] = frozenset(),
    ) -> CallPolicy:
        """The policy of one run.

        Args:
            notebook: Whose run.
            options: How it is to go.
            cell_ids: Its cells, in order.
            in_use: The calls whose answers its cells show.

        Raises:
            InvalidInput: What the notebook chooses for itself cannot be used.
            StorageError: What the notebook has spent cannot be read.
        """
        if (policy := self.without_budget(notebook, options, in_use=in_use)) is not None:
            return policy
        meters = []
        if options.budget is not None:
            meters.append(self._run_meter or BudgetMeter(options.budget, owner="run"))
        earlier_usd, unpriced_before = await self._price_earlier(notebook)
        notebook_meter = await self._meter_of(notebook, earlier_usd)
        if notebook_meter is not None:
            meters.append(notebook_meter)
        expected: Mapping[str, CostBound] = {}
        if meters:
            # In a thread, as it may read the list of prices.
            expected = await asyncio.to_thread(self._expected, notebook, cell_ids)
        return self._policy(notebook, options, in_use, meters, expected, unpriced_before)

    def _policy(
        self,
        notebook: Notebook,
        options: RunOptions,
        in_use: frozenset[str],
        meters: Sequence[BudgetMeter] = (),
        expected: Mapping[str, CostBound] | None = None,
        unpriced_before: str = "",
    ) -> CallPolicy:
        return CallPolicy(
            mode=options.mode or preferred_mode(notebook.own_metadata),
            replay=Replay(
                self._ledger,
                notebook.id,
                cell_ids=[cell.id for cell in notebook if isinstance(cell, PromptCell)],
                in_use=in_use,
            ),
            slots=CallSlots(options.concurrency or self.concurrency),
            admission=Admission(meters, expected or {}, stops_on_error=options.stop_on_error),
            allow_unpriced=options.allow_unpriced,
            speculate=self._speculates(notebook, options),
            unpriced_before=unpriced_before,
        )

    def _expected(self, notebook: Notebook, cell_ids: Sequence[str]) -> Mapping[str, CostBound]:
        """Which cells may call, with the most that each may ask for."""
        if self._cost_bounds is None:
            return dict.fromkeys(cell_ids)
        return self._cost_bounds.of_cells(notebook, cell_ids)

    def _speculates(self, notebook: Notebook, options: RunOptions) -> bool:
        if options.speculate is not None:
            return options.speculate
        chosen = preferred_speculation(notebook.own_metadata)
        return self._speculate if chosen is None else chosen

    async def _price_earlier(self, notebook: Notebook) -> tuple[float, str]:
        """What calls cost that were free when they were made, and why others cannot be counted."""
        budget = preferred_budget(notebook.own_metadata)
        if budget is None or budget.usd is None:
            return 0.0, ""
        earlier = await self._ledger.unpriced(notebook.id)
        return await asyncio.to_thread(price_earlier, earlier, self._prices)

    async def _meter_of(self, notebook: Notebook, earlier_usd: float) -> BudgetMeter | None:
        budget = preferred_budget(notebook.own_metadata)
        if budget is None:
            self._notebook_meter = None
            return None
        meter = self._notebook_meter
        if meter is None or meter.budget != budget:
            # A budget that was changed meanwhile keeps the count of the old one.
            if meter is None:
                spent = Spending(*await self._ledger.spent(notebook.id)) + Spending(usd=earlier_usd)
            else:
                spent = meter.spent
            # Shared: models may be asked side by side while a run goes on.
            meter = BudgetMeter(budget, spent=spent, owner="notebook", is_shared=True)
            self._notebook_meter = meter
        return meter
