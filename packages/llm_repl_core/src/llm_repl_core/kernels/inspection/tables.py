"""Frames and arrays as tables: which values are such, their sizes, and some of their rows as text.

No library is imported for it: a value that is a frame has come with its own.
"""

from __future__ import annotations

from typing import Any

from llm_repl_core.kernels.values import cut_text

__all__ = ["is_array", "is_series", "is_table", "table_columns", "table_rows", "table_shape"]

_MAX_COLUMNS = 50
_CELL_LIMIT_BYTES = 200
_MAX_COLUMN_NAMES = 20


def _is_from(value: object, library: str, *names: str) -> bool:
    return any(
        kind.__name__ in names and (kind.__module__ or "").partition(".")[0] == library
        for kind in type.__dict__["__mro__"].__get__(type(value))
        if isinstance(kind.__module__, str)
    )


def is_table(value: object) -> bool:
    """Whether it has rows and named columns: a data frame of pandas or polars."""
    return _is_from(value, "pandas", "DataFrame") or _is_from(value, "polars", "DataFrame")


def is_series(value: object) -> bool:
    """Whether it is one column with an index."""
    return _is_from(value, "pandas", "Series") or _is_from(value, "polars", "Series")


def is_array(value: object) -> bool:
    """Whether it is an array of numpy with at least one axis."""
    array: Any = value
    return _is_from(value, "numpy", "ndarray") and array.ndim > 0


def table_shape(value: Any) -> list[int]:
    """The length of each axis."""
    return [int(length) for length in value.shape]


def table_columns(value: Any) -> list[str]:
    """The first names of a frame's columns, as far as they are shown in a line."""
    return [_cell_text(name) for name in list(value.columns[:_MAX_COLUMN_NAMES])]


def table_rows(value: Any, start: int, count: int) -> dict[str, Any]:
    """Some rows.

    Args:
        value: A frame, a series, or an array of one or two axes.
        start: The first row.
        count: How many.

    Returns:
        ``columns``: ``{name, dtype}`` of each; ``rows``: ``{label, cells}``, all of them texts;
        ``columns_left_out``: how many columns are not among them.
    """
    if _is_from(value, "pandas", "DataFrame"):
        part = value.iloc[start : start + count, :_MAX_COLUMNS]
        return _table(
            [(_cell_text(name), str(dtype)) for name, dtype in part.dtypes.items()],
            [(_cell_text(row[0]), row[1:]) for row in part.itertuples(index=True, name=None)],
            left_out=value.shape[1] - part.shape[1],
        )
    if _is_from(value, "pandas", "Series"):
        part = value.iloc[start : start + count]
        name = "" if value.name is None else _cell_text(value.name)
        rows = [(_cell_text(label), (cell,)) for label, cell in part.items()]
        return _table([(name, str(value.dtype))], rows)
    if _is_from(value, "polars", "DataFrame"):
        part = value[:, :_MAX_COLUMNS].slice(start, count)
        names = list(zip(part.columns, map(str, part.dtypes), strict=True))
        rows = [(str(start + at), row) for at, row in enumerate(part.rows())]
        return _table(names, rows, left_out=value.shape[1] - part.shape[1])
    if _is_from(value, "polars", "Series"):
        cells = value.slice(start, count).to_list()
        rows = [(str(start + at), (cell,)) for at, cell in enumerate(cells)]
        return _table([(value.name, str(value.dtype))], rows)
    part = value[start : start + count]
    kind = str(value.dtype)
    if value.ndim == 1:
        return _table([("", kind)], [(str(start + at), (cell,)) for at, cell in enumerate(part)])
    part = part[:, :_MAX_COLUMNS]
    return _table(
        [(str(column), kind) for column in range(part.shape[1])],
        [(str(start + at), tuple(row)) for at, row in enumerate(part)],
        left_out=value.shape[1] - part.shape[1],
    )


def _table(
    columns: list[tuple[str, str]], rows: list[tuple[str, Any]], *, left_out: int = 0
) -> dict[str, Any]:
    return {
        "columns": [
            {"name": name, "dtype": cut_text(dtype, _CELL_LIMIT_BYTES)[0]}
            for name, dtype in columns
        ],
        "rows": [
            {"label": label, "cells": [_cell_text(cell) for cell in row]} for label, row in rows
        ],
        "columns_left_out": int(left_out),
    }


def _cell_text(value: object) -> str:
    text = str.__str__(value) if isinstance(value, str) else str(value)
    shown, is_cut = cut_text(text, _CELL_LIMIT_BYTES)
    return f"{shown}…" if is_cut else shown
