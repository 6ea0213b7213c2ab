"""What is asked of a model, and what it gives back."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from llm_repl_core.errors import ProviderError
from llm_repl_core.ledger.record import CallPlace, CallSource
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import AnswerSchema, Message, Tool
from llm_repl_core.providers.turn import Turn

__all__ = ["CallLimit", "CallListener", "ModelCall", "ModelReply"]


class ModelCall(Struct, frozen=True, kw_only=True):
    """What a model is to be asked, before it is known who answers.

    Attributes:
        notebook: The cell's notebook.
        cell: The prompt, which may say who answers.
        run_id: The run's UUID.
        place: Where in the notebook.
        messages: The turns.
        recorded_as: The turns as an earlier version asked them, which may be on record; None: alike.
        tools: The tools that the model may call.
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


CallLimit: TypeAlias = Literal["provider", "run", "budget"]
"""What a call may have to wait for before it is sent."""


class CallListener(Protocol):
    """Who hears of a call while it is under way."""

    def on_queued(
        self,
        limit: CallLimit,
        provider: str,
        place: int,
        at_once: int | None,
        pause_s: float | None = None,
    ) -> None:
        """The call has to wait.

        Args:
            limit: For what.
            provider: Who is to be asked.
            place: Its place among those that wait for the same, from 1.
            at_once: How many calls are made at once; None: that is not what it waits for.
            pause_s: How long the provider is still left in peace, as it asked; None: it is not.
        """

    def on_begin(self, call_id: str) -> None:
        """The call is about to be sent.

        Args:
            call_id: The call's id on record.
        """

    def on_text(self, text: str) -> None:
        """A piece of the answer has come."""

    def on_reasoning(self, text: str) -> None:
        """A piece of what the model thinks before its answer has come."""

    def on_retry(self, attempt: int, error: ProviderError, wait_s: float) -> None:
        """An attempt has failed; what had come of the answer is void.

        Args:
            attempt: How many have failed, from 1.
            error: Why.
            wait_s: How long until the next.
        """


class ModelReply(Struct, frozen=True, kw_only=True):
    """What a model gave back.

    Attributes:
        call_id: The call on record that was answered with this.
        provider: Who answered.
        model: The model that answered; the one that was asked for where the provider is silent.
        turn: What it said.
        source: Whether it was asked, or taken from the record.
        price_usd: What it cost, in US dollars; None: not known, or nobody was asked.
    """

    call_id: str
    provider: str
    model: str
    turn: Turn
    source: CallSource = "live"
    price_usd: float | None = None
