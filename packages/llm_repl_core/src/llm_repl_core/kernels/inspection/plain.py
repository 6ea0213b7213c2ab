"""Values that are plain data, as literals by which they can be made again elsewhere.

This file stands alone, with the standard library only: its text is also sent into kernels whose
environment does not have this package (see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["plain_literal"]

_DEEPEST_PLAIN = 50
"""What Python's parser reads back with certainty."""


def plain_literal(namespace: Mapping[str, Any], name: str, limit_chars: int) -> str | None:
    """A variable's value as a literal.

    Args:
        namespace: The state.
        name: The variable.
        limit_chars: Of the literal.

    Returns:
        The literal; None where there is no such variable, or its value is anything but texts,
        numbers, None, and lists, tuples and dictionaries of these, of exactly these types, or is
        long. Sets are not among them, as two of the same items may have another order.
    """
    if name not in namespace:
        return None
    pieces: list[str] = []
    left = limit_chars

    def add(piece: str) -> bool:
        nonlocal left
        left -= len(piece) + 2
        pieces.append(piece)
        return left >= 0

    def add_all(value: Any, outer: tuple[int, ...]) -> bool:
        kind = type(value)
        if kind is str:
            return len(value) <= left and add(ascii(value))
        if kind in (int, bool, type(None)):
            return (kind is not int or value.bit_length() <= 10_000) and add(repr(value))
        if kind is float:
            return math.isfinite(value) and add(repr(value))
        if kind not in (list, tuple, dict) or id(value) in outer or len(outer) >= _DEEPEST_PLAIN:
            return False
        if len(value) > left:
            return False
        inner = (*outer, id(value))
        if not add("[" if kind is list else "(" if kind is tuple else "{"):
            return False
        for item in list(value):
            if not (add_all(item, inner) and add(":" if kind is dict else ",")):
                return False
            if kind is dict and not (add_all(value[item], inner) and add(",")):
                return False
        return add("]" if kind is list else ")" if kind is tuple else "}")

    return "".join(pieces) if add_all(namespace[name], ()) else None
