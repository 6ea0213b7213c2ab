"""Arguments that a model wrote, which are JSON, as what the annotations ask for."""

from __future__ import annotations

import enum
import pathlib
import types
import typing
from collections.abc import Callable
from typing import Any

from llm_repl_core.kernels.inspection.annotation_types import (
    DICTIONARY_TYPES,
    LIST_TYPES,
    PLAIN_TYPES,
    TIME_TYPES,
    enum_json,
    fields_of,
    is_hashable,
)

__all__ = ["Unfit", "to_annotation"]

_WORDS = {
    "string": "a text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "null", "array": "a list", "object": "an object",
}  # fmt: skip


class Unfit(Exception):
    """A value is not what an annotation asks for; the text says where, and what it asks for."""


def to_annotation(value: Any, annotation: Any, where: str) -> Any:
    """A JSON value as what an annotation asks for.

    Args:
        value: The value.
        annotation: What a parameter asks for; one that is not known here lets everything through.
        where: What the value is called in messages.

    Raises:
        Unfit: It does not fit.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return to_annotation(value, arguments[0], where)
    if is_hashable(annotation) and annotation in PLAIN_TYPES:
        return _to_plain(value, annotation, where)
    if origin is typing.Literal:
        # 1 == True, which is not meant.
        found = [choice for choice in arguments if choice == value and type(choice) is type(value)]
        if not found:
            raise Unfit(f"{where} must be one of {', '.join(map(repr, arguments))}")
        return found[0]
    if origin in (typing.Union, types.UnionType):
        return _to_union(value, arguments, where)
    kind = origin or annotation
    if not is_hashable(kind):
        return value
    if kind in LIST_TYPES:
        return _to_list(value, kind, arguments, where)
    if kind in DICTIONARY_TYPES:
        _require(value, dict, "object", where)
        inner = arguments[1] if len(arguments) == 2 else Any
        return {key: to_annotation(item, inner, f"{where}.{key}") for key, item in value.items()}
    if kind in TIME_TYPES:
        return _from_text(value, TIME_TYPES[kind][1], f"a {TIME_TYPES[kind][0]} of ISO 8601", where)
    return _to_class(value, kind, where) if isinstance(kind, type) else value


def _to_plain(value: Any, kind: Any, where: str) -> Any:
    word = PLAIN_TYPES[kind]
    if word == "number" and type(value) is int:
        return float(value)
    if word == "integer" and type(value) is float and value.is_integer():
        return int(value)
    # By its exact class: true is an integer for Python.
    fits = value is None if word == "null" else type(value) is kind
    if not fits:
        raise Unfit(f"{where} must be {_WORDS[word]}")
    return value


def _to_union(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    # What fits as it is comes first: an integer for `float | int` stays one.
    for kind in kinds:
        if is_hashable(kind) and kind in PLAIN_TYPES and type(value) is kind:
            return value
    problems: list[str] = []
    for kind in kinds:
        try:
            return to_annotation(value, kind, where)
        except Unfit as unfit:
            problems.append(str(unfit).removeprefix(f"{where} must be "))
    raise Unfit(f"{where} must be {', or '.join(problems)}")


def _to_list(value: Any, kind: Any, arguments: tuple[Any, ...], where: str) -> Any:
    _require(value, list, "array", where)
    kinds = list(arguments)
    if kind is not tuple or kinds[-1:] == [Ellipsis]:
        kinds = (kinds[:1] or [Any]) * len(value)
    elif not kinds:
        kinds = [Any] * len(value)
    if len(kinds) != len(value):
        raise Unfit(f"{where} must have {len(kinds)} items")
    items = [
        to_annotation(item, inner, f"{where}[{index}]")
        for index, (item, inner) in enumerate(zip(value, kinds, strict=True))
    ]
    try:
        return LIST_TYPES[kind](items)
    except TypeError:
        raise Unfit(f"{where} must hold texts or numbers only") from None


def _to_class(value: Any, kind: type, where: str) -> Any:
    if issubclass(kind, enum.Enum):
        for member in kind:
            known = enum_json(member)
            if known == value and type(known) is type(value):
                return member
        names = ", ".join(repr(enum_json(member)) for member in kind)
        raise Unfit(f"{where} must be one of {names}")
    if issubclass(kind, pathlib.PurePath):
        return _from_text(value, kind, "a path", where)
    validate = getattr(kind, "model_validate", None)
    if callable(validate):
        try:
            return validate(value)
        except ValueError as error:
            raise Unfit(f"{where} does not fit: {error}") from None
    fields = fields_of(kind)
    return value if fields is None else _to_fields(value, kind, fields, where)


def _to_fields(value: Any, kind: Any, fields: dict[str, tuple[Any, bool]], where: str) -> Any:
    _require(value, dict, "object", where)
    for name, (_, is_required) in fields.items():
        if is_required and name not in value:
            raise Unfit(f"{where} must have `{name}`")
    for name in value:
        if name not in fields:
            raise Unfit(f"{where} must not have `{name}`: there are {', '.join(fields)}")
    return kind(
        **{
            name: to_annotation(item, fields[name][0], f"{where}.{name}")
            for name, item in value.items()
        }
    )


def _from_text(value: Any, make: Callable[[str], Any], what: str, where: str) -> Any:
    try:
        if isinstance(value, str):
            return make(value)
    except ValueError:
        pass
    raise Unfit(f"{where} must be {what}")


def _require(value: Any, kind: type, word: str, where: str) -> None:
    if type(value) is not kind:
        raise Unfit(f"{where} must be {_WORDS[word]}")
