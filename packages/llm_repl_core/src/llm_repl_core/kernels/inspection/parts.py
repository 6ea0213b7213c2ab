"""What a value is made of, a page at a time: rows of a table, entries, or a piece of a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from llm_repl_core.kernels.inspection.summaries import attributes_of, summary_of
from llm_repl_core.kernels.inspection.tables import (
    is_array,
    is_series,
    is_table,
    table_rows,
    table_shape,
)
from llm_repl_core.kernels.values import (
    TimeUp,
    cut_text,
    exception_text,
    value_text,
    within_time,
)

__all__ = ["value_page"]

_PAGE_CHARS = 10_000
_LEAF_LIMIT_BYTES = 20_000
_LABEL_LIMIT_BYTES = 200
_STEP_LIMIT_CHARS = 500
_PAGE_TIMEOUT_S = 1.5

_Part = tuple[str, str, Any]
"""A label, the step that leads there, and the value."""


def value_page(
    namespace: dict[str, Any],
    name: str,
    path: Sequence[str],
    page: int,
    per_page: int,
) -> dict[str, Any]:
    """A page of a variable's value, or of one of its parts.

    Args:
        namespace: The state.
        name: The variable.
        path: How to come to the part: a key, a field, a column, or a position from 0; ``@`` and a
            number is a position in the order that is shown, whatever the value.
        page: From 0.
        per_page: How many rows or entries a page has.

    Returns:
        ``kind``: ``table``, ``entries``, ``text`` or ``value``; what it holds by its kind; or only
        ``missing``: a sentence on why there is none.
    """
    if name not in namespace:
        return {"missing": f"There is no variable `{name}`."}
    try:
        return within_time(
            lambda: _page_of(namespace[name], name, path, page, per_page), _PAGE_TIMEOUT_S
        )
    except TimeUp:
        return {"missing": f"Looking at `{name}` takes too long."}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  user code, anything may come out of it
        said = cut_text(exception_text(error, 500), 500)[0]
        return {"missing": f"`{name}` can't be looked at: {type(error).__name__}: {said}"}


def _page_of(
    value: Any, name: str, path: Sequence[str], page: int, per_page: int
) -> dict[str, Any]:
    shown = name
    for step in path:
        try:
            value = _step_into(value, step)
        except (LookupError, TypeError, AttributeError):
            return {"missing": cut_text(f"There is no `{step}` in `{shown}`.", 500)[0]}
        shown = f"{shown}.{step}"
    answer: dict[str, Any] = {**summary_of(value), "page": page, "per_page": per_page}
    start = page * per_page
    if is_table(value) or is_series(value) or (is_array(value) and value.ndim <= 2):
        rows = table_rows(value, start, per_page)
        return {**answer, "kind": "table", "total": table_shape(value)[0], **rows}
    if isinstance(value, str):
        start = page * _PAGE_CHARS
        piece = str.__getitem__(value, slice(start, start + _PAGE_CHARS))
        return {
            **answer,
            "kind": "text",
            "piece": cut_text(piece, 4 * _PAGE_CHARS)[0],
            "per_page": _PAGE_CHARS,
            "total": str.__len__(value),
        }
    parts = _parts_of(value, start, per_page)
    if parts is None:
        shown, is_cut = value_text(value, _LEAF_LIMIT_BYTES) if _is_plain(value) else _repr(value)
        return {**answer, "kind": "value", "piece": shown, "is_cut": is_cut, "total": 1}
    total, listed = parts
    entries = [
        {"label": cut_text(label, _LABEL_LIMIT_BYTES)[0], "step": step, **summary_of(item)}
        for label, step, item in listed
    ]
    return {**answer, "kind": "entries", "total": total, "entries": entries}


def _is_plain(value: object) -> bool:
    return type(value) in (bytes, bytearray)


def _repr(value: object) -> tuple[str, bool]:
    return cut_text(repr(value), _LEAF_LIMIT_BYTES)


def _parts_of(value: Any, start: int, count: int) -> tuple[int, Iterable[_Part]] | None:
    """How many parts it has, and some of them; None: it has none."""
    stop = start + count
    if isinstance(value, dict):
        keys = islice(dict.__iter__(value), start, stop)
        return dict.__len__(value), (
            (_label(key), _step(key, at), dict.__getitem__(value, key))
            for at, key in enumerate(list(keys), start)
        )
    if isinstance(value, (list, tuple)):
        base: Any = list if isinstance(value, list) else tuple
        fields = getattr(type(value), "_fields", ()) if base is tuple else ()
        piece = base.__getitem__(value, slice(start, stop))
        return base.__len__(value), (
            (str(fields[at] if at < len(fields) else at), str(at), item)
            for at, item in enumerate(piece, start)
        )
    if isinstance(value, (set, frozenset)):
        base = set if isinstance(value, set) else frozenset
        piece = islice(base.__iter__(value), start, stop)
        return base.__len__(value), (
            (str(at), str(at), item) for at, item in enumerate(piece, start)
        )
    if is_array(value):
        piece = value[start:stop]
        return int(value.shape[0]), (
            (str(at), str(at), item) for at, item in enumerate(piece, start)
        )
    held = attributes_of(value)
    if not held:
        return None
    return len(held), (
        (key, _step(key, at), held[key]) for at, key in enumerate(islice(held, start, stop), start)
    )


def _step_into(value: Any, step: str) -> Any:
    digits = step.removeprefix("@")
    place = int(digits) if digits.isdecimal() and len(digits) < 19 else None
    if place is None or (digits == step and _has_keys(value)):
        return _by_key(value, step)
    if isinstance(value, dict):
        return _nth(dict.values(value), place)
    if isinstance(value, (list, tuple)):
        base: Any = list if isinstance(value, list) else tuple
        return base.__getitem__(value, place)
    if isinstance(value, (set, frozenset)):
        return _nth(value, place)
    if is_table(value):
        return value.iloc[:, place] if hasattr(value, "iloc") else value[value.columns[place]]
    if is_series(value):
        return value.iloc[place] if hasattr(value, "iloc") else value[place]
    if is_array(value):
        return value[place]
    return _nth(attributes_of(value).values(), place)


def _has_keys(value: Any) -> bool:
    return isinstance(value, dict) or is_table(value) or bool(attributes_of(value))


def _by_key(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return dict.__getitem__(value, step)
    return value[step] if is_table(value) else attributes_of(value)[step]


def _nth(values: Iterable[Any], position: int) -> Any:
    for value in islice(values, position, position + 1):
        return value
    raise LookupError(position)


def _label(key: Any) -> str:
    if type(key) is str:
        return key
    shown, is_cut = value_text(key, _LABEL_LIMIT_BYTES) if type(key) is tuple else _repr(key)
    return f"{shown}…" if is_cut else shown


def _step(key: Any, position: int) -> str:
    """A key that is a short text leads to its value; others are found by their place."""
    is_clear = type(key) is str and len(key) <= _STEP_LIMIT_CHARS and not key.startswith("@")
    return key if is_clear and key.isprintable() else f"@{position}"
