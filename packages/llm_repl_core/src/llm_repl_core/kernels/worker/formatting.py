"""How a worker's values become MIME bundles: what fails in one form is shown in the others."""

from __future__ import annotations

import sys
import traceback
from contextvars import ContextVar
from typing import Any

from IPython.core.formatters import DisplayFormatter

__all__ = ["BundleFormatter", "keep_format_error"]

_errors: ContextVar[list[tuple[Any, Any, Any]] | None] = ContextVar("llm_repl_format", default=None)


class BundleFormatter(DisplayFormatter):
    """A method of an object that raises loses its form only; the cell goes on."""

    def format(
        self, obj: Any, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The data and the metadata by MIME type.

        Raises:
            Exception: None of its forms can be shown; the last one's.
        """
        errors: list[tuple[Any, Any, Any]] = []
        token = _errors.set(errors)
        try:
            make: Any = super().format
            data, metadata = make(obj, include, exclude)
        finally:
            _errors.reset(token)
        if errors and not data:
            raise errors[-1][1]
        for kind, error, _ in errors:
            line = "".join(traceback.format_exception_only(kind, error)).rstrip("\n")
            name = type(obj).__name__
            sys.stderr.write(f"One form of this {name} can't be shown: {line}\n")
        return data, metadata


def keep_format_error(info: tuple[Any, Any, Any]) -> bool:
    """Keep an exception that a form of an object has raised.

    Returns:
        Whether one is being made; else the exception is the cell's own.
    """
    errors = _errors.get()
    if errors is None:
        return False
    errors.append(info)
    return True
