"""A call to a model as it is kept: data only."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct, field

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import ToolCall, Usage

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
        step: Which request of the prompt, from 0: a model that asks for tools is asked again.
        position: The cell's index in the notebook, from 0.
    """

    cell_id: str
    item: int | None = None
    step: int = 0
    position: int = 0


class Attempt(Struct, frozen=True, kw_only=True):
    """One try at a call.

    Attributes:
        started_at: When it was sent.
        duration_s: Until its end.
        error: One line of text; None: it was answered.
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
        body: What the provider sent, exactly, but for the key; attachments by their hash.
        source: Where the answer came from.
        original_id: The call whose answer this is, where ``source`` is not ``live``.
        state: Whether it has ended, and how.
        started_at: When it was recorded.
        duration_s: From then to its end; None while it runs.
        first_token_s: From the sending to the first text; None where there was none.
        attempts: Each try, where it was sent.
        text: The answer, or what had come of it.
        reasoning: What the model thought before, where it says it.
        tool_calls: What the model asked to have called.
        provider_data: What goes back with this turn, unchanged; see `Message`.
        answered_by: The model that answered, where the provider says it.
        finish_reason: Why the answer ended, where the provider says it.
        usage: What the provider counted, its own record included.
        price_usd: What it cost by the list of prices; None where that has no price for it.
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
    provider_data: dict[str, JSONValue] = field(default_factory=dict)
    answered_by: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    price_usd: float | None = None
    error: CallError | None = None


def place_order(place: CallPlace) -> tuple[int, int, int]:
    """By which places are sorted: as the document has them, then by item, then by step."""
    return (place.position, -1 if place.item is None else place.item, place.step)
