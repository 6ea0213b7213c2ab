"""Annotations of a function's parameters as JSON Schema."""

from __future__ import annotations

import enum
import pathlib
import types
import typing
from typing import Any

from llm_repl_core.kernels.inspection.annotations import *

__all__ = ["schema_of"]

_DEPTH_LIMIT = 12


def schema_of(annotation: Any, depth: int = 0) -> dict[str, Any]:
    """A JSON Schema of what fits an annotation; ``{}``, anything, where none says it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if depth > _DEPTH_LIMIT:
        return {}
    if annotation in PLAIN_TYPES if is_hashable(annotation) else False:
        return {"type": PLAIN_TYPES[annotation]}
    if origin is typing.Annotated:
        return _described(schema_of(arguments[0], depth), annotation.__metadata__)
    if origin is typing.Literal:
        return {"enum": [one for one in arguments if json_value_of(one)[0]]}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [schema_of(one, depth + 1) for one in arguments]}
    kind = origin or annotation
    if not is_hashable(kind):
        return {}
    if kind in LIST_TYPES:
        return _list_schema(kind, arguments, depth)
    if kind in DICTIONARY_TYPES:
        inner = schema_of(arguments[1], depth + 1) if len(arguments) == 2 else {}
        return {"type": "object", "additionalProperties": inner} if inner else {"type": "object"}
    if kind in TIME_TYPES:
        return {"type": "string", "format": TIME_TYPES[kind][0]}
    return _class_schema(kind, depth) if isinstance(kind, type) else {}


def _described(schema: dict[str, Any], notes: tuple[Any, ...]) -> dict[str, Any]:
    for note in notes:
        # A text, pydantic's Field, typing's Doc.
        candidates = (
            note,
            getattr(note, "description", None),
            getattr(note, "documentation", None),
        )
        said = next((one for one in candidates if isinstance(one, str)), None)
        if said:
            return {**schema, "description": said}
    return schema


def _list_schema(kind: Any, arguments: tuple[Any, ...], depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array"}
    if kind in SET_TYPES:
        schema["uniqueItems"] = True
    if kind is tuple and arguments and arguments[-1] is not Ellipsis:
        schema["prefixItems"] = [schema_of(one, depth + 1) for one in arguments]
        schema["minItems"] = schema["maxItems"] = len(arguments)
        return schema
    # A list without a word on its items has to have one all the same for some providers.
    return {**schema, "items": schema_of(arguments[0], depth + 1) if arguments else {}}


def _class_schema(kind: type, depth: int) -> dict[str, Any]:
    if issubclass(kind, enum.Enum):
        return {"enum": [enum_json(member) for member in kind]}
    if issubclass(kind, pathlib.PurePath):
        return {"type": "string"}
    make_schema = getattr(kind, "model_json_schema", None)
    if callable(make_schema):
        return dict(make_schema())
    fields = fields_of(kind)
    if fields is None:
        return {}
    return {
        "type": "object",
        "properties": {name: schema_of(one, depth + 1) for name, (one, _) in fields.items()},
        "required": [name for name, (_, is_required) in fields.items() if is_required],
        "additionalProperties": False,
    }


