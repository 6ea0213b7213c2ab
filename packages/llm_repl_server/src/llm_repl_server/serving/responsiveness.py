"""Settings of the interpreter that let many threads of one process answer soon."""

from __future__ import annotations

import gc
import sys

__all__ = ["make_responsive"]

_SWITCH_INTERVAL_S = 0.001
"""How long one thread may keep the others waiting. With Python's own 5 ms, the disk and the
websockets wait for as long at each of their steps while the engine is busy."""

_COLLECTION_THRESHOLDS = (10_000, 20, 50)
"""Python's own have a burst of events pay for a dozen collections that find nothing."""


def make_responsive() -> None:
    """Set up a process that serves, once the application is there."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.set_threshold(*_COLLECTION_THRESHOLDS)
    # What is there now stays, and need not be looked at again.
    gc.freeze()
