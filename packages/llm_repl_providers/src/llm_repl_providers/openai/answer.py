"""An answer that is put together from the chunks of a stream."""

from __future__ import annotations

from typing import Any

from llm_repl_core.errors import AnswerBroken, ContentRefused
from llm_repl_core.providers.base import Delta, ToolCall, Usage
from llm_repl_providers.openai.tool_calls import ToolCalls

__all__ = ["Answer"]


class Answer:
    """What has come of an answer so far.

    Servers that speak OpenAI's protocol differ: nothing in a chunk is taken for granted.

    Args:
        where: How messages name the server.
        calls_before: How many tools were called earlier in the conversation.
    """

    def __init__(self, where: str, *, calls_before: int = 0) -> None:
        self._where = where
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._refusal: list[str] = []
        self._tool_calls = ToolCalls(calls_before)
        self._has_choice = False

    def add(self, chunk: Any) -> str:
        """Take a chunk, as it came in JSON, in; its text is returned."""
        if not isinstance(chunk, dict):
            return ""
        model = chunk.get("model")
        if isinstance(model, str) and model:
            self._model = model
        # Some servers count after each chunk: the last count is the one of the whole answer.
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self._usage = _usage(usage)
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = choices[0]
        if choice.get("index", 0) not in (0, None):
            return ""  # of a second answer, which an option `n` asks for
        self._has_choice = True
        finish_reason = choice.get("finish_reason")
        if isinstance(finish_reason, str) and finish_reason:
            self._finish_reason = finish_reason
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return ""
        refusal = delta.get("refusal")
        if isinstance(refusal, str):
            self._refusal.append(refusal)
        if "tool_calls" in delta:
            self._tool_calls.add(delta["tool_calls"])
        text = delta.get("content")
        return text if isinstance(text, str) else ""

    def last(self) -> Delta:
        """What ends the answer.

        Raises:
            AnswerBroken: It is not complete.
            ContentRefused: A filter, or the model itself, stopped it.
        """
        if not self._has_choice:
            raise AnswerBroken(
                f"{self._where} answered without an answer in it: if this goes on, see whether "
                "`base_url` is right; it usually ends in /v1."
            )
        if self._finish_reason is None:
            raise AnswerBroken(f"{self._where} broke off in the middle of its answer.")
        if self._finish_reason == "content_filter":
            raise ContentRefused(
                f"The content filter of {_inside(self._where)} stopped the answer."
            )
        refusal = " ".join("".join(self._refusal).split())
        if refusal:
            raise ContentRefused(f"The model {self._model or ''} refused: {refusal}")
        return Delta(usage=self._usage, finish_reason=self._finish_reason, model=self._model)

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that it asks to have called; to be taken when it is complete.

        Raises:
            AnswerBroken: One has no name.
        """
        return self._tool_calls.whole(self._where)


def _inside(where: str) -> str:
    return where[:1].lower() + where[1:]


def _usage(record: dict[str, Any]) -> Usage:
    raw = {key: value for key, value in record.items() if value is not None}
    return Usage(
        input_tokens=_count(raw.get("prompt_tokens")),
        output_tokens=_count(raw.get("completion_tokens")),
        raw=raw,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
