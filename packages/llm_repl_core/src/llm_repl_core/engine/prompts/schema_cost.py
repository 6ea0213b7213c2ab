"""What checking an answer by a schema costs at most, told from the two beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["SchemaCost"]

_STEPS_LIMIT = 10_000
"""How many steps a check may take where others wait meanwhile; one is about 5 µs."""
_SCHEMA_LIMIT = 1_000
_CHARACTERS_LIMIT = 20_000
"""Of the texts in an answer: messages about what does not fit repeat them."""

_PLAIN = frozenset({
    "$comment", "$defs", "additionalProperties", "allOf", "anyOf", "const",
    "default", "definitions", "deprecated", "description", "enum", "examples", "exclusiveMaximum",
    "exclusiveMinimum", "format", "items", "maxItems", "maxLength", "maxProperties", "maximum",
    "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf",
    "prefixItems", "properties", "readOnly", "required", "title", "type", "writeOnly",
})  # fmt: skip
"""Keywords that look at each part of an answer once; of others nothing is known."""
_AT_THE_TOP = frozenset({"$id", "$schema"})
_ONE = ("additionalProperties", "items", "not")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_DATA = ("const", "enum", "required")


class SchemaCost:
    """How much work a schema makes.

    Args:
        schema: The JSON Schema, which need not be a valid one.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._steps: float = 0
        for steps in self._each(schema):
            self._steps += steps
            if self._steps > _SCHEMA_LIMIT:
                self._steps = float("inf")
                break

    @property
    def is_small(self) -> bool:
        """Whether the schema itself is checked at once, and answers in so many steps a part."""
        return self._steps <= _SCHEMA_LIMIT

    def allows(self, value: Any) -> bool:
        """Whether an answer can be checked while others wait."""
        if not self.is_small:
            return False
        parts, characters = _size(value, _STEPS_LIMIT)
        return self._steps * parts <= _STEPS_LIMIT and characters <= _CHARACTERS_LIMIT

    def _each(self, schema: Any) -> Iterator[float]:
        """The steps of each part of a schema, references followed; of one without an end, too."""
        waiting = [schema]
        while waiting:
            part = waiting.pop()
            yield 1
            if isinstance(part, bool):
                continue
            if not isinstance(part, Mapping):  # `items` may be a list in older drafts
                yield float("inf")
                return
            reference = part.get("$ref")
            keywords = part.keys() - {"$ref"}
            # Further in, these change where references lead, and what keywords mean.
            if not keywords <= (_PLAIN if part is not self._root else _PLAIN | _AT_THE_TOP):
                yield float("inf")
                return
            yield len(keywords)
            if reference is not None:
                waiting.append(self._target(reference))
            waiting += [part[name] for name in _ONE if name in part]
            for name in _MANY:
                among = part.get(name, [])
                waiting += among if isinstance(among, list) else [None]
            properties = part.get("properties", {})
            waiting += properties.values() if isinstance(properties, Mapping) else [None]
            for name in _DATA:
                if name in part:
                    yield _size(part[name], _SCHEMA_LIMIT)[0]

    def _target(self, reference: Any) -> Any:
        """What a reference within the schema leads to; None where that is not told here."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        part: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            part = part.get(step) if isinstance(part, Mapping) else None
        return part


def _size(value: Any, limit: int) -> tuple[int, int]:
    """How many values there are in one, itself included, and how many characters in its texts.

    Where there are more values than the limit, so is the first number.
    """
    parts = characters = 0
    waiting = [value]
    while waiting and parts <= limit:
        part = waiting.pop()
        parts += 1
        if isinstance(part, dict):
            waiting += part.values()
            characters += sum(map(len, part))
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, str):
            characters += len(part)
    return parts + len(waiting), characters
