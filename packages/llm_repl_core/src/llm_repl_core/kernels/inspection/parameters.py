"""Annotations of a function's parameters as JSON Schema."""

from __future__ import annotations

import enum
import pathlib
import types
import typing
from typing import Any

from llm_repl_core.kernels.inspection.annotation_types import (
    DICTIONARY_TYPES,
    LIST_TYPES,
    PLAIN_TYPES,
    SET_TYPES,
    TIME_TYPES,
    enum_json,
    fields_of,
    is_hashable,
    json_value_of,
)

__all__ = ["SchemaWriter"]

_DEPTH_LIMIT = 12


class SchemaWriter:
    """Writes the schemas of one function's parameters.

    Attributes:
        definitions: What the schemas refer to as ``#/$defs/…``.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._outer: list[type] = []

    def schema_of(self, annotation: Any, depth: int = 0) -> dict[str, Any]:
        """What fits an annotation; ``{}``, anything, where none says it."""
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if depth > _DEPTH_LIMIT:
            return {}
        if is_hashable(annotation) and annotation in PLAIN_TYPES:
            return {"type": PLAIN_TYPES[annotation]}
        if origin is typing.Annotated:
            return _described(self.schema_of(arguments[0], depth), annotation.__metadata__)
        if origin is typing.Literal:
            return {"enum": [choice for choice in arguments if json_value_of(choice)[0]]}
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.schema_of(kind, depth + 1) for kind in arguments]}
        kind = origin or annotation
        if not is_hashable(kind):
            return {}
        if kind in LIST_TYPES:
            return self._list_schema(kind, arguments, depth)
        if kind in DICTIONARY_TYPES:
            inner = self.schema_of(arguments[1], depth + 1) if len(arguments) == 2 else {}
            return {"type": "object", **({"additionalProperties": inner} if inner else {})}
        if kind in TIME_TYPES:
            return {"type": "string", "format": TIME_TYPES[kind][0]}
        return self._class_schema(kind, depth) if isinstance(kind, type) else {}

    def _list_schema(self, kind: Any, arguments: tuple[Any, ...], depth: int) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array"}
        if kind in SET_TYPES:
            schema["uniqueItems"] = True
        if kind is tuple and arguments and arguments[-1] is not Ellipsis:
            schema["prefixItems"] = [self.schema_of(inner, depth + 1) for inner in arguments]
            schema["minItems"] = schema["maxItems"] = len(arguments)
            return schema
        # Some providers want to be told of the items, even where there is nothing to tell.
        return {**schema, "items": self.schema_of(arguments[0], depth + 1) if arguments else {}}

    def _class_schema(self, kind: type, depth: int) -> dict[str, Any]:
        if issubclass(kind, enum.Enum):
            return {"enum": [enum_json(member) for member in kind]}
        if issubclass(kind, pathlib.PurePath):
            return {"type": "string"}
        make_schema = getattr(kind, "model_json_schema", None)
        if callable(make_schema):
            schema = dict(make_schema())
            self.definitions.update(schema.pop("$defs", {}))
            return schema
        fields = fields_of(kind)
        if fields is None:
            return {}
        if kind in self._outer:  # a tree of its own kind
            return {"type": "object"}
        self._outer.append(kind)
        properties = {name: self.schema_of(kind, depth + 1) for name, (kind, _) in fields.items()}
        self._outer.pop()
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name, (_, is_required) in fields.items() if is_required],
            "additionalProperties": False,
        }


def _described(schema: dict[str, Any], notes: tuple[Any, ...]) -> dict[str, Any]:
    """The schema with what ``Annotated`` says: a text, pydantic's ``Field``, typing's ``Doc``."""
    for note in notes:
        for said in (note, getattr(note, "description", 0), getattr(note, "documentation", 0)):
            if isinstance(said, str) and said:
                return {**schema, "description": said}
    return schema
