"""The smallest value that fits a JSON Schema, the same one each time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from llm_repl_core.errors import RequestRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_providers.mock.fitting_number import NoFitError, fitting_number
from llm_repl_providers.mock.schema_merge import merged

__all__ = ["fitting_value"]

_STEPS_LIMIT: Final = 10_000
_LEVELS_LIMIT: Final = 64
_LENGTH_LIMIT: Final = 10_000
_TRIAL_LIMIT_CHARACTERS: Final = 64

_FORMATS: Final = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "P1D",
    "email": "mock@example.org",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "00:00:00Z",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_PATTERN_TRIALS: Final = ("", "a", "A", "aa", "AAA", "0", "1", "0000", "a0", "A-1", "2000-01-01")


def fitting_value(schema: dict[str, JSONValue], words: Sequence[str]) -> JSONValue:
    """Make the smallest value that fits a schema: what is not required is left out.

    Types, objects, arrays, bounds, ``enum``, ``const``, ``$ref`` within the schema, ``allOf``,
    ``anyOf`` and ``oneOf`` (the first choice that can be made) are kept to; of ``pattern`` what a
    word or one of a few trials meets. Conditions (``not``, ``if``, ``contains``,
    ``dependentRequired`` and their like) are not read.

    Args:
        schema: A JSON Schema.
        words: What texts are made of, one after the other and again from the first.

    Raises:
        RequestRejected: There is no such value, or none is found.
    """
    try:
        value: JSONValue = _Fitting(schema, words).value(schema)
    except NoFitError as error:
        raise RequestRejected(
            f"The mock provider finds no answer that fits the schema: {error}."
        ) from None
    return value


class _Fitting:
    def __init__(self, root: Any, words: Sequence[str]) -> None:
        self._root = root
        self._words = list(words) or ["mock"]
        self._word = 0
        self._steps = 0
        self._level = 0
        self._references: list[str] = []

    def value(self, schema: Any, number: int = 0) -> Any:
        """What fits; ``number`` tells the elements of an array apart."""
        self._steps += 1
        if self._steps > _STEPS_LIMIT or self._level > _LEVELS_LIMIT:
            raise NoFitError("it is too large, or goes on without an end")
        self._level += 1
        try:
            return self._value(schema, number)
        finally:
            self._level -= 1

    def _value(self, schema: Any, number: int) -> Any:
        if schema is False:
            raise NoFitError("a part of it allows nothing")
        if not isinstance(schema, dict):
            schema = {}
        if "$ref" in schema:
            return self._referred(schema, number)
        if "allOf" in schema:
            whole = _without(schema, "allOf")
            for part in _list(schema["allOf"]):
                whole = merged(whole, self._followed(part))
            return self.value(whole, number)
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                rest = _without(schema, choice)
                parts = [merged(rest, part) for part in _list(schema[choice])]
                return self._first(parts, number)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            values = _list(schema["enum"])
            if not values:
                raise NoFitError("an `enum` of it is empty")
            return values[number % len(values)]
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._first([{**schema, "type": name} for name in kind], number)
        return self._of_type(kind or _guessed_type(schema), schema, number)

    def _referred(self, schema: dict[str, Any], number: int) -> Any:
        name = str(schema["$ref"])
        if name in self._references:
            raise NoFitError(f"`{name}` goes on without an end")
        self._references.append(name)
        try:
            return self.value(merged(self._target(name), _without(schema, "$ref")), number)
        finally:
            self._references.pop()

    def _followed(self, schema: Any) -> Any:
        """A schema with its reference, if it is one, replaced by what that names."""
        for _ in range(_LEVELS_LIMIT):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema
            schema = merged(self._target(str(schema["$ref"])), _without(schema, "$ref"))
        raise NoFitError("a reference of it goes on without an end")

    def _target(self, name: str) -> Any:
        target = self._root
        for step in name.split("/")[1:] if name.startswith("#/") else []:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        if target is None or not name.startswith("#"):
            raise NoFitError(f"`{name}` is not in it")
        return target

    def _first(self, schemas: list[Any], number: int) -> Any:
        """The value of the first schema that has one."""
        failure = NoFitError("a choice of it is empty")
        word = self._word
        for schema in schemas:
            try:
                return self.value(schema, number)
            except NoFitError as error:
                failure, self._word = error, word
        raise failure

    def _of_type(self, kind: Any, schema: dict[str, Any], number: int) -> Any:
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema)
        if kind == "string":
            return self._text(schema)
        if kind in ("integer", "number"):
            return fitting_number(schema, number, whole=kind == "integer")
        if kind == "boolean":
            return bool(number % 2)
        if kind == "null":
            return None
        raise NoFitError(f"there is no type `{kind}`")

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        required = [str(name) for name in _list(schema.get("required"))]
        names = [name for name in known if name in required]
        names += [name for name in required if name not in known]
        missing = _count(schema, "minProperties", 0) - len(names)
        optional = [name for name in known if name not in required]
        optional += [f"{self._next_word()}_{number}" for number in range(missing - len(optional))]
        others = schema.get("additionalProperties", True)
        return {
            name: self.value(known.get(name, others))
            for name in names + optional[: max(0, missing)]
        }

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        items = schema.get("items", True)
        first = _list(schema.get("prefixItems", items if isinstance(items, list) else []))
        if isinstance(items, list):
            items = schema.get("additionalItems", True)
        elements: list[Any] = []
        for number in range(_count(schema, "minItems", 0)):
            part = first[number] if number < len(first) else items
            elements.append(self.value(part, number))
        if schema.get("uniqueItems") is True:
            for number, element in enumerate(elements):
                if element in elements[:number]:
                    raise NoFitError("the elements of an array of it cannot all be different")
        return elements

    def _text(self, schema: dict[str, Any]) -> str:
        known = _FORMATS.get(str(schema.get("format")))
        if known is not None:
            return known
        text = self._next_word()
        least, most = _count(schema, "minLength", 0), _count(schema, "maxLength", _LENGTH_LIMIT)
        if "pattern" in schema:
            return self._matching(schema["pattern"], text, least, most)
        while len(text) < least:
            text += f" {self._next_word()}"
        return text[:most]

    def _matching(self, pattern: Any, text: str, least: int, most: int) -> str:
        try:
            for trial in (text[:_TRIAL_LIMIT_CHARACTERS], *_PATTERN_TRIALS):
                if least <= len(trial) <= most and re.search(pattern, trial):
                    return trial
        except (re.error, TypeError):
            raise NoFitError(f"`{pattern}` is no pattern") from None
        raise NoFitError(f"no text is known that has the pattern `{pattern}`")

    def _next_word(self) -> str:
        self._word += 1
        return self._words[(self._word - 1) % len(self._words)]


def _count(schema: dict[str, Any], key: str, otherwise: int) -> int:
    value = schema.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    if value > _LENGTH_LIMIT and otherwise == 0:
        raise NoFitError(f"its `{key}` is over {_LENGTH_LIMIT}")
    return int(value)


def _guessed_type(schema: dict[str, Any]) -> str:
    if schema.keys() & {"properties", "required", "additionalProperties", "minProperties"}:
        return "object"
    if schema.keys() & {"items", "prefixItems", "minItems"}:
        return "array"
    if schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}:
        return "number"
    return "string"


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: part for name, part in schema.items() if name != key}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
