"""What is told of a value in one line: its type, its size, and a short text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from inspect import signature
from itertools import islice
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
)
from typing import Any

from llm_repl_core.kernels.inspection.tables import (
    is_array,
    is_series,
    is_table,
    table_columns,
    table_rows,
    table_shape,
)
from llm_repl_core.kernels.values import TimeUp, cut_text, value_text, within_time

__all__ = ["attributes_of", "list_variables", "summary_of"]

_TEXT_LIMIT_BYTES = 200
_VALUE_TIMEOUT_S = 0.05
_LIST_TIMEOUT_S = 0.5
_MAX_VARIABLES = 1000
_SIZED = (str, bytes, bytearray, list, tuple, dict, set, frozenset)
_LEAVES = (type, ModuleType, FunctionType, BuiltinFunctionType)


def list_variables(
    namespace: dict[str, Any], names: Sequence[str], with_texts: bool = True
) -> dict[str, Any]:
    """The variables, each with what can be told of it in one line.

    Args:
        namespace: The state.
        names: Which variables.
        with_texts: Whether code of the user's classes may be called for their texts.

    Returns:
        ``variables``, and ``left_out``: how many there are beyond those that are listed.
    """
    deadline_s = time.monotonic() + _LIST_TIMEOUT_S
    listed = []
    for name in names[:_MAX_VARIABLES]:
        if name in namespace:
            has_time = with_texts and time.monotonic() < deadline_s
            listed.append({"name": name, **summary_of(namespace[name], with_text=has_time)})
    return {"variables": listed, "left_out": max(len(names) - _MAX_VARIABLES, 0)}


def summary_of(value: object, *, with_text: bool = True) -> dict[str, Any]:
    """The type's name, the shape or length, a short text, and whether there is more to see.

    Whatever the value's own methods do, it takes a moment only.
    """
    told: dict[str, Any] = {
        "type_name": cut_text(type.__dict__["__name__"].__get__(type(value)), 200)[0],
        "shape": None,
        "length": None,
        "text": "",
        "has_parts": False,
    }
    if not with_text:
        return told
    try:
        told.update(within_time(lambda: _size_of(value), _VALUE_TIMEOUT_S))
        told["text"] = within_time(lambda: _short_text(value), _VALUE_TIMEOUT_S)
    except TimeUp:
        told["text"] = "its text takes too long"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  user code, anything may come out of it
        told["text"] = cut_text(f"its text raised {type(error).__name__}", _TEXT_LIMIT_BYTES)[0]
    return told


def _size_of(value: Any) -> dict[str, Any]:
    if is_table(value) or is_series(value) or is_array(value):
        shape = table_shape(value)
        return {"shape": shape, "has_parts": all(shape)}
    kind: Any
    for kind in _SIZED:
        if isinstance(value, kind):
            length = kind.__len__(value)
            is_text = kind in (str, bytes, bytearray)
            return {"length": length, "has_parts": length > (80 if is_text else 0)}
    return {"has_parts": bool(attributes_of(value))}


def _short_text(value: Any) -> str:
    if is_table(value):
        return _cut(", ".join(table_columns(value)))
    if is_array(value):
        shown = ", ".join(str(number) for number in value.flat[:10])
        return _cut(f"{shown}, …" if value.size > 10 else shown)
    if isinstance(value, FunctionType):
        return _cut(f"{value.__name__}{signature(value)}")
    if isinstance(value, type):
        return _cut(f"class {type.__dict__['__name__'].__get__(value)}")
    if is_series(value):
        rows = table_rows(value, 0, 5)["rows"]
        return _cut(", ".join(f"{row['label']} {row['cells'][0]}" for row in rows))
    if isinstance(value, str):
        return _cut(repr(str.__getitem__(value, slice(_TEXT_LIMIT_BYTES + 1))))
    if type(value) is list and value and all(type(item) is dict for item in islice(value, 20)):
        return _cut(f"dict({', '.join(str(key) for key in islice(value[0], 20))})")
    if type(value) in (list, tuple, dict, set, frozenset, bytes, bytearray):
        shown, is_cut = value_text(value, _TEXT_LIMIT_BYTES)
        return f"{shown}…" if is_cut else shown
    return _cut(repr(value))


def _cut(text: str) -> str:
    line = " ".join(text[: _TEXT_LIMIT_BYTES * 4].split("\n"))
    shown, is_cut = cut_text(line, _TEXT_LIMIT_BYTES)
    return f"{shown}…" if is_cut or len(text) > _TEXT_LIMIT_BYTES * 4 else shown


def attributes_of(value: object) -> dict[str, Any]:
    """What an object holds by name, read without calling any code of its class.

    Fields of dataclasses, of pydantic's models and of other objects; not those that begin with an
    underscore, nor what a property would compute.
    """
    if isinstance(value, _LEAVES):
        return {}
    held: dict[str, Any] = {}
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = None
    if type(own) is dict:
        held.update(own)
    for kind in type.__dict__["__mro__"].__get__(type(value)):
        members = dict(type.__dict__["__dict__"].__get__(kind))
        # As they were declared: the members themselves stand in the order of the alphabet.
        slots = members.get("__slots__")
        for name in dict.fromkeys([*(slots if type(slots) is tuple else ()), *members]):
            member = members.get(name)
            if type(member) is MemberDescriptorType and name not in held:
                try:
                    held[name] = member.__get__(value)
                except AttributeError:
                    continue  # it was not set
    return {
        name: item
        for name, item in held.items()
        if type(name) is str and not name.startswith("_") and type(item) is not GetSetDescriptorType
    }
