"""Ids of notebooks, cells, runs and calls."""

from __future__ import annotations

import os
import random
from uuid import UUID

__all__ = ["new_id"]

# Not `uuid4`, which asks the system each time: a thread that asks lets all others go first.
# Nobody is let in for knowing an id, so that it need not be hard to guess.
_random = random.Random()  # noqa: S311
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """A random UUID."""
    return str(UUID(int=_random.getrandbits(128), version=4))
