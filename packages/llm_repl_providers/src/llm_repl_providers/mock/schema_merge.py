"""Two JSON Schemas made one, for `allOf` and for what stands beside a reference or a choice."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["merged"]

_LOWER_BOUNDS: Final = (
    "minimum",
    "exclusiveMinimum",
    "minItems",
    "minLength",
    "minProperties",
)
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxItems", "maxLength")


def merged(first: Any, second: Any) -> Any:
    """A schema that asks for what both ask; where it cannot say so, for what the second asks."""
    if first is False or second is False:
        return False
    if not isinstance(first, dict):
        return second
    if not isinstance(second, dict):
        return first
    both = {**first, **second}
    for key in first.keys() & second.keys():
        both[key] = _merged_keyword(key, first[key], second[key])
    return both


def _merged_keyword(key: str, first: Any, second: Any) -> Any:
    if isinstance(first, list) and isinstance(second, list):
        if key in {"required", "allOf"}:
            return [*first, *(item for item in second if item not in first)]
        if key == "enum":
            return [item for item in first if item in second]
    if key == "properties" and isinstance(first, dict) and isinstance(second, dict):
        common = {name: merged(first[name], second[name]) for name in first.keys() & second.keys()}
        return {**first, **second, **common}
    if key in _LOWER_BOUNDS and _are_numbers(first, second):
        return max(first, second)
    if key in _UPPER_BOUNDS and _are_numbers(first, second):
        return min(first, second)
    return second


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)
