"""What prompts may still ask for, before it is known: the most, so that nobody relies on less."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core.engine.budget import Amount, Spending
from llm_repl_core.engine.claims import MARGIN, CostBound
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.routing import route
from llm_repl_core.engine.tokens import DEFAULT_OUTPUT_TOKENS
from llm_repl_core.errors import LLMReplError
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.model.cell import Cell, CodeCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["CostBounds"]

_CONTEXT_TOKENS = 200_000
"""What a model is assumed to take at most, where the list of models does not say it."""

_SECOND_QUESTION_TOKENS = 1_000
"""What is wrong with an answer, as the model is told it."""

_NEVER_CALL = (CodeCell, MarkdownCell, MemoryCell)


class CostBounds:
    """Bounds of what calls may follow.

    Args:
        providers: Who can answer.
        prices: What that costs.
    """

    def __init__(self, providers: Providers, prices: Prices) -> None:
        self._providers = providers
        self._prices = prices

    def of_cells(self, notebook: Notebook, cell_ids: Iterable[str]) -> dict[str, CostBound]:
        """The most that cells may ask for, before their templates are filled.

        Args:
            notebook: Where they are.
            cell_ids: Which; those that ask no model are left out.
        """
        cells = [notebook[cell_id] for cell_id in cell_ids if cell_id in notebook]
        return {
            cell.id: self._of_cell(notebook, cell)
            for cell in cells
            if not isinstance(cell, _NEVER_CALL)
        }

    def after(self, cell: PromptCell, provider: str, model: str, estimate: Spending) -> CostBound:
        """The most that a conversation may ask for after a call.

        Args:
            cell: The prompt.
            provider: Who is asked.
            model: Which model.
            estimate: Of this call.
        """
        if cell.tools:
            return self._calls(cell, provider, model)
        if not cell.has_schema:
            return Amount()
        # The second question repeats the first, and the answer to it.
        tokens = MARGIN * (2 * estimate.tokens + _SECOND_QUESTION_TOKENS)
        usd = self._prices.estimate_usd(provider, model, tokens, MARGIN * estimate.tokens)
        return Amount.of(Spending(calls=1, tokens=tokens, usd=usd or 0.0))

    def _of_cell(self, notebook: Notebook, cell: Cell) -> CostBound:
        if not isinstance(cell, PromptCell) or cell.for_each is not None:
            return None
        try:
            path = route(cell, notebook, self._providers.choice, self._providers.names())
            provider = self._providers.require(path.provider)
        except LLMReplError:
            return None
        return self._calls(cell, path.provider, path.model or provider.default_model)

    def _calls(self, cell: PromptCell, provider: str, model: str) -> CostBound:
        """As many calls as a conversation may have, each of the largest size."""
        calls = 1 + cell.has_schema + (cell.tool_limit if cell.tools else 0)
        size = self._prices.context_window(provider, model) or _CONTEXT_TOKENS
        answer = MARGIN * DEFAULT_OUTPUT_TOKENS
        usd = self._prices.estimate_usd(provider, model, size, answer)
        if usd is None:
            return None
        return Amount.of(Spending(calls=calls, tokens=calls * (size + answer), usd=calls * usd))
