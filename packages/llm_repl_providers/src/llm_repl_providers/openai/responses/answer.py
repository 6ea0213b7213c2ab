"""An answer of Responses, put together from its events, or from the one document that it is."""

from __future__ import annotations

from typing import Any, Final

from llm_repl_core.errors import AnswerBroken, AnswerEmpty, AnswerUnreadable
from llm_repl_core.providers.base import Delta, FinishReason, ToolCall, Usage
from llm_repl_core.providers.finish_reasons import read_finish_reason
from llm_repl_core.providers.parts import Refusal, TokenLogprob
from llm_repl_providers.openai.error_in_answer import ErrorInAnswer
from llm_repl_providers.openai.lenient_json import TextJoiner
from llm_repl_providers.openai.logprobs import read_logprobs
from llm_repl_providers.openai.responses.items import (
    OutputItem,
    OutputItems,
    citations,
    content_parts,
    kept_item,
    tool_call,
)
from llm_repl_providers.openai.responses.server_tools import item_parts
from llm_repl_providers.openai.usage import read_usage

__all__ = ["ResponsesAnswerReader"]

_TEXT_EVENTS: Final = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "summary",
    "response.reasoning_text.delta": "reasoning",
    # Of servers that follow earlier versions.
    "response.text.delta": "text",
    "response.reasoning.delta": "reasoning",
    "response.reasoning_summary.delta": "summary",
}
"""What brings a piece of text, and of which kind of content it is."""

_WHOLE_TEXT_EVENTS: Final = {
    "response.output_text.done": ("text", "text"),
    "response.refusal.done": ("refusal", "refusal"),
    "response.reasoning_summary_text.done": ("summary", "text"),
    "response.reasoning_text.done": ("reasoning", "text"),
}
"""What brings a whole text: of which kind of content it is, and the name under which it stands."""

_LAST_EVENTS: Final = frozenset({
    "response.completed", "response.incomplete", "response.failed", "response.cancelled",
    "response.done",
})  # fmt: skip

_NOT_ASKED_FOR: Final = frozenset({
    "apply_patch_call", "computer_call", "custom_tool_call", "local_shell_call",
    "mcp_approval_request", "shell_call",
})  # fmt: skip
"""Items that ask their reader to do something that LLM-REPL does not."""


