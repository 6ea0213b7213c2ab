"""What JSON Schema says of answers: more than msgspec can tell of their classes."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import Struct, UnsetType, inspect

__all__ = ["describe_answer", "structs_in"]

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     .*)*)", re.MULTILINE)


def structs_in(kind: type[Struct]) -> set[type[Struct]]:
    """A class, and those of the objects that it holds, however deep."""
    found: set[type[Struct]] = set()
    waiting: list[Any] = [inspect.type_info(kind)]
    while waiting:
        described = waiting.pop()
        if isinstance(described, inspect.StructType):
            if described.cls in found:
                continue
            found.add(described.cls)
            waiting += [field.type for field in described.fields]
        elif isinstance(described, inspect.UnionType):
            waiting += described.types
        elif isinstance(described, inspect.CollectionType):
            waiting.append(described.item_type)
        elif isinstance(described, inspect.TupleType):
            waiting += described.item_types
        elif isinstance(described, inspect.DictType):
            waiting.append(described.value_type)
        elif isinstance(described, inspect.Metadata):
            waiting.append(described.type)
    return found


def describe_answer(kind: type[Struct], schema: dict[str, Any]) -> None:
    """Complete the schema of a class that is only ever sent.

    All its fields are there, defaults too, but for those that may be unset; and what its docstring
    says of them under ``Attributes`` is their description.
    """
    properties = schema["properties"]
    if not kind.__struct_config__.omit_defaults:
        for field_schema in properties.values():
            field_schema.pop("default", None)
        schema["required"] = [
            field.encode_name
            for field in msgspec.structs.fields(kind)
            if not _may_be_unset(field.type)
        ]
    for base in kind.__mro__:
        text, _, attributes = cleandoc(base.__doc__ or "").partition("\n\nAttributes:\n")
        if base is kind:
            schema["description"] = text
        for name, description in _ATTRIBUTE.findall(attributes):
            if name in properties:
                words = re.sub(r"\bNone\b", "null", " ".join(description.split()))
                properties[name].setdefault("description", words)


def _may_be_unset(kind: Any) -> bool:
    return UnsetType in getattr(kind, "__args__", ()) or any(
        UnsetType in getattr(part, "__args__", ()) for part in getattr(kind, "__args__", ())
    )
