"""Ends what a kernel was asked, whatever it was, when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["STOP_GRACE_S", "UNSTOPPABLE", "end_request"]

STOP_GRACE_S = 2.4
"""How long what was asked has to end after an interrupt before its kernel is ended."""

UNSTOPPABLE = "The kernel's code could not be interrupted, so that its process was ended."

_TRIES = 2  # an interrupt is lost that comes when code is just about to begin


async def end_request(
    answered: Awaitable[Any],
    *,
    interrupt: Callable[[], Awaitable[None]],
    end_kernel: Callable[[], Awaitable[None]],
) -> None:
    """Interrupt what runs; where that does not end it, end the kernel.

    Cancelled in between, it ends the kernel at once.

    Args:
        answered: Is done when the kernel has answered; its result and failure are passed over.
        interrupt: Interrupts what runs.
        end_kernel: Ends the kernel with its state.
    """
    waiting = asyncio.ensure_future(answered)
    try:
        for _ in range(_TRIES):
            await interrupt()
            await asyncio.wait({waiting}, timeout=STOP_GRACE_S / _TRIES)
            if waiting.done():
                break
    finally:
        if waiting.done():
            if not waiting.cancelled():
                waiting.exception()  # looked at, or asyncio logs that nobody did
        else:
            waiting.cancel()
            await end_kernel()
