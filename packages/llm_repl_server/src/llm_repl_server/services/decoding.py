"""What clients send, read as a type: a mistake in it is an error that names the field."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Collection
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct, inspect

from llm_repl_core import InvalidInput
from llm_repl_core.misfit import misfit
from llm_repl_core.model.cell import PATTERNS

__all__ = ["NewVariableName", "read_document", "to_struct", "types_within"]

NewVariableName = Annotated[
    str,
    Meta(
        pattern=r"^(?:[^\W\d]\w*)?$(?!\n)",
        max_length=200,
        description="A Python identifier; if empty or null, `response_<index>`.",
    ),
]
"""The name of a variable that a cell is to have, or nothing."""

_NESTING_LIMIT = 200
"""Of lists and objects in a body. What is nested deeper than this cannot be saved to every format."""

_PATTERNS: dict[str, str] = {
    r"\S": "text that is not blank",
    **PATTERNS,
    get_args(NewVariableName)[1].pattern: "the name of a variable",
}
"""What the patterns of fields mean, for messages."""

T = TypeVar("T", bound=Struct)


def read_document(data: bytes) -> Any:
    """Read a body's JSON.

    Raises:
        InvalidInput: It is none, or too deep.
    """
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    # So few brackets cannot be nested too deeply, and most bodies have no more.
    if data.count(b"[") + data.count(b"{") > _NESTING_LIMIT and _is_too_deep(document):
        raise _too_deep()
    return document


def to_struct(
    document: Any,
    kind: type[T],
    *,
    what: str = "body",
    echo: Collection[str] = (),
    strict: bool = True,
) -> T:
    """Take a document as a type.

    A field that the type does not know is refused, here and in the objects inside: whoever sent it
    means it to change something, and it would not.

    Args:
        document: JSON values.
        kind: The type.
        what: What the document is, for messages.
        echo: Fields that answers have and that may be sent back; they change nothing.
        strict: Whether texts are texts only, as in JSON and not in a query.

    Raises:
        InvalidInput: A field is unknown, missing, or has a wrong value.
    """
    if isinstance(document, dict):
        _check_names(document, kind, what, "", echo)
    try:
        return msgspec.convert(document, kind, strict=strict)
    except msgspec.ValidationError as error:
        path, reason = misfit(error, kind, _PATTERNS)
        where = f" at `{path}`" if path else ""
        raise InvalidInput(f"The {what} is not usable: {reason}{where}.") from None


def _check_names(
    document: dict[str, Any], kind: type, what: str, path: str, echo: Collection[str]
) -> None:
    fields = _fields(kind)
    for name, value in document.items():
        if name in fields:
            inner = fields[name]
            if inner is not None and isinstance(value, dict):
                _check_names(value, inner, what, f"{path}{name}.", ())
        elif name not in echo:
            raise InvalidInput(_unknown(path, name, list(fields), what))


def types_within(kind: type) -> set[type]:
    """The types of the objects in a type's fields, whose unknown fields are refused as well."""
    found = {inner for inner in _fields(kind).values() if inner is not None}
    return found.union(*map(types_within, found))


@functools.cache
def _fields(kind: type) -> dict[str, type | None]:
    """The fields of a type, each with its own type where that has fields, too."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return {field.encode_name: _object_type(field.type) for field in described.fields}


def _object_type(described: inspect.Type) -> type | None:
    if isinstance(described, inspect.StructType):
        return described.cls
    if isinstance(described, inspect.UnionType):
        return next(filter(None, map(_object_type, described.types)), None)
    return None


def _unknown(path: str, name: str, known: list[str], what: str) -> str:
    shown = (path + name).encode("utf-8", "replace").decode()[:100]
    sentence = f"The {what} has a field `{shown}`, which is not known here"
    nearest = difflib.get_close_matches(name[:100], known, n=1)
    if nearest:
        return f"{sentence}: did you mean `{path}{nearest[0]}`?"
    if not known:
        return f"{sentence}: no field is taken."
    return f"{sentence}: the fields are {', '.join(f'`{path}{field}`' for field in known)}."


def _is_too_deep(document: Any) -> bool:
    level: list[Any] = [document]
    for _ in range(_NESTING_LIMIT + 1):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _too_deep() -> InvalidInput:
    return InvalidInput(
        f"The body's lists and objects are nested deeper than the {_NESTING_LIMIT} levels that are "
        "taken here."
    )
