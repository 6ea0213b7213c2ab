"""Tells whether a call is under way that a signal's handler may have broken into."""

from __future__ import annotations

import sys
from types import FrameType

__all__ = ["current_frame", "is_on_stack"]

current_frame = sys._getframe
"""The caller's frame: what a call notes of itself, for `is_on_stack`."""


def is_on_stack(frame: FrameType | None) -> bool:
    """Whether the call of a frame has called this, directly or not, in this thread.

    A flag that a call sets and takes back in a ``finally`` would say it as well, if what a handler
    raises never passed over that ``finally``: with Python 3.13.0 it does at times, and the flag stays.

    Args:
        frame: As the call has noted it; None: there is none.
    """
    if frame is None:
        return False
    calling: FrameType | None = current_frame(1)
    while calling is not None:
        if calling is frame:
            return True
        calling = calling.f_back
    return False