class ResponsesAnswerReader:
    """Reads one answer.

    Text and reasoning are passed on as they stream; everything else when its item is whole. What
    was not streamed is taken from the whole items, and from the whole response in the end, so that
    servers may leave events out.

    Args:
        where: How messages name the server.
        keeps_items: Whether the items are kept beside what they say, to go back in the next
            request.
        calls_before: How many tools were called earlier in the conversation.
    """

    def __init__(self, where: str, *, keeps_items: bool = False, calls_before: int = 0) -> None:
        self._where = where
        self._keeps_items = keeps_items
        self._items = OutputItems()
        self._model: str | None = None
        self._response: dict[str, Any] | None = None
        self._text = TextJoiner()
        self._said_characters = 0
        self._calls_before = calls_before
        self._calls: list[ToolCall] = []
        self._held: list[Delta] = []
        self._has_reasoned = self._has_refused = False
        self._has_begun = False

    @property
    def is_whole(self) -> bool:
        """Whether the last event has come: what follows it, if anything, is no part of it."""
        return self._response is not None

    def add(self, document: Any) -> list[Delta]:
        """Take an event, or a whole response, in; what it adds is returned.

        Raises:
            ErrorInAnswer: It says that the response failed.
            AnswerBroken: It says that the response was cancelled.
            AnswerUnreadable: It says something in a form that is not known.
        """
        deltas = self._read(document) if isinstance(document, dict) else []
        if not self._calls:
            return deltas
        # A call is given when the whole answer is complete, and what came after it not before it.
        self._held += deltas
        return []

    def _read(self, document: dict[str, Any]) -> list[Delta]:
        kind = document.get("type")
        if kind in _TEXT_EVENTS:
            return self._add_text(document, _TEXT_EVENTS[kind])
        if kind in _WHOLE_TEXT_EVENTS:
            return self._add_whole_text(document, *_WHOLE_TEXT_EVENTS[kind])
        response = document.get("response")
        if isinstance(response, dict):
            self._note(response)
            return self._end_response(response) if kind in _LAST_EVENTS else []
        if document.get("object") == "response" or (
            kind is None and isinstance(document.get("output"), list)
        ):
            self._note(document)
            return self._end_response(document)
        return self._add_item_event(document, kind)

    def end(self, *, is_complete: bool) -> list[Delta]:
        """What ends the answer.

        Args:
            is_complete: Whether the server has said that nothing is missing.

        Raises:
            AnswerBroken: It is not complete.
            AnswerEmpty: It is, and there is no answer in it.
        """
        if not self._has_begun:
            kind = AnswerEmpty if is_complete else AnswerBroken
            raise kind(
                f"{self._where} answered without a response in it: see whether `base_url` is right, "
                "and whether the server has Responses; if not, set `api: chat`."
            )
        if self._response is None and not is_complete:
            raise AnswerBroken(f"{self._where} broke off in the middle of its answer.")
        deltas = self._held
        for item in self._items:
            deltas += self._end_item(item)
        deltas += self._text_rest()
        reason, word = self._finish_reason()
        deltas.append(
            Delta(
                usage=self._usage(),
                finish_reason=reason,
                provider_finish_reason=word,
                model=self._model,
            )
        )
        return deltas

    def _note(self, response: dict[str, Any]) -> None:
        self._has_begun = True
        model = response.get("model")
        if isinstance(model, str) and model:
            self._model = model

    def _add_text(self, event: dict[str, Any], kind: str) -> list[Delta]:
        self._has_begun = True
        piece = event.get("delta")
        if piece is None:
            return []
        if not isinstance(piece, str):
            raise AnswerUnreadable(
                f"{self._where} answered with a piece of text that is none: try another model, or "
                "set `api: chat`."
            )
        item = self._items.find(event, _item_kind(kind))
        return self._say(
            item, kind, _part_index(event), piece, read_logprobs(event.get("logprobs"))
        )

    def _add_whole_text(self, event: dict[str, Any], kind: str, field: str) -> list[Delta]:
        self._has_begun = True
        whole = event.get(field)
        if not isinstance(whole, str):
            return []
        return self._say_rest(
            self._items.find(event, _item_kind(kind)), kind, _part_index(event), whole
        )

    def _say_rest(
        self,
        item: OutputItem,
        kind: str,
        index: int,
        whole: str,
        logprobs: tuple[TokenLogprob, ...] = (),
    ) -> list[Delta]:
        """Pass on what of a whole text was not streamed."""
        said = "".join(item.said.get((kind, index), ()))
        if len(whole) == len(said) or not whole.startswith(said):
            return []
        return self._say(item, kind, index, whole[len(said) :], logprobs)

    def _say(
        self,
        item: OutputItem,
        kind: str,
        index: int,
        piece: str,
        logprobs: tuple[TokenLogprob, ...] = (),
    ) -> list[Delta]:
        """Pass a piece on, and remember that it has been."""
        known = item.said.setdefault((kind, index), [])
        begins = not known
        known.append(piece)
        if kind == "refusal" or not piece:
            return []
        if kind in ("summary", "reasoning"):
            # Each is a paragraph, with a heading of its own.
            gap = "\n\n" if begins and self._has_reasoned else ""
            self._has_reasoned = True
            return [Delta(reasoning=gap + piece)]
        if begins:
            item.starts[index] = self._said_characters
        text = self._text.add(piece)
        self._said_characters += len(text)
        return [Delta(text=text, logprobs=logprobs)] if text or logprobs else []

    def _text_rest(self) -> list[Delta]:
        rest = self._text.end()
        self._said_characters += len(rest)
        return [Delta(text=rest)] if rest else []

    def _add_item_event(self, event: dict[str, Any], kind: Any) -> list[Delta]:
        if not isinstance(kind, str) or not kind.startswith("response."):
            return []  # of no protocol that is known: what it says comes in the items again
        self._has_begun = True
        whole = event.get("item")
        if kind == "response.output_item.added" and isinstance(whole, dict):
            self._items.find({**event, "item_id": whole.get("id")}, str(whole.get("type"))).take(
                whole
            )
        elif kind == "response.output_item.done" and isinstance(whole, dict):
            item = self._items.find({**event, "item_id": whole.get("id")}, str(whole.get("type")))
            item.take(whole, is_final=True)
            return self._end_item(item)
        elif kind == "response.function_call_arguments.delta":
            piece = event.get("delta")
            if isinstance(piece, str):
                self._items.find(event, "function_call").arguments.append(piece)
        elif kind == "response.function_call_arguments.done":
            arguments = event.get("arguments")
            if isinstance(arguments, str):
                self._items.find(event, "function_call").arguments[:] = [arguments]
        elif kind == "response.output_text.annotation.added":
            self._items.find(event, "message").add_annotation(
                event.get("content_index"), event.get("annotation")
            )
        return []

    def _end_response(self, response: dict[str, Any]) -> list[Delta]:
        """Take the response in as it is in the end."""
        status = response.get("status")
        if status == "failed" or response.get("error"):
            raise ErrorInAnswer({"error": response.get("error") or "The response failed."})
        if status == "cancelled":
            raise AnswerBroken(f"{self._where} cancelled its answer.")
        self._response = response
        deltas: list[Delta] = []
        output = response.get("output")
        for item in self._items.take_output(output if isinstance(output, list) else []):
            deltas += self._end_item(item)
        return deltas

    def _end_item(self, item: OutputItem) -> list[Delta]:
        """What a whole item says that has not been said, and what belongs to it; once."""
        if item.is_ended:
            return []
        item.is_ended = True
        if item.kind in _NOT_ASKED_FOR:
            raise AnswerUnreadable(
                f"{self._where} asks for a `{item.kind}`, which LLM-REPL does not carry out: leave "
                "its tool out of the option `tools`."
            )
        if item.kind == "function_call":
            number = self._calls_before + len(self._calls) + 1
            taken = {call.id for call in self._calls}
            call = tool_call(item, number, taken, self._where, keeps_item=self._keeps_items)
            self._calls.append(call)
            return [*self._text_rest(), Delta(tool_calls=(call,))]
        if item.kind not in ("message", "reasoning"):
            return [Delta(parts=parts)] if (parts := item_parts(item)) else []
        deltas = []
        for kind, index, whole, logprobs in content_parts(item, self._where):
            deltas += self._say_rest(item, kind, index, whole, logprobs)
        if item.kind == "message":
            deltas += self._text_rest()
        if parts := self._closing_parts(item):
            deltas.append(Delta(parts=parts))
        return deltas

    def _closing_parts(self, item: OutputItem) -> tuple[Any, ...]:
        refusal = "".join(
            "".join(pieces) for (kind, _), pieces in item.said.items() if kind == "refusal"
        )
        if refusal:
            self._has_refused = True
            return (Refusal(text=refusal, provider_data=kept_item(item, self._keeps_items)),)
        closing = item.closing_part(self._keeps_items)
        return (*closing, *citations(item))

    def _finish_reason(self) -> tuple[FinishReason, str | None]:
        response = self._response or {}
        details = response.get("incomplete_details")
        told = details.get("reason") if isinstance(details, dict) else None
        if response.get("status") == "incomplete":
            return read_finish_reason(told if isinstance(told, str) and told else "incomplete")
        if self._has_refused:
            return "refusal", None
        return ("tool_calls" if self._calls else "stop"), None

    def _usage(self) -> Usage | None:
        response = self._response or {}
        return read_usage(response.get("usage"), service_tier=response.get("service_tier"))


def _item_kind(kind: str) -> str:
    return "reasoning" if kind in ("summary", "reasoning") else "message"


def _part_index(event: dict[str, Any]) -> int:
    index = event.get("content_index", event.get("summary_index"))
    return index if isinstance(index, int) else 0
