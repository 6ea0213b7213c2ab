"""Whether a JSON Schema is one that OpenAI enforces by the letter (`strict`)."""

from __future__ import annotations

from typing import Any, Final

from llm_repl_core.model.json_value import JSONValue

__all__ = ["strict_schema"]

_KEYWORDS: Final = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "definitions",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    }
)
_FORMATS: Final = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"}
)
_LEVELS_LIMIT: Final = 10


def strict_schema(schema: dict[str, JSONValue]) -> dict[str, JSONValue] | None:
    """The schema for strict mode; None: it has what that mode does not know.

    Objects whose properties are all required are closed (``additionalProperties: false``), which
    the mode demands: what fits then, fits the schema as it was. Nothing else is changed.

    Args:
        schema: A JSON Schema.
    """
    if schema.get("type") != "object":
        return None  # an object at the root is demanded, and no choice
    try:
        closed: dict[str, JSONValue] = _closed(schema, 0)
    except _NotStrictError:
        return None
    return closed


class _NotStrictError(Exception):
    pass


def _closed(schema: Any, level: int) -> Any:
    if not isinstance(schema, dict) or level > _LEVELS_LIMIT or not schema.keys() <= _KEYWORDS:
        raise _NotStrictError
    if "$ref" in schema:
        if len(schema) > 1:  # nothing may stand beside a reference
            raise _NotStrictError
        return schema
    if not schema.keys() & {"type", "anyOf", "enum", "const"}:
        raise _NotStrictError
    if schema.get("format", "date") not in _FORMATS:
        raise _NotStrictError
    closed = dict(schema)
    kinds = schema.get("type")
    if "object" in (kinds if isinstance(kinds, list) else [kinds]) or "properties" in schema:
        closed["additionalProperties"] = _closes(schema)
    for name in ("properties", "$defs", "definitions"):
        if name in schema:
            if not isinstance(schema[name], dict):
                raise _NotStrictError
            closed[name] = {key: _closed(part, level + 1) for key, part in schema[name].items()}
    if "items" in schema:
        closed["items"] = _closed(schema["items"], level + 1)
    if "anyOf" in schema:
        if not isinstance(schema["anyOf"], list):
            raise _NotStrictError
        closed["anyOf"] = [_closed(option, level + 1) for option in schema["anyOf"]]
    return closed


def _closes(schema: dict[str, Any]) -> bool:
    """The value that `additionalProperties` takes, which is False."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if schema.get("additionalProperties", False) is not False:
        raise _NotStrictError
    if not properties and "additionalProperties" not in schema:
        raise _NotStrictError  # any object is meant, not an empty one
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise _NotStrictError
    if {*map(str, required)} != properties.keys():
        raise _NotStrictError
    return False
