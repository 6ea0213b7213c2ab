"""What JSON can hold, and what becomes of the rest: one place for all that read and write it."""

from __future__ import annotations

import math
from typing import Any, NoReturn

__all__ = ["read_finite", "refuse_constant", "without_infinities"]


def without_infinities(value: Any) -> Any:
    """A value in which numbers that JSON does not have, NaN and the infinite ones, are ``None``.

    Args:
        value: Plain data; tuples become lists.

    Example:
        >>> without_infinities({"a": [1.5, float("nan")]})
        {'a': [1.5, None]}
    """
    if isinstance(value, dict):
        return {key: without_infinities(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinities(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def refuse_constant(constant: str) -> NoReturn:
    """Refuse ``NaN`` and the like, which Python's reader takes: the reader's ``parse_constant``.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"`{constant}` is not a JSON number")


def read_finite(digits: str) -> float:
    """Read a number that a float can hold: the reader's ``parse_float``.

    Raises:
        ValueError: It is too large.
    """
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"the number {digits[:40]} is out of range")
    return value
