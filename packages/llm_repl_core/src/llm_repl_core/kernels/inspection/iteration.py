"""The items of what somebody iterates over, which may have no end."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

__all__ = ["first_items"]


def first_items(items: Iterable[Any], count: int) -> list[Any]:
    """So many items of anything that can be iterated, or as many as there are.

    Args:
        items: Where they come from.
        count: How many are taken at most.

    Raises:
        BaseException: Whatever the iteration raises.
    """
    return list(islice(items, count))
