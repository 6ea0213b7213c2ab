"""Says what a run would do and cost; nothing is sent, run or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import get_args

from msgspec import structs

from llm_repl_core.engine.budget import Budget
from llm_repl_core.engine.forecast import RunForecast, WhyAsked
from llm_repl_core.engine.forecast_layout import Layout, PromptOutlook
from llm_repl_core.engine.forecast_reasons import why_new
from llm_repl_core.engine.notebook_preferences import noted_mode, preferred_budget
from llm_repl_core.engine.prompts.draft import (
    PreparedDraft,
    ValuesOf,
    look_at_names,
    prepare_draft,
)
from llm_repl_core.engine.prompts.draft_fields import NameOrigins
from llm_repl_core.engine.prompts.draft_preview import PricedDraft, price, replay_of
from llm_repl_core.engine.prompts.looked_at import KnownValues
from llm_repl_core.engine.run import Run
from llm_repl_core.engine.same_again import SameAgain
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.errors import InvalidInput, LLMReplError, StorageError
from llm_repl_core.ledger.identity import canonical_request
from llm_repl_core.ledger.outlined import OutlinedLedger
from llm_repl_core.ledger.record import CallRecord, Mode
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue

__all__ = ["forecast", "read_outline"]

_FILLED_PROMPTS = 300
_FILL_LIMIT_S = 4.0
"""How many prompts, and for how long, the kernel is asked to fill; the others are guessed."""

_EXPLAINED = 100
"""Of how many prompts it is looked up what has changed."""

_EARLIER = 5


async def read_outline(session: SessionResources) -> OutlinedLedger:
    """A notebook's record in outline; an empty one where it cannot be read: a run says so.

    Args:
        session: The notebook's session.
    """
    try:
        return OutlinedLedger(await session.model_caller.ledger.outline(session.notebook.id))
    except StorageError:
        return OutlinedLedger(())


async def forecast(
    run: Run, session: SessionResources, known: KnownValues, *, is_free: bool
) -> RunForecast:
    """Say what a run would do and cost.

    Args:
        run: The run, which is never started.
        session: Its session.
        known: What was seen of the state before.
        is_free: Whether the kernel is there, and nothing else uses it.
    """
    notebook = session.notebook
    record = await read_outline(session)
    cells = [
        cell
        for cell_id in run.asked_cell_ids
        if cell_id in notebook and isinstance(cell := notebook[cell_id], PromptCell)
    ]
    index, is_free = await look_at_names(notebook, session.kernels.kernel, known, is_free=is_free)
    replay = replay_of(notebook, record)
    drafts = await _prepare(cells, index, session, known, is_free=is_free)
    outlooks: dict[str, PromptOutlook] = {}
    same_again = SameAgain(notebook)
    for cell in cells:
        priced = await price(drafts[cell.id], notebook, session.model_caller, record, replay)
        outlooks[cell.id] = PromptOutlook(
            draft=drafts[cell.id],
            priced=priced,
            duration_s=_duration_s(record, cell, priced),
            likely_on_record=_likely_on_record(cell, record, same_again),
        )
    await _explain(cells, outlooks, session)
    layout = Layout(
        notebook,
        session.dependencies.graph(),
        [cell_id for cell_id in run.ordered_cell_ids if cell_id in notebook],
        run.restored_cell_ids,
        outlooks,
        same_again,
        session.model_caller.prices,
        run.options.concurrency or session.policies.concurrency,
    )
    # In a thread, as it may read the list of prices.
    laid_out = await asyncio.to_thread(
        lambda: {mode: layout.cells(mode) for mode in get_args(Mode)}
    )
    mode = noted_mode(notebook.own_metadata, run.options.mode)
    spent_usd = 0.0
    with suppress(StorageError):
        _, _, spent_usd = await session.model_caller.ledger.spent(notebook.id)
    budget: Budget | None = None
    with suppress(InvalidInput):
        budget = preferred_budget(notebook.own_metadata)
    return RunForecast(
        mode=mode,
        cells=laid_out[mode],
        ways=tuple(layout.way(way, forecasts) for way, forecasts in laid_out.items()),
        values=_values(drafts, session, is_free=is_free),
        budget=budget,
        spent_usd=spent_usd,
    )


async def _prepare(
    cells: Sequence[PromptCell],
    index: NameOrigins,
    session: SessionResources,
    known: KnownValues,
    *,
    is_free: bool,
) -> dict[str, PreparedDraft]:
    held = session.kernels.held
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + _FILL_LIMIT_S
    drafts: dict[str, PreparedDraft] = {}
    for place, cell in enumerate(cells):
        may_ask = is_free and place < _FILLED_PROMPTS and loop.time() < ends_s
        drafts[cell.id] = await _draft(cell, session, index, known, held, is_free=may_ask)
    return drafts


async def _draft(
    cell: PromptCell,
    session: SessionResources,
    index: NameOrigins,
    known: KnownValues,
    held: Collection[str],
    *,
    is_free: bool,
) -> PreparedDraft:
    return await prepare_draft(
        cell,
        index,
        session.kernels.kernel,
        known,
        is_free=is_free,
        # What has run before is no surprise.
        may_call=cell.id in held and cell.status == "completed",
    )


async def _explain(
    cells: Sequence[PromptCell], outlooks: dict[str, PromptOutlook], session: SessionResources
) -> None:
    """Look up what has changed since the prompts that are not on record were asked last."""
    new = [
        cell
        for cell in cells
        if not outlooks[cell.id].draft.is_whole
        or outlooks[cell.id].priced.on_record < outlooks[cell.id].calls
    ]
    latest: Mapping[str, CallRecord] = {}
    with suppress(StorageError):
        latest = await session.model_caller.ledger.latest_of_cells(
            session.notebook.id, [cell.id for cell in new[:_EXPLAINED]]
        )
    for cell in new[:_EXPLAINED]:
        why, reason = _why(cell, outlooks[cell.id], latest.get(cell.id))
        outlooks[cell.id] = structs.replace(outlooks[cell.id], why=why, reason=reason)


def _why(
    cell: PromptCell, outlook: PromptOutlook, latest: CallRecord | None
) -> tuple[WhyAsked, str]:
    if latest is None:
        return "never", "has not been asked yet"
    contexts = outlook.priced.contexts
    if not contexts or not outlook.draft.is_whole:
        if cell.status == "idle":
            return "edited", "the text was edited"
        return ("changed", "something that it needs was changed") if cell.stale else ("", "")
    item = latest.place.item or 0
    context = contexts[item if item < len(contexts) else 0]
    try:
        asked: dict[str, JSONValue] = canonical_request(context.provider, context.request)
    except LLMReplError:
        return "", ""
    return why_new(cell, latest.request, asked)


def _duration_s(outline: OutlinedLedger, cell: PromptCell, priced: PricedDraft) -> float | None:
    """How long a call takes, as earlier ones of the cell did, else of the model."""
    alike = outline.alike(cell.id, priced.provider, priced.model, _EARLIER)
    durations = [record.duration_s for record in alike if record.duration_s is not None]
    if not durations:
        return None
    import statistics  # fractions and decimals, for who asks how long a call takes

    return statistics.median(durations)


def _likely_on_record(cell: PromptCell, outline: OutlinedLedger, same_again: SameAgain) -> int:
    """How many answers are on record of a prompt that was not changed since it was answered."""
    if not same_again.gives_the_same(cell.id):
        return 0
    if not outline.has_cell(cell.id):
        return 0
    answers = sum(output.type == "llm_response" for output in cell.outputs)
    return answers if cell.for_each is not None else min(answers, 1)


def _values(
    drafts: Mapping[str, PreparedDraft], session: SessionResources, *, is_free: bool
) -> ValuesOf:
    if is_free:
        return "now"
    if any(draft.values == "before" for draft in drafts.values()):
        return "before"
    return "before" if session.kernels.kernel.alive else "nothing"
