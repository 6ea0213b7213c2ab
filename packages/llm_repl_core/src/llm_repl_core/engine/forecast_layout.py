"""From what is known of each prompt of a run to what the run would do: pure, for each mode."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from llm_repl_core.dataflow.graph import Edge, Graph
from llm_repl_core.engine.forecast import CellForecast, WayForecast, WhyAsked
from llm_repl_core.engine.forecast_reasons import listed_cells
from llm_repl_core.engine.prompts.draft import PreparedDraft
from llm_repl_core.engine.prompts.draft_preview import PricedDraft
from llm_repl_core.engine.same_again import SameAgain
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import Cell, ForeignCell, MarkdownCell, PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["Layout", "PromptOutlook"]


class PromptOutlook(Struct, frozen=True, kw_only=True):
    """What is known of a prompt of a run, whatever its mode.

    Attributes:
        draft: The prompt, as far as it can be prepared now.
        priced: What its requests take.
        why: Why it is not on record; empty where it is.
        reason: The same in words.
        duration_s: How long an earlier call took; None: there was none.
        likely_on_record: How many of its answers are probably on record, where its request cannot
            be said now.
    """

    draft: PreparedDraft
    priced: PricedDraft
    why: WhyAsked = ""
    reason: str = ""
    duration_s: float | None = None
    likely_on_record: int = 0

    @property
    def calls(self) -> int:
        """How many calls it makes, as far as that is known."""
        prepared = self.draft.prepared
        known = 0 if prepared is None else len(prepared.conversations)
        return max(known, self.likely_on_record)

    @property
    def problem(self) -> str:
        """Why it would fail; empty where it would not."""
        if self.draft.problems:
            return self.draft.problems[0]
        unusable = (
            field.sentence for field in self.draft.fields if field.state in ("unknown", "failed")
        )
        return next(unusable, self.priced.problem)


class Layout:
    """Lays out a run.

    Args:
        notebook: The notebook.
        graph: What its cells need.
        cell_ids: The cells that run, in document order.
        restored: Prompts whose answers the notebook has, so that they need not run.
        outlooks: What is known of the prompts.
        same_again: Knows which stale cells will likely give the same.
        prices: What calls cost.
        concurrency: How many calls may be under way.
    """

    def __init__(
        self,
        notebook: Notebook,
        graph: Graph,
        cell_ids: Sequence[str],
        restored: AbstractSet[str],
        outlooks: Mapping[str, PromptOutlook],
        same_again: SameAgain,
        prices: Prices,
        concurrency: int,
    ) -> None:
        self._notebook = notebook
        self._cell_ids = cell_ids
        self._restored = restored
        self._outlooks = outlooks
        self._same_again = same_again
        self._prices = prices
        self._concurrency = concurrency
        self._numbers = {cell.id: place + 1 for place, cell in enumerate(notebook)}
        running = set(cell_ids) - restored
        self._above: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in graph.edges:
            if edge.kind != "in_the_way" and edge.source in running:
                self._above[edge.target].append(edge)

    def cells(self, mode: Mode) -> tuple[CellForecast, ...]:
        """What becomes of each cell of the run.

        Args:
            mode: Where answers are taken from.
        """
        forecasts: list[CellForecast] = []
        self._changed: set[str] = set()
        self._waves: dict[str, int] = {}
        self._held = 0
        for cell_id in self._cell_ids:
            cell = self._notebook[cell_id]
            if cell_id in self._restored:
                forecasts.append(CellForecast(cell_id=cell_id, state="restored"))
            elif isinstance(cell, PromptCell):
                forecasts.append(self._of_prompt(cell, mode))
                if cell.tools:  # nothing below it begins before it has ended
                    self._held = self._waves[cell_id]
            else:
                forecasts.append(self._of_other(cell))
        return tuple(forecasts)

    def way(self, mode: Mode, cells: Sequence[CellForecast]) -> WayForecast:
        """What the run comes to.

        Args:
            mode: Where answers are taken from.
            cells: What becomes of its cells then.
        """
        asked = [cell for cell in cells if cell.asked_calls]
        priced = [cell.price_usd for cell in asked if cell.price_usd is not None]
        expected = [cell.expected_price_usd for cell in asked]
        unpriced = tuple(cell.cell_id for cell in asked if cell.price_usd is None)
        waves: defaultdict[int, list[float]] = defaultdict(list)
        for cell in asked:
            if cell.wave is not None and cell.expected_s is not None:
                waves[cell.wave].append(cell.expected_s)
        known = [usd for usd in expected if usd is not None]
        return WayForecast(
            mode=mode,
            waves=max((cell.wave or 0 for cell in asked), default=0),
            calls=sum(cell.calls for cell in cells),
            asked_calls=sum(cell.asked_calls for cell in cells),
            price_usd=None if asked and not priced else sum(priced),
            is_bound=all(cell.is_bound for cell in asked),
            unpriced=unpriced,
            expected_price_usd=sum(known) if len(known) == len(asked) else None,
            expected_s=None if asked and not waves else sum(map(max, waves.values())),
            missing=tuple(cell.cell_id for cell in cells if cell.state == "missing"),
            stops=tuple(cell.cell_id for cell in cells if cell.state == "stops"),
        )

    def _of_other(self, cell: Cell) -> CellForecast:
        above = self._above[cell.id]
        self._waves[cell.id] = max((self._waves.get(edge.source, 0) for edge in above), default=0)
        has_effect = not isinstance(cell, MarkdownCell | ForeignCell)
        is_new = has_effect and not self._same_again.gives_the_same(cell.id)
        if is_new or any(edge.source in self._changed for edge in above):
            self._changed.add(cell.id)
        return CellForecast(cell_id=cell.id, state="runs")

    def _of_prompt(self, cell: PromptCell, mode: Mode) -> CellForecast:
        outlook = self._outlooks[cell.id]
        priced = outlook.priced
        above = self._above[cell.id]
        sources = sorted(
            {edge.source for edge in above if edge.source in self._changed},
            key=self._numbers.__getitem__,
        )
        depth = max((self._waves.get(edge.source, 0) for edge in above), default=0)
        depth = max(depth, self._held)
        calls = max(1, outlook.calls)
        on_record, is_certain = self._on_record(outlook, mode, is_fed_anew=bool(sources))
        left = calls - on_record
        if outlook.problem and not self._may_be_mended(outlook, sources):
            self._waves[cell.id] = depth
            self._changed.add(cell.id)
            return CellForecast(cell_id=cell.id, state="stops", reason=outlook.problem, calls=calls)
        if left == 0:
            self._waves[cell.id] = depth
            return CellForecast(
                cell_id=cell.id,
                state="on_record",
                calls=calls,
                is_certain=is_certain,
                input_tokens=priced.input_tokens,
                output_tokens_limit=priced.output_tokens_limit,
            )
        self._changed.add(cell.id)
        why, reason = self._why(outlook, mode, sources)
        is_missing = mode == "replay"
        wave = depth if is_missing else depth + 1
        self._waves[cell.id] = wave
        share = left / max(1, len(priced.contexts) or calls)
        usd, is_bound = self._price(outlook, sources)
        expected = priced.expected_price_usd
        return CellForecast(
            cell_id=cell.id,
            state="missing" if is_missing else "asked",
            wave=None if is_missing else wave,
            why=why,
            reason=reason,
            because=tuple(sources),
            calls=calls,
            asked_calls=0 if is_missing else left,
            input_tokens=priced.input_tokens,
            output_tokens_limit=priced.output_tokens_limit,
            price_usd=0.0 if is_missing else None if usd is None else usd * share,
            is_bound=is_missing or is_bound,
            expected_price_usd=0.0
            if is_missing
            else None
            if expected is None
            else expected * share,
            expected_s=0.0 if is_missing else self._seconds(outlook, left),
            is_certain=is_certain,
        )

    def _on_record(
        self, outlook: PromptOutlook, mode: Mode, *, is_fed_anew: bool
    ) -> tuple[int, bool]:
        if mode == "live":
            return 0, True
        if is_fed_anew:
            return 0, False
        if outlook.draft.is_whole:
            return outlook.priced.on_record, True
        return outlook.likely_on_record, False

    def _may_be_mended(self, outlook: PromptOutlook, sources: Sequence[str]) -> bool:
        """Whether what is wrong may be right when the cells above have run."""
        wrong = any(field.state == "unknown" for field in outlook.draft.fields)
        return bool(sources) and not wrong and not outlook.priced.problem

    def _why(
        self, outlook: PromptOutlook, mode: Mode, sources: Sequence[str]
    ) -> tuple[WhyAsked, str]:
        if mode == "live":
            return "live", ""
        if outlook.why in ("never", "edited"):
            return outlook.why, outlook.reason
        if sources:
            return "needs", f"needs {listed_cells([self._numbers[source] for source in sources])}"
        return outlook.why, outlook.reason

    def _price(self, outlook: PromptOutlook, sources: Sequence[str]) -> tuple[float | None, bool]:
        """The highest price of all calls, and whether it is an upper bound."""
        priced, draft = outlook.priced, outlook.draft
        usd = priced.price_usd
        answers = {
            other.prepared.variable: self._outlooks[source]
            for source in sources
            if source in self._outlooks
            and (other := self._outlooks[source].draft).prepared is not None
        }
        is_known = all(
            field.state in ("known", "stale", "item") or field.name in answers
            for field in draft.fields
        )
        is_bound = (
            is_known
            and draft.prepared is not None
            and not draft.later
            and all(source in self._outlooks for source in sources)
        )
        # What is not written yet may be as long as an answer may be.
        extra = sum(
            other.priced.output_tokens_limit * max(1, other.calls) for other in answers.values()
        )
        if usd is not None and extra:
            more = self._prices.estimate_usd(
                priced.provider, priced.model, extra * max(1, outlook.calls), 0
            )
            usd = None if more is None else usd + more
        return usd, is_bound

    def _seconds(self, outlook: PromptOutlook, calls: int) -> float | None:
        if outlook.duration_s is None:
            return None
        return outlook.duration_s * math.ceil(calls / self._concurrency)
