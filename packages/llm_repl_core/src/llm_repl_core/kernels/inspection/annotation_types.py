"""Which annotations are known, and what of them JSON can hold."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import enum
import typing
from collections.abc import Callable
from typing import Any

from llm_repl_core.kernels.values import NotJSONValue, json_form

__all__ = [
    "DICTIONARY_TYPES",
    "LIST_TYPES",
    "PLAIN_TYPES",
    "SET_TYPES",
    "TIME_TYPES",
    "enum_json",
    "fields_of",
    "is_hashable",
    "is_typed_dictionary",
    "json_value_of",
]

# By the annotation: the JSON type; the format and how it is read; what a list is made into.
PLAIN_TYPES: dict[Any, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", None: "null",
    type(None): "null",
}  # fmt: skip
TIME_TYPES: dict[Any, tuple[str, Callable[[str], Any]]] = {
    datetime.datetime: ("date-time", datetime.datetime.fromisoformat),
    datetime.date: ("date", datetime.date.fromisoformat),
    datetime.time: ("time", datetime.time.fromisoformat),
}
LIST_TYPES: dict[Any, Callable[[Any], Any]] = {
    list: list, tuple: tuple, set: set, frozenset: frozenset, collections.abc.Sequence: list,
    collections.abc.Iterable: list, collections.abc.Collection: list,
    collections.abc.MutableSequence: list, collections.abc.Set: set,
}  # fmt: skip
SET_TYPES = (set, frozenset, collections.abc.Set)
DICTIONARY_TYPES = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_VALUE_LIMIT_BYTES = 100_000


def json_value_of(value: object) -> tuple[bool, Any]:
    """Whether JSON holds a default value, and what it is there."""
    if isinstance(value, enum.Enum):
        value = enum_json(value)
    try:
        return True, json_form(value, _VALUE_LIMIT_BYTES)
    except (NotJSONValue, RecursionError):
        return False, None


def fields_of(kind: Any) -> dict[str, tuple[Any, bool]] | None:
    """The fields of a dataclass or a TypedDict: annotation, and whether it must be given."""
    is_dictionary = is_typed_dictionary(kind)
    if not is_dictionary and not dataclasses.is_dataclass(kind):
        return None
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001  an annotation that cannot be evaluated
        hints = dict(kind.__annotations__)
    if is_dictionary:
        required = kind.__required_keys__
        return {name: _entry(hint, name in required) for name, hint in hints.items()}
    missing = dataclasses.MISSING
    return {
        field.name: (
            hints.get(field.name, Any),
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(kind)
        if field.init
    }


def _entry(hint: Any, is_required: bool) -> tuple[Any, bool]:
    """An annotation without ``Required`` and ``NotRequired``, and what these say."""
    origin = typing.get_origin(hint)
    if origin not in (typing.Required, typing.NotRequired):
        return hint, is_required
    # The class itself does not know where its annotations are texts.
    return typing.get_args(hint)[0], origin is typing.Required


def enum_json(member: enum.Enum) -> Any:
    """By what a model names the member: its value where that is a text or a number."""
    return member.value if type(member.value) in (str, int, float, bool) else member.name


def is_hashable(thing: Any) -> bool:
    """Whether the tables can be asked for it."""
    try:
        hash(thing)
    except TypeError:
        return False
    return True


def is_typed_dictionary(kind: Any) -> bool:
    """Whether it is a TypedDict, of typing or of typing_extensions, whose is one of its own."""
    return isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__required_keys__")
