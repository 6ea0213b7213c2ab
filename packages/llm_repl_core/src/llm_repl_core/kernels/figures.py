"""Shows matplotlib's figures that a cell made, where matplotlib is in use."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["figure_bundle", "new_figures", "open_figures"]


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
        bundle = _drawn(figure)
        pyplot.close(figure)
        yield bundle


def figure_bundle(value: object) -> dict[str, Any] | None:
    """The MIME bundle of a figure; None: the value is none."""
    module = sys.modules.get("matplotlib.figure")
    return None if module is None or not isinstance(value, module.Figure) else _drawn(value)


def _drawn(figure: Any) -> dict[str, Any]:
    image = io.BytesIO()
    figure.savefig(image, format="png", bbox_inches="tight")
    return {"image/png": image.getvalue(), "text/plain": repr(figure)}


def _managers() -> list[Any]:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None or "matplotlib.pyplot" not in sys.modules:
        return []
    return list(helpers.Gcf.get_all_fig_managers())
