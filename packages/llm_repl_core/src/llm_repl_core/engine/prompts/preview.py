"""What running a prompt would send: looked at, not sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from llm_repl_core.engine.calls import ModelCaller
from llm_repl_core.engine.kernel_manager import KernelManager
from llm_repl_core.engine.prompts.context import SourcedMessage
from llm_repl_core.engine.prompts.prepare import PreparedPrompt, needs_kernel, prepare
from llm_repl_core.engine.prompts.shared_prefix import (
    RECENT_CALLS,
    SharedPrefix,
    find_shared_prefix,
)
from llm_repl_core.engine.tokens import estimate_tokens, output_allowance
from llm_repl_core.errors import InvalidInput, ProviderError, StorageError
from llm_repl_core.execution.model_calls import ModelCall
from llm_repl_core.ledger.bodies import recorded_body
from llm_repl_core.ledger.identity import canonical_request
from llm_repl_core.ledger.record import CallPlace
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.contexts import CallContext
from llm_repl_core.providers.base import Message

__all__ = [
    "Preview",
    "PreviewedMessage",
    "first_calls",
    "make_preview",
    "shared_prefix_of",
    "with_sources",
]


class PreviewedMessage(Struct, frozen=True, kw_only=True):
    """A message, and where it comes from.

    Attributes:
        role: Who speaks.
        content: What is said.
        cell_id: The cell it comes from; None: the notebook's system prompt, or a plugin.
        attachments: The names of its attachments.
    """

    role: str
    content: str
    cell_id: str | None
    attachments: tuple[str, ...] = ()


class Preview(Struct, frozen=True, kw_only=True):
    """What a prompt would send.

    Attributes:
        provider: The provider that would answer.
        model: Which model.
        messages: The messages, in order; for a prompt over items, those of the first item.
        body: The exact request body, without the key; attachments by their hash.
        calls: How many calls it makes: one, or one per item.
        input_tokens: Of the messages of all calls.
        tokens_are_exact: Whether the provider counted the tokens; otherwise they are an estimate.
        output_tokens_limit: The longest possible answer, in tokens; assumed if nothing limits it.
        price_usd: The highest price of all calls, in US dollars; None if unknown.
        notices: Notices about what is sent, one sentence each.
        shared_prefix: What the first of the calls has in common with an earlier one, so that the
            provider's prompt cache may have it; None: nothing.
    """

    provider: str
    model: str
    messages: tuple[PreviewedMessage, ...]
    body: dict[str, JSONValue]
    calls: int
    input_tokens: int
    tokens_are_exact: bool
    output_tokens_limit: int
    price_usd: float | None
    notices: tuple[str, ...] = ()
    shared_prefix: SharedPrefix | None = None


async def make_preview(cell_id: str, kernels: KernelManager, model_caller: ModelCaller) -> Preview:
    """Prepare a prompt as for a run, and look at its request.

    Args:
        cell_id: The prompt.
        kernels: Has the notebook's kernel, which nothing else uses meanwhile.
        model_caller: Would send the request.

    Raises:
        CellNotFound: There is no such cell.
        InvalidInput: It is no prompt, or cannot be filled.
        ProviderNotFound: It names a provider that is not installed.
    """
    notebook = kernels.notebook
    cell = notebook[cell_id]
    if not isinstance(cell, PromptCell):
        raise InvalidInput(
            f"Only a prompt has a preview, and cell {notebook.index(cell_id) + 1} is "
            f"a {cell.type or 'foreign'} cell."
        )
    if needs_kernel(cell, notebook):
        await kernels.ensure()
    prepared = await prepare(cell, notebook, kernels.kernel, keep=True)
    if not prepared.conversations:
        raise InvalidInput("`for_each` has no items, so nothing would be sent.")
    calls = [
        model_caller.requests.build(model_call, preview=True)
        for model_call in first_calls(cell, prepared, notebook)
    ]
    provider, first = calls[0]
    try:
        counts = [await provider.count_tokens(context.request) for _, context in calls]
    except ProviderError:
        counts = [None]
    exact = [count for count in counts if count is not None]
    are_exact = len(exact) == len(calls)
    input_tokens = (
        sum(exact) if are_exact else sum(estimate_tokens(context.request) for _, context in calls)
    )
    limit = output_allowance(first.request)
    return Preview(
        provider=first.provider,
        model=first.request.model,
        messages=tuple(
            PreviewedMessage(
                role=message.role,
                content=message.content,
                cell_id=cell_id,
                attachments=tuple(
                    attachment.name or attachment.media_type for attachment in message.attachments
                ),
            )
            for message, cell_id in with_sources(
                first.request.messages, prepared.conversations[0].messages
            )
        ),
        body=recorded_body(provider.body(first.request), first.request),
        calls=len(calls),
        input_tokens=input_tokens,
        tokens_are_exact=are_exact,
        output_tokens_limit=limit,
        price_usd=model_caller.prices.estimate_usd(
            first.provider, first.request.model, input_tokens, limit * len(calls)
        ),
        notices=prepared.notices,
        shared_prefix=await shared_prefix_of(first, model_caller),
    )


async def shared_prefix_of(
    context: CallContext, model_caller: ModelCaller, *, calls: int = RECENT_CALLS
) -> SharedPrefix | None:
    """What a request has in common with an earlier one of its notebook.

    Args:
        context: The request.
        model_caller: Has the record.
        calls: How many of the notebook's latest calls are looked at.
    """
    try:
        records = await model_caller.ledger.latest(context.notebook.id, calls)
    except StorageError:
        return None  # it is told where it matters: in a run
    canonical = canonical_request(context.provider, context.request)
    return find_shared_prefix(
        records, context.provider, context.request, canonical, model_caller.prices
    )


def first_calls(
    cell: PromptCell, prepared: PreparedPrompt, notebook: Notebook
) -> Iterator[ModelCall]:
    """The first call of each conversation of a prompt.

    Args:
        cell: The prompt.
        prepared: What was read of the state.
        notebook: Its notebook.
    """
    for conversation in prepared.conversations:
        yield ModelCall(
            notebook=notebook,
            cell=cell,
            run_id="",
            place=CallPlace(cell_id=cell.id, item=conversation.item, position=prepared.position),
            messages=tuple(turn.message for turn in conversation.messages),
            tools=prepared.tools,
            answer_schema=None if prepared.form is None else prepared.form.schema,
        )


def with_sources(
    messages: Sequence[Message], prepared: Sequence[SourcedMessage]
) -> Iterator[tuple[Message, str | None]]:
    """Each turn with the cell that it is from. A plugin may have put in, left out or changed some.

    Args:
        messages: What is sent.
        prepared: What was prepared, before the plugins.
    """
    sources = {id(turn.message): turn.cell_id for turn in prepared}
    as_many = len(messages) == len(prepared)
    for place, message in enumerate(messages):
        by_place = prepared[place].cell_id if as_many else None
        yield message, sources.get(id(message), by_place)
