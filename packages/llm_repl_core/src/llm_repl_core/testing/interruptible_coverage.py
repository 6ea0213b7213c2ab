"""A plugin of coverage.py for tests that interrupt code: the measuring takes no lock.

An interrupt may come at any point, also within coverage, which would then hold its lock for ever,
and the next line of any thread would wait for it. Without it, what two threads note at once may be
lost, and nothing hangs. To be named under ``plugins`` of coverage's configuration, which loads it in
each process that is measured: kernels, too.
"""

from __future__ import annotations

import sys
from typing import Any

from coverage.collector import Collector

__all__ = ["coverage_init"]


def coverage_init(_registry: Any, _options: dict[str, Any]) -> None:
    """Called by coverage when it begins in a process."""
    setattr(Collector, "lock_data", _do_nothing)  # noqa: B010  # by name, as type checkers object
    setattr(Collector, "unlock_data", _do_nothing)  # noqa: B010
    # What was imported to come here was not measured: it is imported anew when it is used.
    for name in [module for module in sys.modules if module.partition(".")[0] == "llm_repl_core"]:
        del sys.modules[name]


def _do_nothing(_collector: object) -> None:
    """Instead of taking the lock, and of giving it back."""
