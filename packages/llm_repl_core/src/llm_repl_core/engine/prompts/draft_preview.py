"""What a prompt would send that is being written, and what that costs, with any model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct, structs

from llm_repl_core.engine.budget import Spending
from llm_repl_core.engine.calls import ModelCaller
from llm_repl_core.engine.prompts.draft import (
    DraftLookalike,
    DraftPiece,
    PreparedDraft,
    ValuesOf,
)
from llm_repl_core.engine.prompts.draft_fields import DraftField
from llm_repl_core.engine.prompts.preview import first_calls, shared_prefix_of, with_sources
from llm_repl_core.engine.prompts.shared_prefix import SharedPrefix
from llm_repl_core.engine.tokens import (
    estimate_message_tokens,
    estimate_tokens,
    output_allowance,
)
from llm_repl_core.errors import LLMReplError
from llm_repl_core.execution.model_calls import ModelCall
from llm_repl_core.ledger.identity import canonical_request, identity_of
from llm_repl_core.ledger.outlined import OutlinedLedger
from llm_repl_core.ledger.record import Mode
from llm_repl_core.ledger.replay import Replay
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.contexts import CallContext
from llm_repl_core.providers.base import Message, Request

__all__ = [
    "DraftMessage",
    "DraftPreview",
    "ModelOffer",
    "PricedDraft",
    "preview_draft",
    "price",
    "replay_of",
]

_MESSAGES = 500
_CHARACTERS = 20_000
"""How much of a message is shown."""

_RECENT_CALLS = 30
"""Among how many calls a shared beginning is looked for, while somebody types."""

_EARLIER = 5
"""Of how many earlier calls of a cell the length of an answer is taken."""


class DraftMessage(Struct, frozen=True, kw_only=True):
    """A message that would be sent.

    Attributes:
        role: Who speaks.
        content: What is said; of a long one, the beginning.
        characters: How long it is.
        cell_id: The cell it comes from; null: the notebook's system prompt, or a plugin.
        attachments: The names of its attachments.
        tokens: About how many it takes.
        pieces: Its text in pieces, where fields were filled in; empty where none were.
    """

    role: str
    content: str
    characters: int
    cell_id: str | None
    attachments: tuple[str, ...] = ()
    tokens: int = 0
    pieces: tuple[DraftPiece, ...] = ()


class ModelOffer(Struct, frozen=True, kw_only=True):
    """What another model would take of the same prompt.

    Attributes:
        model: As it was asked for.
        provider: Who would answer.
        price_usd: The highest price of all calls, in US dollars; null if unknown.
        on_record: How many of the calls have a recorded answer.
        problem: Why it cannot be asked; empty where it can.
    """

    model: str
    provider: str
    price_usd: float | None = None
    on_record: int = 0
    problem: str = ""


class DraftPreview(Struct, frozen=True, kw_only=True):
    """What a prompt would send that is being written.

    Attributes:
        provider: The provider that would answer.
        model: Which model.
        messages: The messages, in order; for a prompt over items, those of the first item. At most
            500.
        message_count: How many there are.
        tools_tokens: About how many tokens describe the tools.
        form_tokens: About how many tokens describe the form of the answer.
        calls: How many calls it makes: one, or one per item.
        input_tokens: About how many tokens the messages of all calls have.
        output_tokens_limit: The longest possible answer, in tokens; assumed if nothing limits it.
        price_usd: The highest price of all calls, in US dollars; null if unknown.
        is_bound: Whether that is an upper bound; otherwise some of what is sent is not known yet.
        expected_price_usd: What they cost if the answers are as long as earlier ones; null if
            unknown.
        most_usd: The most that it may cost with all rounds of tools, and a second question where an
            answer does not fit its form; null if unknown.
        mode: Where a run would take answers from.
        on_record: How many of the calls have a recorded answer.
        fields: What is known of each field, each once; at most 500.
        lookalikes: What looks like a field and is sent as text.
        problems: Why it would not be sent, a sentence each.
        later: What is missing here and is sent, a sentence each.
        notices: Notices about what is sent, a sentence each.
        values: ``now``: filled with the variables as they are; ``before``: something runs, and they
            are as they were when they were last looked at; ``nothing``: no kernel has run yet.
        shared_prefix: What the first of the calls has in common with an earlier one.
        models: What other models would take, in the order in which they were asked for.
    """

    provider: str
    model: str
    messages: tuple[DraftMessage, ...]
    message_count: int
    tools_tokens: int
    form_tokens: int
    calls: int
    input_tokens: int
    output_tokens_limit: int
    price_usd: float | None
    is_bound: bool
    expected_price_usd: float | None
    most_usd: float | None
    mode: Mode
    on_record: int
    fields: tuple[DraftField, ...]
    lookalikes: tuple[DraftLookalike, ...]
    problems: tuple[str, ...]
    later: tuple[str, ...]
    notices: tuple[str, ...]
    values: ValuesOf
    shared_prefix: SharedPrefix | None = None
    models: tuple[ModelOffer, ...] = ()


class PricedDraft(Struct, frozen=True, kw_only=True):
    """The requests of a draft, and what they take.

    Attributes:
        contexts: One a call; empty where they cannot be made.
        provider: Who would answer.
        model: Which model.
        input_tokens: About how many tokens the messages of all calls have.
        output_tokens_limit: Of one answer.
        price_usd: The highest price of all calls; None: unknown.
        expected_output_tokens: Of one answer, as earlier ones were; None: there were none.
        expected_price_usd: With answers of that length.
        most_usd: With all that may follow.
        on_record: How many of the calls have a recorded answer.
        problem: Why they cannot be made; empty where they can.
    """

    contexts: tuple[CallContext, ...] = ()
    provider: str
    model: str
    input_tokens: int = 0
    output_tokens_limit: int = 0
    price_usd: float | None = None
    expected_output_tokens: int | None = None
    expected_price_usd: float | None = None
    most_usd: float | None = None
    on_record: int = 0
    problem: str = ""


async def price(
    draft: PreparedDraft,
    notebook: Notebook,
    model_caller: ModelCaller,
    record: OutlinedLedger,
    replay: Replay,
) -> PricedDraft:
    """Make the requests of a draft, and say what they take; nothing is sent.

    Args:
        draft: The prompt, as far as it was prepared.
        notebook: Its notebook.
        model_caller: Would send them.
        record: The notebook's record.
        replay: Finds answers in it, each once, as a run does.
    """
    cell = draft.cell
    path = model_caller.route(cell, notebook)
    if draft.prepared is None:
        return PricedDraft(provider=path.provider, model=path.model or "")
    model_calls = list(first_calls(cell, draft.prepared, notebook))
    problem = ""
    contexts: list[CallContext] = []
    try:
        contexts = [
            model_caller.requests.build(model_call, preview=True)[1] for model_call in model_calls
        ]
        requests = [context.request for context in contexts]
        provider, model = contexts[0].provider, requests[0].model
    except LLMReplError as error:
        contexts, problem = [], str(error)
        provider, model = path.provider, path.model or ""
        requests = [_request(model_call, model) for model_call in model_calls]
    tokens = sum(map(estimate_tokens, requests))
    allowance = output_allowance(requests[0])
    expected = _expected_output(record, cell, provider, model)
    priced = PricedDraft(
        contexts=tuple(contexts),
        provider=provider,
        model=model,
        input_tokens=tokens,
        output_tokens_limit=allowance,
        expected_output_tokens=expected,
        on_record=0 if problem else await _count_on_record(contexts, model_calls, replay),
        problem=problem,
    )
    # In a thread, as it may read the list of prices.
    return await asyncio.to_thread(_with_prices, priced, cell, model_caller)


async def preview_draft(
    draft: PreparedDraft,
    notebook: Notebook,
    model_caller: ModelCaller,
    record: OutlinedLedger,
    *,
    mode: Mode,
    models: Sequence[str] = (),
) -> DraftPreview:
    """What a prompt would send that is being written; nothing is sent.

    Args:
        draft: The prompt, as far as it was prepared.
        notebook: Its notebook.
        model_caller: Would send it.
        record: The notebook's record.
        mode: Where a run would take answers from.
        models: Which other models are to say what they would take.
    """
    priced = await price(draft, notebook, model_caller, record, replay_of(notebook, record))
    prepared = draft.prepared
    offers = [await _offer(draft, name, notebook, model_caller, record) for name in models]
    problems = [*draft.problems, *([priced.problem] if priced.problem else [])]
    shown: list[DraftMessage] = []
    notices: tuple[str, ...] = ()
    request = _request_shown(draft, priced, notebook)
    if prepared is not None and request is not None:
        notices = prepared.notices
        sourced = list(with_sources(request.messages, prepared.conversations[0].messages))
        own_last = len(sourced) - 1
        for place, (message, cell_id) in enumerate(sourced[:_MESSAGES]):
            pieces: tuple[DraftPiece, ...] = ()
            if place == own_last:
                pieces = draft.pieces["content"]
            elif message.role == "system" and place == 0:
                pieces = draft.pieces["system"]
            shown.append(_shown(message, cell_id, pieces))
    first = priced.contexts[0] if priced.contexts else None
    return DraftPreview(
        provider=priced.provider,
        model=priced.model,
        messages=tuple(shown),
        message_count=0 if request is None else len(request.messages),
        tools_tokens=_part_tokens(request, "tools"),
        form_tokens=_part_tokens(request, "answer_schema"),
        calls=0 if prepared is None else len(prepared.conversations),
        input_tokens=priced.input_tokens,
        output_tokens_limit=priced.output_tokens_limit,
        price_usd=priced.price_usd,
        is_bound=draft.is_whole,
        expected_price_usd=priced.expected_price_usd,
        most_usd=priced.most_usd,
        mode=mode,
        on_record=priced.on_record if draft.is_whole else 0,
        fields=draft.fields,
        lookalikes=draft.lookalikes,
        problems=tuple(problems),
        later=draft.later,
        notices=notices,
        values=draft.values,
        shared_prefix=None
        if first is None
        else await shared_prefix_of(first, model_caller, calls=_RECENT_CALLS),
        models=tuple(offers),
    )


def replay_of(notebook: Notebook, record: OutlinedLedger) -> Replay:
    """What finds answers for one run of a notebook.

    Args:
        notebook: The notebook.
        record: Its record.
    """
    prompts = [cell.id for cell in notebook if isinstance(cell, PromptCell)]
    return Replay(record, notebook.id, cell_ids=prompts)


async def _offer(
    draft: PreparedDraft,
    name: str,
    notebook: Notebook,
    model_caller: ModelCaller,
    record: OutlinedLedger,
) -> ModelOffer:
    other = draft.cell.copy(id=draft.cell.id)
    assert isinstance(other, PromptCell)
    other.model, other.provider = name or None, None
    priced = await price(
        structs.replace(draft, cell=other),
        notebook,
        model_caller,
        record,
        replay_of(notebook, record),
    )
    return ModelOffer(
        model=name,
        provider=priced.provider,
        price_usd=priced.price_usd,
        on_record=priced.on_record if draft.is_whole else 0,
        problem=priced.problem,
    )


async def _count_on_record(
    contexts: Sequence[CallContext], model_calls: Sequence[ModelCall], replay: Replay
) -> int:
    found = 0
    for context, model_call in zip(contexts, model_calls, strict=True):
        try:
            identity = identity_of(canonical_request(context.provider, context.request))
        except LLMReplError:
            return found
        found += await replay.find(identity, model_call.place) is not None
    return found


def _with_prices(priced: PricedDraft, cell: PromptCell, model_caller: ModelCaller) -> PricedDraft:
    calls = max(1, len(priced.contexts))
    prices, provider, model = model_caller.prices, priced.provider, priced.model
    tokens, allowance = priced.input_tokens, priced.output_tokens_limit
    usd = prices.estimate_usd(provider, model, tokens, allowance * calls)
    expected = None
    if priced.expected_output_tokens is not None:
        expected = prices.estimate_usd(
            provider, model, tokens, priced.expected_output_tokens * calls
        )
    most = None
    if usd is not None:
        each = Spending(calls=1, tokens=tokens // calls + allowance, usd=usd / calls)
        after = model_caller.cost_bounds.after(cell, provider, model, each)
        most = None if after is None else usd + calls * after.nano_usd / 1e9
    return structs.replace(priced, price_usd=usd, expected_price_usd=expected, most_usd=most)


def _expected_output(
    outline: OutlinedLedger, cell: PromptCell, provider: str, model: str
) -> int | None:
    """How long an answer is, as earlier ones of the cell were, else of the model."""
    counts = [
        record.usage.output_tokens
        for record in outline.alike(cell.id, provider, model, _EARLIER)
        if record.usage is not None and record.usage.output_tokens is not None
    ]
    return sum(counts) // len(counts) if counts else None


def _request(model_call: ModelCall, model: str) -> Request:
    return Request(
        model=model,
        messages=model_call.messages,
        options=dict(model_call.cell.parameters),
        tools=model_call.tools,
        answer_schema=model_call.answer_schema,
    )


def _request_shown(draft: PreparedDraft, priced: PricedDraft, notebook: Notebook) -> Request | None:
    if priced.contexts:
        return priced.contexts[0].request
    if draft.prepared is None:
        return None
    return _request(next(first_calls(draft.cell, draft.prepared, notebook)), priced.model)


def _part_tokens(request: Request | None, part: str) -> int:
    if request is None or not getattr(request, part):
        return 0
    without = structs.replace(request, **{part: () if part == "tools" else None})
    return estimate_tokens(request) - estimate_tokens(without)


def _shown(message: Message, cell_id: str | None, pieces: tuple[DraftPiece, ...]) -> DraftMessage:
    content = message.content
    is_filled = any(piece.field for piece in pieces) and len(content) <= _CHARACTERS
    if not is_filled or "".join(piece.text for piece in pieces) != content:
        pieces = ()
    return DraftMessage(
        role=message.role,
        content=content[:_CHARACTERS],
        characters=len(content),
        cell_id=cell_id,
        attachments=tuple(file.name or file.media_type for file in message.attachments),
        tokens=estimate_message_tokens(message),
        pieces=pieces,
    )
