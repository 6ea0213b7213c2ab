"""Has plotly show figures as rich outputs, with no other package of Jupyter's.

Its own renderers for notebooks fail where nbformat is not installed, or open a browser where
IPython does not run. Stands alone: Jupyter kernels get it as text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from llm_repl_core.kernels.after_import import after_import

__all__ = ["use_plotly_renderer"]

_RENDERER = "llm_repl"


def use_plotly_renderer(show: Callable[[dict[str, Any]], bool]) -> None:
    """Make what shows figures by ``show`` plotly's default, now or when plotly is imported.

    Args:
        show: Called with a MIME bundle; answers whether it was shown: else plotly goes on as it
            would have done.
    """
    after_import("plotly.io", lambda module: _register(module, show))


def _register(pio: Any, show: Callable[[dict[str, Any]], bool]) -> None:
    renderers = pio.renderers
    before = renderers.default

    class Renderer(pio.base_renderers.ExternalRenderer):  # type: ignore[misc]  # known at run time only
        """Shows a figure in the cell."""

        def render(self, fig_dict: dict[str, Any]) -> None:
            """Show it, or have it shown as without us."""
            if not show(_bundle_of(pio, fig_dict)):
                pio.show(fig_dict, renderer=before or "browser", validate=False)

    renderers[_RENDERER] = Renderer()
    if "PLOTLY_RENDERER" not in os.environ:
        renderers.default = _RENDERER


def _bundle_of(pio: Any, figure: dict[str, Any]) -> dict[str, Any]:
    traces = figure.get("data") or []
    kinds = ", ".join(sorted({str(trace.get("type", "scatter")) for trace in traces}))
    title = ((figure.get("layout") or {}).get("title") or {}).get("text")
    plural = "" if len(traces) == 1 else "s"
    kinds = f" ({kinds})" if kinds else ""
    title = f", {title!r}" if title else ""
    text = f"<plotly figure: {len(traces)} trace{plural}{kinds}{title}>"
    return {
        "application/vnd.plotly.v1+json": json.loads(
            pio.to_json(figure, validate=False, remove_uids=False)
        ),
        "text/html": pio.to_html(figure, include_plotlyjs="cdn", full_html=False, validate=False),
        "text/plain": text,
    }
