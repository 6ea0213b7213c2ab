"""The items of a response, and what they are to LLM-REPL: parts of a turn, and calls of tools."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from llm_repl_core.errors import AnswerUnreadable
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.providers.parts import (
    Citation,
    Part,
    Reasoning,
    Text,
    TokenLogprob,
)
from llm_repl_providers.openai.annotations import read_annotation
from llm_repl_providers.openai.api import RESPONSES_ITEM
from llm_repl_providers.openai.lenient_json import join_surrogates, without_surrogates
from llm_repl_providers.openai.logprobs import read_logprobs

__all__ = [
    "OutputItem",
    "OutputItems",
    "citations",
    "content_parts",
    "kept_item",
    "tool_call",
]

_CONTENT: Final = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "summary_text": ("summary", "text"),
    "reasoning_text": ("reasoning", "text"),
}
"""By the type of a part of content: which kind of text it is, and under which name it has it."""

_CALL_FIELDS: Final = frozenset({"type", "call_id", "name", "arguments"})


class OutputItem:
    """One item, as far as it has come.

    Args:
        index: Its place in the output, where events say it.
        kind: Its type.

    Attributes:
        id: Empty where none is known.
        said: The pieces that have been passed on, by the kind of content and its index.
        starts: Where in the whole answer's text each part of its content begins.
        arguments: The pieces of a call's arguments.
        data: As the server has it.
        is_final: Whether that is all of it.
        is_ended: Whether all of it has been passed on.
    """

    def __init__(self, *, index: int | None, kind: str) -> None:
        self.index = index
        self.kind = kind
        self.id = ""
        self.said: dict[tuple[str, int], list[str]] = {}
        self.starts: dict[int, int] = {}
        self.arguments: list[str] = []
        self.data: dict[str, Any] = {}
        self.is_final = False
        self.is_ended = False
        self._annotations: list[tuple[int, dict[str, Any]]] = []

    def take(self, data: dict[str, Any], *, is_final: bool = False) -> None:
        """Take the item in as the server has it now."""
        self.data = data
        self.is_final = is_final
        identifier = data.get("id")
        if isinstance(identifier, str):
            self.id = identifier

    def add_annotation(self, index: Any, annotation: Any) -> None:
        """Take an annotation of a part of its content in; one that is known already is not."""
        if not isinstance(annotation, dict):
            return
        entry = (index if isinstance(index, int) else 0, annotation)
        if entry not in self._annotations:
            self._annotations.append(entry)

    def annotations(self) -> list[tuple[int, dict[str, Any]]]:
        """All of them, each with the index of its part of the content."""
        for index, part in enumerate(_list(self.data.get("content"))):
            for annotation in _list(part.get("annotations")) if isinstance(part, dict) else []:
                self.add_annotation(index, annotation)
        return self._annotations

    def closing_part(self, keeps_item: bool) -> tuple[Part, ...]:
        """What brings the item behind the text or the reasoning that was streamed of it."""
        kept = kept_item(self, keeps_item)
        if not kept:
            return ()
        return (
            Reasoning(provider_data=kept) if self.kind == "reasoning" else Text(provider_data=kept),
        )


class OutputItems:
    """The items of a response, in the order in which they came."""

    def __init__(self) -> None:
        self._items: list[OutputItem] = []

    def __iter__(self) -> Iterator[OutputItem]:
        return iter(self._items)

    def find(self, event: dict[str, Any], kind: str) -> OutputItem:
        """The item that an event belongs to, which it may begin.

        Args:
            event: It; servers may leave out its ``output_index``, its ``item_id``, or both.
            kind: The type that the item must have.
        """
        index, identifier = event.get("output_index"), event.get("item_id")
        for item in reversed(self._items):
            if item.is_ended or item.kind != kind:
                continue
            if isinstance(index, int) and item.index is not None:
                if item.index == index:
                    return item
            elif not item.id or not identifier or item.id == identifier:
                return item
        item = OutputItem(index=index if isinstance(index, int) else None, kind=kind)
        if isinstance(identifier, str):
            item.id = identifier
        self._items.append(item)
        return item

    def take_output(self, output: list[Any]) -> list[OutputItem]:
        """Take the items of the whole response in, each as the one that it has been so far.

        It is known by its id, or else by its number among its kind: places may have shifted.
        """
        taken: list[OutputItem] = []
        for data in output:
            if not isinstance(data, dict):
                continue
            kind = str(data.get("type"))
            number = sum(item.kind == kind for item in taken)
            same = [item for item in self._items if item.kind == kind]
            item = next((item for item in same if item.id and item.id == data.get("id")), None)
            if item is None and number < len(same):
                item = same[number]
            if item is None:
                item = OutputItem(index=None, kind=kind)
                self._items.append(item)
            item.take(data, is_final=True)
            taken.append(item)
        return taken


def kept_item(item: OutputItem, keeps_item: bool) -> dict[str, JSONValue]:
    """What goes back with the next request, as it came; empty: nothing does.

    Args:
        item: It.
        keeps_item: Whether there may be a next request.
    """
    if not keeps_item or not item.is_final:
        return {}
    kept = without_surrogates(item.data)
    content = kept.get("content")
    # The text stands beside it already, and is put back from there.
    if item.kind == "message" and isinstance(content, list) and len(content) == 1:
        part = content[0]
        if isinstance(part, dict) and part.get("type") == "output_text":
            told = {name: value for name, value in part.items() if name not in ("text", "logprobs")}
            kept["content"] = [told]
    return {RESPONSES_ITEM: kept}


def content_parts(
    item: OutputItem, where: str
) -> Iterator[tuple[str, int, str, tuple[TokenLogprob, ...]]]:
    """The texts of a message or of reasoning: kind, index, text, log probabilities.

    Raises:
        AnswerUnreadable: One has a form that is not known.
    """
    for name in ("summary", "content"):
        content = item.data.get(name)
        if isinstance(content, str):
            content = [
                {
                    "type": "output_text" if item.kind == "message" else "summary_text",
                    "text": content,
                }
            ]
        for index, part in enumerate(_list(content)):
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in _CONTENT:
                raise AnswerUnreadable(
                    f"{where} answered with content of the type `{kind}` that LLM-REPL cannot "
                    "read: try another model, or set `api: chat`."
                )
            said_as, field = _CONTENT[kind]
            text = part.get(field)
            if text is None:
                continue
            if not isinstance(text, str):
                raise AnswerUnreadable(f"{where} answered with a text that is none.")
            yield said_as, index, text, read_logprobs(part.get("logprobs"))


def citations(item: OutputItem) -> tuple[Citation, ...]:
    """Where something in a message is from."""
    found = (
        read_annotation(annotation, item.starts.get(index, 0))
        for index, annotation in item.annotations()
    )
    return tuple(citation for citation in found if citation is not None)


def tool_call(
    item: OutputItem, number: int, taken: Collection[str], where: str, *, keeps_item: bool
) -> ToolCall:
    """The call that an item asks for.

    Args:
        item: It.
        number: Of the call in the conversation, for an id where it has none.
        taken: Ids of other calls.
        where: How messages name the server.
        keeps_item: Whether the item goes back with the call's result.

    Raises:
        AnswerUnreadable: It does not say what is to be called.
    """
    name, identifier = item.data.get("name"), item.data.get("call_id")
    if not isinstance(name, str) or not name:
        raise AnswerUnreadable(f"{where} asked for a tool without naming it.")
    if not isinstance(identifier, str) or not identifier or identifier in taken:
        identifier = f"call_{number}"
    arguments = item.data.get("arguments") or "".join(item.arguments)
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    arguments = join_surrogates(arguments).strip()
    fields: dict[str, Any] = {}
    if keeps_item and item.is_final:
        fields = {field: value for field, value in item.data.items() if field not in _CALL_FIELDS}
    return ToolCall(
        id=identifier,
        name=name,
        arguments="{}" if arguments in ("", "null") else arguments,
        provider_data={RESPONSES_ITEM: without_surrogates(fields)} if fields else {},
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
