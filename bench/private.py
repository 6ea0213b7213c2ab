"""Folders for this run alone: no program that is measured finds the user's, or leaves a trace."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["private_folders"]

_VARIABLES = (
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "LLM_REPL_CONFIG_DIR",
    "LLM_REPL_DATA_DIR",
    "LLM_USER_PATH",
)


@contextmanager
def private_folders() -> Iterator[Path]:
    """Point all that looks for folders of the user's at new ones, until the end."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        for variable in _VARIABLES:
            folder = Path(name, variable.lower())
            folder.mkdir(mode=0o700)
            os.environ[variable] = str(folder)
        try:
            yield Path(name)
        finally:
            os.environ.clear()
            os.environ.update(before)
