"""The number nearest to 0 that fits the bounds of a JSON Schema."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

__all__ = ["NoFitError", "fitting_number"]


class NoFitError(Exception):
    """No value fits a part of a schema; the message says why, for `fitting_value` to tell."""


def fitting_number(schema: dict[str, Any], number: int, *, whole: bool) -> int | float:
    """The number-th of the numbers that fit a schema, from the one that is nearest to 0 on.

    Args:
        schema: A JSON Schema with bounds, or without.
        number: From 0.
        whole: Whether it must be an integer.

    Raises:
        NoFitError: There is none.
    """
    low, above = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, below = _bound(schema, "maximum", "exclusiveMaximum", min)
    step = _fraction(schema.get("multipleOf"))
    step = Fraction(1) if step is None else step
    if step <= 0:
        raise NoFitError("a `multipleOf` of it is not above 0")
    if whole:
        step = Fraction(step.numerator)  # the smallest whole number that is a multiple of it
    start = Fraction(0)
    if low is not None and (low > 0 or (low == 0 and above)):
        start = ceil(low / step) * step
        start += step if above and start == low else 0
    elif high is not None and (high < 0 or (high == 0 and below)):
        start = -ceil(-high / step) * step
        start -= step if below and start == high else 0
        number = -number
    found = start + number * step
    if not _within(found, low, above, high, below):
        if whole or "multipleOf" in schema or low is None or high is None:
            if number and _within(start, low, above, high, below):
                # There are no more: the first again, which an array may refuse to hold twice.
                return int(start) if start.denominator == 1 else float(start)
            raise NoFitError("no number lies between bounds of it")
        found = (low + high) / 2 if low != high else low
        if not _within(found, low, above, high, below):
            raise NoFitError("no number lies between bounds of it")
    return int(found) if found.denominator == 1 else float(found)


def _bound(
    schema: dict[str, Any], included: str, excluded: str, tighter: Any
) -> tuple[Fraction | None, bool]:
    """A bound, and whether it is outside itself."""
    inside, outside = _fraction(schema.get(included)), _fraction(schema.get(excluded))
    if outside is None or (inside is not None and tighter(inside, outside) != outside):
        return inside, False
    return outside, True


def _within(
    value: Fraction, low: Fraction | None, above: bool, high: Fraction | None, below: bool
) -> bool:
    if low is not None and (value < low or (above and value == low)):
        return False
    return high is None or value < high or (value == high and not below)


def _fraction(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(str(value))  # the decimal number that was written, not its binary neighbour
