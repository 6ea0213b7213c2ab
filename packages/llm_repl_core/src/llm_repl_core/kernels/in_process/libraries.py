"""Tells libraries, while code runs, that what they show is not for a terminal."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["for_notebook", "import_for_notebook"]

_OPTION = "display.max_columns"
_TERMINAL, _NOTEBOOK = 0, 20
"""What pandas starts with: in a terminal as many columns as fit, in a notebook so many."""

_lock = threading.Lock()
_running = 0
_changed = False


@contextmanager
def for_notebook() -> Iterator[None]:
    """Within it, pandas shows frames as in a notebook, unless somebody has set how.

    It is the caller's process: behind it, all is as before. Several kernels may be in it at once.
    """
    global _running, _changed
    with _lock:
        _running += 1
    _adopt()
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if not _running and _changed:
                _changed = False
                pandas: Any = sys.modules.get("pandas")
                if pandas.get_option(_OPTION) == _NOTEBOOK:
                    pandas.set_option(_OPTION, _TERMINAL)


def import_for_notebook(*arguments: Any, **named: Any) -> Any:
    """What ``import`` does in a cell, which may be the first to import pandas."""
    known = "pandas" in sys.modules
    module = builtins.__import__(*arguments, **named)
    if not known and "pandas" in sys.modules:
        _adopt()
    return module


def _adopt() -> None:
    global _changed
    pandas: Any = sys.modules.get("pandas")
    if not hasattr(pandas, "set_option"):  # it is not there, or only half
        return
    with _lock:
        if _running and pandas.get_option(_OPTION) == _TERMINAL:
            pandas.set_option(_OPTION, _NOTEBOOK)
            _changed = True
