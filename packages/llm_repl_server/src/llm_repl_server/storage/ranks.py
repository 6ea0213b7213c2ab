"""Ranks: numbers with room between them, so that putting a cell somewhere writes one row."""

from __future__ import annotations

__all__ = ["RANK_STEP", "rank_between", "spread_ranks"]

RANK_STEP = 2**36
"""The room between neighbours: it can be halved 36 times, and 2**26 steps fit into a column."""

_LIMIT = 2**62


def rank_between(previous: int | None, following: int | None) -> int | None:
    """A rank between two, None where there is no room left.

    Args:
        previous: The rank before; None: at the start.
        following: The rank behind; None: at the end.
    """
    if previous is None and following is None:
        return RANK_STEP
    if following is None:
        rank = (previous or 0) + RANK_STEP
    elif previous is None:
        rank = following - RANK_STEP
    else:
        rank = (previous + following) // 2
        if rank == previous:
            return None
    return rank if abs(rank) < _LIMIT else None


def spread_ranks(count: int) -> range:
    """Ranks for ``count`` cells in a row."""
    return range(RANK_STEP, (count + 1) * RANK_STEP, RANK_STEP)
