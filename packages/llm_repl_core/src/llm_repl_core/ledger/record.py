"""A call to a model as it is kept: data only."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct, field, structs

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.providers.finish_reasons import FinishReason
from llm_repl_core.providers.parts import Part, TokenLogprob
from llm_repl_core.providers.turn import Turn
from llm_repl_core.providers.usage import Usage

__all__ = [
    "Attempt",
    "CallError",
    "CallPlace",
    "CallRecord",
    "CallSource",
    "CallState",
    "Mode",
    "place_order",
]

Mode: TypeAlias = Literal["live", "reuse", "replay"]
"""``live``: ask; ``reuse``: ask only what has no answer on record; ``replay``: never ask."""

CallState: TypeAlias = Literal["running", "completed", "failed", "interrupted", "superseded"]
"""``superseded``: sent ahead of its prompt's place, which then asked something else."""

CallSource: TypeAlias = Literal["live", "reuse", "replay"]
"""Where an answer came from: the provider, or a record, and then in which mode."""


class CallPlace(Struct, frozen=True, kw_only=True):
    """Where in a notebook a call is made.

    Attributes:
        cell_id: The prompt's cell.
        item: The index of the item in a prompt over items, from 0; None: no such prompt.
        step: Which request of the prompt, from 0; each round of tool calls is a further request.
        position: The cell's index in the notebook, from 0.
    """

    cell_id: str
    item: int | None = None
    step: int = 0
    position: int = 0


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at a call.

    Attributes:
        started_at: When it was sent.
        duration_s: The time until it ended.
        error: One line of text; None if it was answered.
    """

    started_at: datetime
    duration_s: float
    error: str | None = None


class CallError(Struct, frozen=True, kw_only=True):
    """Why a call failed.

    Attributes:
        type: The error's class name.
        message: One sentence.
    """

    type: str
    message: str


class CallRecord(Struct, frozen=True, kw_only=True):
    """A call to a model: recorded before it is sent, completed when it has ended.

    Attributes:
        id: A UUID.
        notebook_id: Which notebook.
        run_id: Which run of it.
        place: Where in the notebook.
        identity: The hash of the call's canonical JSON, in hexadecimal; see `identity`.
        provider: The provider's name.
        model: The model that was asked for.
        request: The canonical form of what was sent, attachments by their hash.
        body: The exact request body, without the key; attachments by their hash.
        source: Where the answer came from.
        original_id: The call whose answer was used, if ``source`` is not ``live``.
        state: The state of the call.
        started_at: When it was recorded.
        duration_s: The duration, in seconds; None while it runs.
        first_token_s: The time until the first text arrived, in seconds; None if there was none.
        attempts: Each attempt, if the call was sent.
        text: The answer, or the part of it that arrived.
        reasoning: The model's reasoning, if available.
        tool_calls: The model's tool calls.
        provider_data: What goes back with this turn, unchanged; see `Message`.
        parts: All that the turn was made of; see `Turn`.
        logprobs: Log probabilities of the answer's tokens, if they were requested.
        answered_by: The model that answered, if the provider says so.
        finish_reason: The finish reason, if the provider gives one.
        provider_finish_reason: The provider's own word for it, if it differs.
        usage: The provider's token counts, including its own data.
        price_usd: The price, in US dollars; None if unknown.
        error: Why it failed.
    """

    id: str
    notebook_id: str
    run_id: str
    place: CallPlace
    identity: str
    provider: str
    model: str
    request: dict[str, JSONValue]
    body: dict[str, JSONValue]
    source: CallSource = "live"
    original_id: str | None = None
    state: CallState = "running"
    started_at: datetime
    duration_s: float | None = None
    first_token_s: float | None = None
    attempts: tuple[Attempt, ...] = ()
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    provider_data: dict[str, JSONValue] = field(default_factory=dict, name="provider_fields")
    answered_by: str | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    price_usd: float | None = None
    error: CallError | None = None
    parts: tuple[Part, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    provider_finish_reason: str | None = None

    @property
    def turn(self) -> Turn:
        """What the model said."""
        return Turn(
            text=self.text,
            reasoning=self.reasoning,
            parts=self.parts,
            logprobs=self.logprobs,
            tool_calls=self.tool_calls,
            provider_data=self.provider_data,
            usage=self.usage,
            finish_reason=self.finish_reason,
            provider_finish_reason=self.provider_finish_reason,
            model=self.answered_by,
        )

    def with_turn(self, turn: Turn) -> CallRecord:
        """The same call, answered by a turn.

        Args:
            turn: What the model said.
        """
        return structs.replace(
            self,
            text=turn.text,
            reasoning=turn.reasoning,
            parts=turn.parts,
            logprobs=turn.logprobs,
            tool_calls=turn.tool_calls,
            provider_data=turn.provider_data,
            usage=turn.usage,
            finish_reason=turn.finish_reason,
            provider_finish_reason=turn.provider_finish_reason,
            answered_by=turn.model,
        )


def place_order(place: CallPlace) -> tuple[int, int, int]:
    """By which places are sorted: as the document has them, then by item, then by step."""
    return (place.position, -1 if place.item is None else place.item, place.step)
