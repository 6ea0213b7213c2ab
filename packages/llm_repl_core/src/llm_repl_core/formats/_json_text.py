"""JSON documents as bytes: fast where the text is clean, forgiving where it only looks odd."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.json_text import read_finite, refuse_constant, without_infinities

__all__ = ["read_document", "write_compact", "write_document"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DEEPEST = 300
"""Levels of lists and objects. Where Python's own limit lies differs from version to version, and
whoever copies or compares a notebook must not run into it."""

_OTHER_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"{\x00": "UTF-16",
    b"\x00{": "UTF-16",
}
"""By how a file begins; the longer ones first."""
_CONFLICT = re.compile(rb"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)

_SURROGATE = re.compile("[\ud800-\udfff]")


def read_document(
    data: bytes, kind: str, *, read_constant: Callable[[str], object] = refuse_constant
) -> dict[str, Any]:
    """The object that a file holds.

    Args:
        data: The file's bytes; a byte-order mark is skipped.
        kind: What the file claims to be, for messages: ``.llmn file``.
        read_constant: What ``NaN`` and the like are, which are no JSON and which Python writes.

    Raises:
        InvalidNotebook: It is not UTF-8, not JSON, or not an object.
    """
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if not data.strip():
        raise InvalidNotebook(f"This is not a {kind}: it is empty.")
    try:
        document = msgspec.json.decode(data)
    except RecursionError:
        raise _too_deep(kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = _read_slowly(data, kind, read_constant)
    if not isinstance(document, dict):
        raise InvalidNotebook(f"This is not a {kind}: it must hold a JSON object at its top.")
    if _is_deeper(document, _DEEPEST):
        raise _too_deep(kind)
    return document


def write_document(
    document: Mapping[str, Any], *, indent: int, order: Literal["sorted"] | None = None
) -> bytes:
    """Indented JSON in UTF-8, with a line break at the end.

    A number that JSON cannot hold (not a number, infinite) becomes ``null``.

    Args:
        document: The object.
        indent: Spaces a level.
        order: ``sorted`` for sorted keys; as they come where None.
    """
    try:
        compact = msgspec.json.encode(document, order=order)
    except UnicodeEncodeError:
        return _write_slowly(document, indent, order)
    return msgspec.json.format(compact, indent=indent) + b"\n"


def write_compact(value: Any) -> bytes:
    """A value in one form: equal values give the same bytes, before and after they are in a file."""
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:
        plain = without_infinities(msgspec.to_builtins(value))
        return json.dumps(plain, sort_keys=True).encode()


def _read_slowly(data: bytes, kind: str, read_constant: Callable[[str], object]) -> Any:
    """Read what msgspec refuses: half surrogate pairs are JSON; say what is wrong with the rest."""
    for start, name in _OTHER_ENCODINGS.items():
        if data.startswith(start):
            raise InvalidNotebook(f"This {kind} is {name} text: save it as UTF-8.")
    try:
        return json.loads(data.decode(), parse_constant=read_constant, parse_float=read_finite)
    except UnicodeDecodeError as error:
        raise InvalidNotebook(
            f"This is not a {kind}: byte {error.start} (0x{data[error.start]:02x}) is not UTF-8 "
            "text; where it is text of another encoding, save it as UTF-8."
        ) from None
    except RecursionError:
        raise _too_deep(kind) from None
    except json.JSONDecodeError as error:
        if _CONFLICT.search(data):
            raise InvalidNotebook(
                f"This {kind} contains merge conflict markers: resolve the conflict first."
            ) from None
        raise InvalidNotebook(
            f"This is not a {kind}: it is not JSON at line {error.lineno}, "
            f"column {error.colno} ({error.msg})."
        ) from None
    except ValueError as error:
        raise InvalidNotebook(f"This is not a {kind}: it is not JSON ({error}).") from None


def _write_slowly(
    document: Mapping[str, Any], indent: int, order: Literal["sorted"] | None
) -> bytes:
    plain = msgspec.to_builtins(document, order=order)
    # Half surrogate pairs have no UTF-8; in JSON they have an escape.
    text = json.dumps(without_infinities(plain), ensure_ascii=False, indent=indent)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def _is_deeper(document: dict[str, Any], levels: int) -> bool:
    containers: list[Any] = [document]
    for _ in range(levels):
        containers = [
            item
            for container in containers
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, (dict, list))
        ]
        if not containers:
            break
    return bool(containers)


def _too_deep(kind: str) -> InvalidNotebook:
    return InvalidNotebook(f"This is not a {kind}: its lists and objects are too deeply nested.")
