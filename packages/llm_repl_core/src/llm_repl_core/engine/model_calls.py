"""What is asked of a model, by which rules, and what it gives back: data only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from llm_repl_core.engine.admission import Admission
from llm_repl_core.errors import ProviderError
from llm_repl_core.ledger.record import CallPlace, CallSource, Mode
from llm_repl_core.ledger.replay import Replay
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import AnswerSchema, Message, Tool
from llm_repl_core.providers.turn import Turn

__all__ = ["CallListener", "CallPolicy", "ModelCall", "ModelReply"]


class CallPolicy(Struct, frozen=True, kw_only=True):
    """What a run allows its calls.

    Attributes:
        mode: Whether they are sent.
        replay: Finds answers on record, for this run.
        slots: How many may be under way.
        admission: Lets them in, as far as the budgets bear them.
        how_to_go_on: Says how to ask only for items that have no answer, in a sentence.
        allow_unpriced: Whether one without a known price may be sent where money is limited.
        speculate: Whether calls are sent ahead of the order of the document.
        unpriced_before: Why the notebook's budget of money cannot be kept; empty where it can.
    """

    mode: Mode
    replay: Replay
    slots: asyncio.Semaphore
    admission: Admission
    how_to_go_on: Callable[[], str]
    allow_unpriced: bool = False
    speculate: bool = True
    unpriced_before: str = ""


class ModelCall(Struct, frozen=True, kw_only=True):
    """What a model is to be asked, before it is known who answers.

    Attributes:
        notebook: The cell's notebook.
        cell: The prompt, which may say who answers.
        run_id: The run's UUID.
        place: Where in the notebook.
        messages: The turns.
        recorded_as: The turns as an earlier version asked them, which may be on record; None: alike.
        tools: What the model may ask to have called.
        answer_schema: The form of the answer.
    """

    notebook: Notebook
    cell: PromptCell
    run_id: str
    place: CallPlace
    messages: tuple[Message, ...]
    recorded_as: tuple[Message, ...] | None = None
    tools: tuple[Tool, ...] = ()
    answer_schema: AnswerSchema | None = None


class CallListener(Struct, frozen=True, kw_only=True):
    """Who is told while a call is under way.

    Attributes:
        on_begin: Called with the call's id, before it is sent.
        on_text: Called with each piece of the answer.
        on_reasoning: Called with each piece of what the model thinks before it.
        on_retry: Called with how many attempts have failed, why, and how long the wait is; what
            had come of the answer is void then.
    """

    on_begin: Callable[[str], None]
    on_text: Callable[[str], None]
    on_reasoning: Callable[[str], None]
    on_retry: Callable[[int, ProviderError, float], None]


class ModelReply(Struct, frozen=True, kw_only=True):
    """What a model gave back.

    Attributes:
        call_id: The call on record that was answered with this.
        provider: Who answered.
        model: The model that answered; the one that was asked for where the provider is silent.
        turn: What it said.
        source: Whether it was asked, or taken from the record.
    """

    call_id: str
    provider: str
    model: str
    turn: Turn
    source: CallSource = "live"
