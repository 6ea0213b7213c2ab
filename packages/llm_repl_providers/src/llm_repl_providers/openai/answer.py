"""An answer that is put together from the chunks of a stream."""

from __future__ import annotations

from typing import Any

from llm_repl_core.errors import AnswerBroken, ContentRefused
from llm_repl_core.providers.base import Delta, Usage

__all__ = ["Answer"]


class Answer:
    """What has come of an answer so far.

    The SDK does not validate chunks, and servers that speak OpenAI's protocol differ: nothing
    in a chunk is taken for granted.

    Args:
        where: How messages name the server.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._refusal: list[str] = []
        self._has_choice = False

    def add(self, chunk: Any) -> str:
        """Take a chunk in; its text is returned."""
        model = getattr(chunk, "model", None)
        if isinstance(model, str) and model:
            self._model = model
        # Some servers count after each chunk: the last count is the one of the whole answer.
        self._usage = _usage(getattr(chunk, "usage", None)) or self._usage
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list) or not choices:
            return ""
        choice = choices[0]
        if getattr(choice, "index", 0) not in {0, None}:
            return ""  # of a second answer, which an option `n` asks for
        self._has_choice = True
        finish_reason = getattr(choice, "finish_reason", None)
        if isinstance(finish_reason, str) and finish_reason:
            self._finish_reason = finish_reason
        delta = getattr(choice, "delta", None)
        refusal = getattr(delta, "refusal", None)
        if isinstance(refusal, str):
            self._refusal.append(refusal)
        text = getattr(delta, "content", None)
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


def _inside(where: str) -> str:
    return where[:1].lower() + where[1:]


def _usage(record: Any) -> Usage | None:
    if hasattr(record, "to_dict"):
        # Without warnings: a server's own fields need not be of the types that the SDK expects.
        record = record.to_dict(mode="json", warnings=False)
    if not isinstance(record, dict):
        return None
    raw = {key: value for key, value in record.items() if value is not None}
    return Usage(
        input_tokens=_count(raw.get("prompt_tokens")),
        output_tokens=_count(raw.get("completion_tokens")),
        raw=raw,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
