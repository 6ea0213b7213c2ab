"""How many calls a run makes at once."""

from __future__ import annotations

import asyncio

__all__ = ["CallSlots"]


class CallSlots(asyncio.Semaphore):
    """The places of a run's calls, which also tells how many wait for one.

    Args:
        size: How many there are, from 1.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size
        self.waiting = 0
        """How many calls wait for a place."""

    async def acquire(self) -> bool:  # type: ignore[override]  # the base says Literal[True]
        """Wait for a place."""
        self.waiting += 1
        try:
            return await super().acquire()
        finally:
            self.waiting -= 1
