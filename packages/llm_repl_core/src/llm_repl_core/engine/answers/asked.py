"""Who is asked side by side, and what comes of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = ["AskedAnswer", "AskedModel"]


class AskedModel(Struct, frozen=True, kw_only=True):
    """Who is asked, and how; what is None is as the prompt has it.

    Attributes:
        model: The model's name, optionally after the provider's and a slash.
        provider: The provider's name.
        temperature: From 0 to 2.
        reasoning_effort: How much the model is to think.
        parameters: Further parameters of the call, in the place of the prompt's.
    """

    model: str | None = None
    provider: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    reasoning_effort: ReasoningEffort | None = None
    parameters: dict[str, JSONValue] | None = None

    def of(self, cell: PromptCell) -> PromptCell:
        """The prompt as it asks this one.

        Raises:
            InvalidInput: A value does not fit.
        """
        changes = {name: value for name, value in asdict(self).items() if value is not None}
        if self.model is not None and self.provider is None:
            changes["provider"] = None  # the model's name says it, or the notebook does
        asked = cell.copy(id=cell.id)
        asked.change(**changes)
        assert isinstance(asked, PromptCell)
        return asked


class AskedAnswer(Struct, kw_only=True):
    """An answer of one of several that are asked.

    Attributes:
        candidate: Its place among them, from 0.
        state: How far it is.
        model: Who was asked; null: as the prompt has it.
        text: What has come.
        value: Of a structured answer: its value.
        call_id: The call, by which it is taken into use; null: there is none.
        provider: Who answered.
        answered_by: The model that answered.
        duration_s: How long it took.
        output_tokens: Of the answer.
        finish_reason: Why it ended.
        error: Why there is no answer.
    """

    candidate: int
    state: Literal["running", "completed", "failed", "interrupted"] = "running"
    model: str | None = None
    text: str = ""
    value: Any = None
    call_id: str | None = None
    provider: str | None = None
    answered_by: str | None = None
    duration_s: float | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    error: str | None = None
