"""The content of an answer in the forms that servers give it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from llm_repl_core.errors import AnswerUnreadable
from llm_repl_core.providers.parts import Media
from llm_repl_providers.openai.chat.media import read_picture

__all__ = ["Said", "merge", "read_content", "reasoning_of"]

_TEXT_TYPES: Final = frozenset({"text", "output_text", "input_text"})
_REASONING_TYPES: Final = frozenset({"thinking", "reasoning", "reasoning_text", "summary_text"})
_PICTURE_TYPES: Final = frozenset({"image_url", "output_image", "image"})
_SILENT_TYPES: Final = frozenset({"reference", "citation", "redacted_thinking", "signature"})
"""What says nothing by itself: the text is whole without it."""

_REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "thinking")
"""Where servers put reasoning beside the content; some give it under two names at once."""

_NAMES: Final = frozenset({"id", "type", "index", "name", "role", "format", "object", "model"})


class Said(NamedTuple):
    """What a piece of content says.

    Attributes:
        text: Of the answer.
        reasoning: Of the reasoning before it.
        refusal: Of a refusal in its place.
        media: The pictures in it.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    media: tuple[Media, ...] = ()


def read_content(content: Any, where: str) -> Said:
    """Read content: a text, a block, or a list of texts and blocks.

    Args:
        content: As it came in JSON.
        where: How messages name the server.

    Raises:
        AnswerUnreadable: It has a form that is not known: what it says would be lost.
    """
    if isinstance(content, str):
        return Said(content)
    if content is None:
        return Said()
    said = [_read_block(block, where) for block in _blocks(content)]
    return Said(
        text="".join(part.text for part in said),
        reasoning="".join(part.reasoning for part in said),
        refusal="".join(part.refusal for part in said),
        media=tuple(picture for part in said for picture in part.media),
    )


def reasoning_of(turn: dict[str, Any]) -> str:
    """The reasoning that stands beside the content."""
    for name in _REASONING_FIELDS:
        if isinstance(text := turn.get(name), str) and text:
            return text
    return ""


def merge(known: Any, piece: Any) -> Any:
    """Put a field together that is streamed in pieces, as OpenAI's own SDK does.

    Texts are joined, objects merged by name, and items of lists by their index; of what is a name,
    a number or a mark, the latest counts.
    """
    if known is None or piece is None:
        return known if piece is None else piece
    if isinstance(known, str) and isinstance(piece, str):
        return known + piece
    if isinstance(known, dict) and isinstance(piece, dict):
        merged = dict(known)
        for name, value in piece.items():
            is_name = name in _NAMES and value is not None
            merged[name] = value if is_name else merge(merged.get(name), value)
        return merged
    if isinstance(known, list) and isinstance(piece, list):
        items = list(known)
        for item in piece:
            place = next((at for at, old in enumerate(items) if _continues(old, item)), None)
            if place is None:
                items.append(item)
            else:
                items[place] = merge(items[place], item)
        return items
    return piece


def _continues(old: Any, item: Any) -> bool:
    if not isinstance(old, dict) or not isinstance(item, dict) or "index" not in item:
        return False
    return all(old.get(name) == item.get(name) for name in ("index", "type"))


def _blocks(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


def _read_block(block: Any, where: str) -> Said:
    if isinstance(block, str):
        return Said(block)
    kind = block.get("type") if isinstance(block, dict) else None
    if isinstance(block, dict) and (kind is None or isinstance(kind, str)):
        if kind in _SILENT_TYPES:
            return Said()
        if kind == "refusal":
            return Said(refusal=_plain(block.get("refusal"), where))
        if kind in _REASONING_TYPES:
            inner = next(
                (block[name] for name in (kind, "text", "summary", "content") if name in block),
                None,
            )
            return Said(reasoning=_plain(inner, where))
        if kind in _PICTURE_TYPES and (picture := read_picture(block)) is not None:
            return Said(media=(picture,))
        if kind in _TEXT_TYPES or (kind is None and "text" in block):
            return Said(_plain(block.get("text"), where))
    what = f"a block of the type `{kind}`" if isinstance(kind, str) else "a form"
    raise AnswerUnreadable(
        f"{where} answered with {what} that LLM-REPL cannot read: ask for text, or try another "
        "model."
    )


def _plain(value: Any, where: str) -> str:
    """The text of a block, which may itself be blocks, or an object with the text as `value`."""
    if isinstance(value, dict) and isinstance(value.get("value"), str):
        return str(value["value"])
    if isinstance(value, list):
        return "".join(
            part.text or part.reasoning for part in (_read_block(b, where) for b in value)
        )
    return "" if value is None else read_content(value, where).text
