"""Has ``tqdm.notebook`` show its bars as text, as ``tqdm`` does in a terminal.

Its own are widgets, which nobody moves here: they stay as they were at first, and without ipywidgets
they are an error. Stands alone: Jupyter kernels get it as text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from llm_repl_core.kernels.after_import import after_import

__all__ = ["use_text_bars"]


def use_text_bars(in_cell: Callable[[], bool]) -> None:
    """Make bars of ``tqdm.notebook`` text, now or when it is imported.

    Args:
        in_cell: Whether code of a cell runs here, and now; else the bars are as they were.
    """
    after_import("tqdm.notebook", lambda module: _replace_bar(module, in_cell))


def _replace_bar(module: Any, in_cell: Callable[[], bool]) -> None:
    widget_class = module.tqdm_notebook

    class TextBar(module.std_tqdm):  # type: ignore[misc]  # known at run time only
        """A bar of text, which takes what a bar of widgets takes."""

        def __new__(cls, *arguments: Any, **named: Any) -> Any:
            if not in_cell():
                return widget_class(*arguments, **named)
            return super().__new__(cls)

        def __init__(self, *arguments: Any, display: bool = True, **named: Any) -> None:
            del display  # whether it is shown at once, and not where somebody shows it
            named.setdefault("file", sys.stdout)  # as that of widgets, which is no error's
            super().__init__(*arguments, **named)

    module.tqdm_notebook = module.tqdm = TextBar
