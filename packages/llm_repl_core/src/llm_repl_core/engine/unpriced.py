"""Calls of which nobody knows what they cost, where a budget limits money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from llm_repl_core.engine.notebook_preferences import preferred_budget, preferred_mode
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.routing import route
from llm_repl_core.errors import InvalidInput, NotFound, PriceUnknown
from llm_repl_core.ledger.base import UnpricedCalls
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["needs_prices", "price_earlier", "refuse_unpriced", "unpriced"]


def needs_prices(notebook: Notebook, options: RunOptions) -> bool:
    """Whether all that a run asks is sent, and must have a price.

    Args:
        notebook: Which may choose a mode and a budget of its own.
        options: Of the run.
    """
    # What a notebook chooses amiss is told where it would count.
    with suppress(InvalidInput):
        budgets = (options.budget, preferred_budget(notebook.own_metadata))
        return (
            any(budget is not None and budget.usd is not None for budget in budgets)
            and not options.allow_unpriced
            and (options.mode or preferred_mode(notebook.own_metadata)) == "live"
        )
    return False


def refuse_unpriced(
    notebook: Notebook, cell_ids: Iterable[str], providers: Providers, prices: Prices
) -> None:
    """Refuse to run prompts whose model has no known price, before the first cell begins.

    Args:
        notebook: Where they are.
        cell_ids: What is to run.
        providers: Who can answer.
        prices: What that costs; the list of prices may be read, which takes some 0.3 s.

    Raises:
        PriceUnknown: There is one; the message names its cell.
    """
    wanted = set(cell_ids)
    known: set[tuple[str, str]] = set()
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.id not in wanted or not isinstance(cell, PromptCell):
            continue
        path = route(cell, notebook, providers.choice, providers.names())
        try:
            model = path.model or providers.require(path.provider).default_model
        except NotFound:
            continue  # told where it is asked
        asked = (path.provider, model)
        if asked not in known and prices.estimate_usd(*asked, 1, 1) is None:
            raise PriceUnknown(f"Cell {number} cannot be run: {unpriced(*asked)}")
        known.add(asked)


def unpriced(provider: str, model: str) -> str:
    """That a model has no known price, and the ways out.

    Args:
        provider: The provider's name.
        model: The model's name, without the provider's.
    """
    return (
        f"no price is known for the model `{model}` of `{provider}`, and a budget limits money: "
        + _ways_out(provider, model)
    )


def price_earlier(earlier: Sequence[UnpricedCalls], prices: Prices) -> tuple[float, str]:
    """What earlier calls cost that had no known price, by the prices that are known now.

    Args:
        earlier: The calls, by model.
        prices: What calls cost; the list of prices may be read, which takes some 0.3 s.

    Returns:
        US dollars; and that the others cannot be counted, with the ways out, or nothing.
    """
    usd = 0.0
    problem = ""
    for call in earlier:
        price = prices.estimate_usd(
            call.provider, call.model, call.input_tokens, call.output_tokens
        )
        usd += price or 0.0
        if price is None and not problem:
            calls = "1 earlier call" if call.calls == 1 else f"{call.calls} earlier calls"
            problem = (
                f"The notebook's budget limits money, and no price is known for {calls} to the model "
                f"`{call.model}` of `{call.provider}`, which would count as free: "
                + _ways_out(call.provider, call.model)
            )
    return usd, problem


def _ways_out(provider: str, model: str) -> str:
    return (
        f"put its price into the settings under `prices` (`{provider}/{model}: {{input: …, "
        "output: …}`, US dollars per million tokens), limit calls or tokens instead, or let such "
        "calls pass as free with `--allow-unpriced` (`allow_unpriced` over REST and in Python)."
    )
