"""The items of a response, and what they are to LLM-REPL: parts of a turn, and calls of tools."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from llm_repl_core.errors import AnswerUnreadable
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Part,
    Reasoning,
    ServerToolCall,
    Text,
    TokenLogprob,
)
from llm_repl_providers.openai.annotations import read_annotation
from llm_repl_providers.openai.api import RESPONSES_ITEM
from llm_repl_providers.openai.lenient_json import join_surrogates, without_surrogates
from llm_repl_providers.openai.logprobs import read_logprobs

__all__ = [
    "OutputItem",
    "citations",
    "content_parts",
    "item_parts",
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


def item_parts(item: OutputItem) -> tuple[Part, ...]:
    """What the server's own tools, and all other items, are to a turn."""
    data = without_surrogates(item.data)
    if item.kind == "image_generation_call" and isinstance(result := data.get("result"), str):
        picture = _picture(data, result)
        if picture is not None:
            return (picture,)
    name, arguments, result, failed = _read_call(item.kind, data)
    return (
        ServerToolCall(
            id=item.id,
            name=name,
            arguments=arguments,
            result=result,
            failed=failed or data.get("status") == "failed",
            provider_data={RESPONSES_ITEM: data},
        ),
    )


def _picture(data: dict[str, Any], result: str) -> Media | None:
    try:
        picture = base64.b64decode(result)
    except (ValueError, binascii.Error):
        return None
    form = data.get("output_format")
    form = form if isinstance(form, str) and form else "png"
    prompt = data.get("revised_prompt")
    return Media(
        media_type="image/svg+xml" if form == "svg" else f"image/{form}",
        data=picture,
        text=prompt if isinstance(prompt, str) else "",
        provider_data={
            RESPONSES_ITEM: {name: value for name, value in data.items() if name != "result"}
        },
    )


def _read_call(kind: str, data: dict[str, Any]) -> tuple[str, str, str, bool]:
    """Name, arguments, result and failure of a tool that the server has run."""
    if kind == "web_search_call":
        action = data.get("action")
        action = dict(action) if isinstance(action, dict) else {}
        sources = action.pop("sources", None)
        urls = [str(source.get("url", "")) for source in _objects(sources)]
        return "web_search", _json(action), "\n".join(urls), False
    if kind == "file_search_call":
        results = [
            f"{result.get('filename', '')}:\n{result.get('text', '')}"
            for result in _objects(data.get("results"))
        ]
        return "file_search", _json({"queries": data.get("queries")}), "\n\n".join(results), False
    if kind == "code_interpreter_call":
        outputs = [
            str(output.get("logs") or output.get("url") or "")
            for output in _objects(data.get("outputs"))
        ]
        return "code_interpreter", _json({"code": data.get("code")}), "\n".join(outputs), False
    if kind == "mcp_call":
        error = data.get("error")
        result = data.get("output") or ("" if error is None else _text(error))
        name = ".".join(str(data[field]) for field in ("server_label", "name") if data.get(field))
        arguments = data.get("arguments")
        return (
            name or kind,
            arguments if isinstance(arguments, str) else "{}",
            _text(result),
            bool(error),
        )
    if kind == "mcp_list_tools":
        names = [str(tool.get("name")) for tool in _objects(data.get("tools"))]
        error = data.get("error")
        return (
            kind,
            _json({"server_label": data.get("server_label")}),
            "\n".join(names),
            bool(error),
        )
    return kind.removesuffix("_call"), "{}", "", False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
