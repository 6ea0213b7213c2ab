"""What the body of an error says, in whatever form: its message, its codes, its HTTP status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["codes_in", "message_in", "status_in"]

_MESSAGE_NAMES: Final = (
    "message", "msg", "detail", "error", "errors", "error_message", "error_msg",
    "error_description", "description", "reason", "title", "raw", "metadata", "body",
)  # fmt: skip
_CODE_NAMES: Final = frozenset({"code", "type", "error_type", "status", "reason", "error_code"})
_STATUS_NAMES: Final = ("code", "status", "status_code", "statusCode", "http_status")
_DEPTH_LIMIT: Final = 8
_ITEMS_SHOWN: Final = 3
_TITLE: Final = re.compile(r"<title[^>]*>\s*([^<]{1,200}?)\s*</title>", re.IGNORECASE | re.DOTALL)


def message_in(body: Any) -> str:
    """The sentence for people in the body of an error; "": there is none.

    Args:
        body: JSON in any form, or the text itself.
    """
    return _message(body, 0)


def codes_in(body: Any) -> frozenset[str]:
    """The words in it that are for programs: codes, types, reasons; of whatever depth."""
    return frozenset(_codes(body, 0))


def status_in(body: Any) -> int | None:
    """The HTTP status that an error means which came in another way; None: it does not say."""
    documents = [body, body.get("error")] if isinstance(body, dict) else []
    for document in documents:
        if not isinstance(document, dict):
            continue
        for value in map(document.get, _STATUS_NAMES):
            number = int(value) if isinstance(value, str) and value.isdecimal() else value
            if isinstance(number, int) and not isinstance(number, bool) and 400 <= number < 600:
                return number
    return None


def _message(value: Any, depth: int) -> str:
    if depth > _DEPTH_LIMIT:
        return ""
    if isinstance(value, str):
        return _of_text(value, depth)
    if isinstance(value, list):
        messages = [message for item in value if (message := _message(item, depth + 1))]
        return "; ".join(dict.fromkeys(messages[:_ITEMS_SHOWN]))
    if not isinstance(value, dict):
        return ""
    found = list(_messages(value, depth))
    # What stands deeper often says the same again, and sometimes what it is really about.
    kept = [text for text in found if not any(text in other and text != other for other in found)]
    text = ": ".join(dict.fromkeys(kept[:2]))
    where = value.get("loc")
    if text and isinstance(where, list) and where:
        return f"{'.'.join(map(str, where))}: {text}"
    return text


def _messages(document: dict[str, Any], depth: int) -> Iterator[str]:
    for name in _MESSAGE_NAMES:
        if message := _message(document.get(name), depth + 1):
            yield message.rstrip(".")


def _of_text(text: str, depth: int) -> str:
    """A text, which may be JSON once more, or a page for people of which the title is enough."""
    text = text.strip()
    if text.startswith("<"):
        title = _TITLE.search(text)
        return "" if title is None else title[1]
    if text.startswith(("{", "[")):
        try:
            return _message(json.loads(text), depth + 1) or text
        except (ValueError, RecursionError):
            pass
    return text


def _codes(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, list):
        for item in value[:20]:
            yield from _codes(item, depth + 1)
    if isinstance(value, dict):
        for name, item in value.items():
            if name in _CODE_NAMES and isinstance(item, str | int):
                yield str(item)
            elif isinstance(item, dict | list):
                yield from _codes(item, depth + 1)
