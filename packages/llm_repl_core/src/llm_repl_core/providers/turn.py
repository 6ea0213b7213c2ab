"""A model's turn, put together from the deltas in which it comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct, field, structs

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta, ToolCall
from llm_repl_core.providers.finish_reasons import FinishReason
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Part,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    TokenLogprob,
    ToolCallPlace,
)
from llm_repl_core.providers.usage import Usage

__all__ = ["Turn", "TurnBuilder", "reasoning_of", "refusal_of", "text_of"]

PartT = TypeVar("PartT", Citation, Media, Reasoning, Refusal, ServerToolCall, Text)


class Turn(Struct, frozen=True, kw_only=True):
    """All that a model said in answer to one request.

    Attributes:
        text: The answer.
        reasoning: What can be read of what the model thought.
        parts: All that the turn was made of, in order; empty where it is its reasoning, its text,
            then its calls, and nothing else.
        logprobs: Of the text's tokens, where they were asked for.
        tool_calls: What the model asks to have called.
        provider_data: What goes back with this turn; see `Message`.
        usage: What it took, where the provider counts.
        finish_reason: Why it ended, where the provider says it.
        provider_finish_reason: The provider's own word for it, if it differs.
        model: The model that answered, if the provider says so.
    """

    text: str = ""
    reasoning: str = ""
    parts: tuple[Part, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    provider_data: dict[str, JSONValue] = field(default_factory=dict)
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    provider_finish_reason: str | None = None
    model: str | None = None

    def of_kind(self, kind: type[PartT]) -> tuple[PartT, ...]:
        """Its parts of one kind, in order.

        Args:
            kind: For instance `Citation`.
        """
        return tuple(part for part in self.parts if isinstance(part, kind))


class TurnBuilder:
    """Puts a turn together.

    Example:
        >>> builder = TurnBuilder()
        >>> builder.add(Delta(reasoning="Hm.", text="Ye"))
        >>> builder.add(Delta(text="s", finish_reason="stop"))
        >>> turn = builder.turn()
        >>> turn.reasoning, turn.text, turn.parts
        ('Hm.', 'Yes', ())
    """

    def __init__(self) -> None:
        self._run: list[str] = []
        self._run_kind: type[Text | Reasoning] | None = None
        self._parts: list[Part] = []
        self._is_plain = True
        self._logprobs: list[TokenLogprob] = []
        self._tool_calls: list[ToolCall] = []
        self._provider_data: dict[str, JSONValue] = {}
        self._usage: Usage | None = None
        self._finish_reason: FinishReason | None = None
        self._provider_finish_reason: str | None = None
        self._model: str | None = None

    @property
    def text(self) -> str:
        """The answer, as far as it has come."""
        return text_of(self._parts) + self._run_of(Text)

    @property
    def reasoning(self) -> str:
        """What can be read of what the model thought, as far as it has come."""
        return reasoning_of(self._parts) + self._run_of(Reasoning)

    def add(self, delta: Delta) -> None:
        """Take a delta in."""
        if delta.replaces_text:
            self._forget_text()
        if delta.reasoning:
            self._say(Reasoning, delta.reasoning)
        if delta.text:
            self._say(Text, delta.text)
        if delta.parts:
            for part in delta.parts:
                self._add_part(part)
        if delta.tool_calls:
            self._end_run()
            self._parts += [ToolCallPlace(id=call.id) for call in delta.tool_calls]
            self._tool_calls += delta.tool_calls
        if delta.logprobs:
            self._logprobs += delta.logprobs
        if delta.provider_data:
            self._provider_data |= delta.provider_data
        if delta.usage or delta.finish_reason or delta.model:
            self._note_end(delta)

    def _note_end(self, delta: Delta) -> None:
        self._usage = delta.usage or self._usage
        self._finish_reason = delta.finish_reason or self._finish_reason
        self._provider_finish_reason = delta.provider_finish_reason or self._provider_finish_reason
        self._model = delta.model or self._model

    def turn(self) -> Turn:
        """What has come."""
        self._end_run()
        return Turn(
            text=self.text,
            reasoning=self.reasoning,
            parts=() if self._is_plain else tuple(self._parts),
            logprobs=tuple(self._logprobs),
            tool_calls=tuple(self._tool_calls),
            provider_data=dict(self._provider_data),
            usage=self._usage,
            finish_reason=self._finish_reason,
            provider_finish_reason=self._provider_finish_reason,
            model=self._model,
        )

    def _say(self, kind: type[Text | Reasoning], piece: str) -> None:
        if self._run_kind is not kind:
            self._end_run()
            self._run_kind = kind
        self._run.append(piece)

    def _run_of(self, kind: type[Text | Reasoning]) -> str:
        return "".join(self._run) if self._run_kind is kind else ""

    def _end_run(self) -> None:
        if self._run_kind is not None:
            self._parts.append(self._run_kind(text="".join(self._run)))
            self._run_kind = None
            self._run.clear()

    def _add_part(self, part: Part) -> None:
        self._is_plain = False
        if isinstance(part, Text | Reasoning):
            kind = type(part)
            if part.text:
                self._end_run()
                self._say(kind, part.text)
                text = part.text
            else:
                text = self._run_of(kind)
            if self._run_kind is kind:
                self._run_kind = None
                self._run.clear()
            part = structs.replace(part, text=text)
        self._end_run()
        self._parts.append(part)

    def _forget_text(self) -> None:
        if self._run_kind is Text:
            self._run_kind = None
            self._run.clear()
        self._parts = [part for part in self._parts if not isinstance(part, Text)]


def text_of(parts: Iterable[Part]) -> str:
    """The answer that is among a turn's parts."""
    return "".join(part.text for part in parts if isinstance(part, Text))


def reasoning_of(parts: Iterable[Part]) -> str:
    """What can be read of the reasoning among a turn's parts."""
    return "".join(part.text for part in parts if isinstance(part, Reasoning))


def refusal_of(parts: Iterable[Part]) -> str | None:
    """Why the model does not answer, in its words; None: it does not say."""
    found = [part.text for part in parts if isinstance(part, Refusal)]
    return "".join(found) if found else None
