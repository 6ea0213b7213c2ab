"""What a value shows of itself, in a process that may have an IPython of its own."""

from __future__ import annotations

import sys
from typing import Any

from llm_repl_core.kernels.figures import figure_bundle
from llm_repl_core.kernels.mime import mime_bundle

__all__ = ["bundle_of", "running_shell"]


def bundle_of(value: object, limit_bytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data and the metadata by MIME type; none where the value has shown itself.

    Args:
        value: What is to be shown. Where IPython runs here, as in Jupyter, its formatters count.
        limit_bytes: Of its ``text/plain``.
    """
    bundle = figure_bundle(value)
    if bundle is not None:
        return bundle, {}
    shell = running_shell()
    if shell is not None:
        data, metadata = shell.display_formatter.format(value)
        return data, metadata
    show_itself = getattr(type(value), "_ipython_display_", None)
    if show_itself is not None:
        try:
            show_itself(value)
        except Exception:  # noqa: BLE001, S110  it has other forms, or at least a text
            pass
        else:
            return {}, {}
    return mime_bundle(value, limit_bytes)


def running_shell() -> Any:
    """The IPython that runs in this process; None: there is none."""
    module = sys.modules.get("IPython.core.interactiveshell")
    if module is None or not module.InteractiveShell.initialized():
        return None
    return module.InteractiveShell.instance()
