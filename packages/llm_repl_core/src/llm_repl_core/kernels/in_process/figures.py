"""Shows matplotlib's figures that a cell made, where matplotlib is in use."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["new_figures", "open_figures"]


def open_figures() -> frozenset[int]:
    """The identities of the figures that are open in pyplot."""
    return frozenset(id(manager) for manager in _managers())


def new_figures(before: frozenset[int]) -> Iterator[dict[str, Any]]:
    """A MIME bundle of each figure that was opened since, which is closed then.

    Args:
        before: What `open_figures` said before the cell.
    """
    pyplot = sys.modules.get("matplotlib.pyplot")
    for manager in _managers():
        if id(manager) in before or pyplot is None:
            continue
        figure = manager.canvas.figure
        image = io.BytesIO()
        figure.savefig(image, format="png", bbox_inches="tight")
        pyplot.close(figure)
        yield {"image/png": image.getvalue(), "text/plain": repr(figure)}


def _managers() -> list[Any]:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None or "matplotlib.pyplot" not in sys.modules:
        return []
    return list(helpers.Gcf.get_all_fig_managers())
