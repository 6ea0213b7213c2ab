"""What a prompt inserts of a value: its whole text up to a limit, and what there is to say of it.

Runs inside kernels. This file stands alone, with the standard library only: its text is also sent
into kernels whose environment does not have this package (see
`llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import dataclasses
import io
import math
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

from llm_repl_core.kernels.shortening import shortened
from llm_repl_core.kernels.values import clean_text, value_text
from llm_repl_core.kernels.whole_display import (
    MOST_ROWS,
    libraries_in_use,
    options_of_user,
    whole_display,
)
from llm_repl_core.short_text import cut_short

__all__ = ["insert", "insert_all", "inserted_text"]

_CONTAINERS = (list, tuple, dict, set, frozenset)
_SCALARS = frozenset({type(None), bool, int, float, complex})
_ELLIPSIS = re.compile(r"\.\.\.|[…⋮⋯]|│ *· *│|^\s*:\s+:\s*$", re.MULTILINE)
_ADDRESS = re.compile(r"<[^<>]{1,300} at 0x[0-9a-fA-F]+[^<>]{0,300}>")
_DEEPEST = 8
_MOST_PARTS = 1_000
"""Of what a value holds: so many are looked at, for one that abbreviates itself."""
_CONVERTERS = ("df", "to_series", "to_dataframe", "to_pandas", "toPandas")
"""Methods of other libraries for something that is shown whole."""
_LONGEST_SOURCE = 40  # characters
_SHOW: dict[str, Callable[[object], str]] = {"": format, "s": str, "r": repr, "a": ascii}
_CODE = {
    BuiltinFunctionType: "a function",
    FunctionType: "a function",
    MethodType: "a method",
    ModuleType: "a module",
    GeneratorType: "a generator",
    io.IOBase: "an open file",
    type: "a class",
}
_SHOWS_WHOLE = frozenset({"numpy", "pandas", "polars", "torch"})
"""Libraries whose options are set, so that an ellipsis in a text is the value's own."""


def insert_all(evaluate: Callable[[], Any]) -> Any:
    """Evaluate many fields, which themselves call `insert`; it takes less time than one by one."""
    with whole_display():
        return evaluate()


def insert(
    evaluate: Callable[[], Any],
    conversion: str | None,
    make_spec: Callable[[], str],
    limit: int,
    source: str,
) -> list[str]:
    """Evaluate a field of a prompt, and make its text.

    Args:
        evaluate: Gives the value.
        conversion: ``r``, ``s``, ``a`` or None.
        make_spec: Gives the format spec.
        limit: How many characters the text of anything but a text may have.
        source: The expression, for what is said about the value.

    Returns:
        The text, and the end of a sentence about what it lacks, or an empty text.

    Raises:
        BaseException: Whatever the evaluation, or the value's own methods, raise.
    """
    with whole_display():
        value = evaluate()
        spec = make_spec()
    if type(value) is str and conversion is None and not spec:
        return [clean_text(value), ""]
    if spec and conversion is None:
        with whole_display():
            return [clean_text(format(value, spec)), ""]
    text, notice = inserted_text(value, limit, source, conversion)
    return [format(text, spec), notice]


def inserted_text(
    value: object, limit: int, source: str = "value", conversion: str | None = None
) -> tuple[str, str]:
    """The text of a value, and the end of a sentence about what it lacks, or an empty text."""

    def show(shown: object) -> str:
        categorical = _as_index(shown)
        return _SHOW[conversion or ""](shown if categorical is None else categorical)

    source = source if len(source) <= _LONGEST_SOURCE else "value"
    if type(value) in _SCALARS:
        return show(value), ""
    if isinstance(value, str):
        return clean_text(show(value)), ""
    if _is_larger(value, limit):
        return _beginning(value, limit, show), (
            f"is larger than the {limit:,} characters that it may have, and is not sent whole"
            f"{_ways_out(value, source)}"
        )
    with whole_display():
        text = show(value)
    if len(text) > limit:
        return clean_text(shortened(text, limit)), (
            f"has {len(text):,} characters, and its middle is left out, as it may have {limit:,}"
            f"{_ways_out(value, source)}"
        )
    return clean_text(text), _lack(value, text, show, source)


def _as_index(value: object) -> object | None:
    """A categorical of pandas as an index: by itself it shows ten items, whatever the options."""
    pandas: Any = sys.modules.get("pandas")
    kind = getattr(pandas, "Categorical", None)
    if kind is None or type(value) is not kind:
        return None
    index: object = pandas.CategoricalIndex(value)
    return index


def _is_larger(value: Any, limit: int) -> bool:
    """Whether the text surely has more characters, told without making it."""
    left = limit

    def counts_down(item: Any, depth: int) -> bool:
        nonlocal left
        kind = type(item)
        if kind in _CONTAINERS:
            left -= 2 * len(item)
            if left < 0 or depth == _DEEPEST:
                return left < 0
            parts = [*item, *item.values()] if kind is dict else item
            return any(counts_down(part, depth + 1) for part in parts)
        if kind is str or kind is bytes or kind is bytearray:
            left -= len(item)
        elif kind not in _SCALARS:
            left -= 2 * _count_items(item)
        return left < 0

    return counts_down(value, 0)


def _count_items(value: Any) -> int:
    """How many items an array or a frame shows, each with a separator."""
    return math.prod(_shape(value))


def _shape(value: Any) -> tuple[int, ...]:
    """How many rows, and what is in each, of an array or a frame; ``(0,)`` of anything else."""
    if type(value).__module__.partition(".")[0] not in _SHOWS_WHOLE:
        return (0,)
    try:
        return tuple(map(int, value.shape))
    except Exception:  # noqa: BLE001  anybody's attribute, and a frame that is not there yet
        return (0,)


def _beginning(value: Any, limit: int, show: Callable[[object], str]) -> str:
    """What comes first of a value whose whole text would take long to make."""
    rows, *row = _shape(value)
    fit = min(limit // 2 // max(math.prod(row), 1), MOST_ROWS)
    if type(value) in _CONTAINERS:
        text = value_text(value, limit)[0]
    elif 0 < fit < rows:
        with whole_display():
            text = show(value.iloc[:fit] if hasattr(value, "iloc") else value[:fit])
    else:
        text = show(value)
    size = " × ".join(f"{length:,}" for length in (rows, *row) if length)
    mark = f"\n[the rest is left out here{f', of {size} in all' if size else ''}]"
    return clean_text(text[: max(limit - len(mark), 0)] + mark)


def _lack(value: Any, text: str, show: Callable[[object], str], source: str) -> str:
    """What there is to say of a text that is not too long."""
    kind = next((word for code_class, word in _CODE.items() if isinstance(value, code_class)), None)
    if kind is not None:
        return f"is {kind}, and is sent as `{cut_short(text, 100)}`"
    if _ADDRESS.fullmatch(text):
        return (
            f"is an object of the class `{type(value).__name__}`, and its text `{cut_short(text, 100)}` says "
            "nothing of what it holds"
        )
    if not _ELLIPSIS.search(text):
        return ""
    if libraries_in_use():
        with whole_display(forced=True):
            other = show(value)
        if other != text:
            options = options_of_user()
            why = (
                f" by the display options that are set ({'; '.join(options[:3])})"
                if options
                else ""
            )
            return f"is abbreviated{why}{_ways_out(value, source)}"
    if name := _foreign_class(value):
        return (
            f"may be abbreviated by its class `{name}`, as its text holds an ellipsis"
            f"{_ways_out(value, source, str_is_whole=False)}"
        )
    if name := _abbreviated_within(value, text):
        return (
            f"holds a `{name}` that may be abbreviated by its class, as its text holds an "
            "ellipsis: insert what is in it in a field of its own"
        )
    return ""


def _foreign_class(value: object) -> str:
    """The class of a value, if it is of a library whose options are not set; else an empty text."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    is_foreign = (
        library not in _SHOWS_WHOLE
        and library not in ("__main__", "builtins")
        and library not in sys.stdlib_module_names
    )
    return f"{library}.{kind.__name__}" if is_foreign else ""


def _abbreviated_within(value: object, text: str) -> str:
    """The class of something in a value that stands in its text with an ellipsis; or an empty text."""
    with suppress(Exception), whole_display():  # anybody's methods, of which a notice needs none
        for part in islice(_parts(value), _MOST_PARTS):
            if name := _foreign_class(part):
                own = repr(part)
                if _ELLIPSIS.search(own) and own in text:
                    return name
    return ""


def _parts(value: object) -> Iterator[object]:
    """What a value holds, and what that holds, breadth first: it may hold itself."""
    waiting = deque([value])
    while waiting:
        for part in islice(_held(waiting.popleft()), _MOST_PARTS):
            if type(part) not in _SCALARS and not isinstance(part, (str, bytes)):
                yield part
                waiting.append(part)


def _held(value: Any) -> Iterable[object]:
    """What is in the text of a value, as far as its class is one that shows what it holds."""
    with suppress(Exception):  # anybody's class, or one that changes meanwhile
        if isinstance(value, dict):
            return list(value.values())
        if isinstance(value, (list, tuple, set, frozenset, deque)):
            return list(value)
        if dataclasses.is_dataclass(value):
            return [getattr(value, field.name) for field in dataclasses.fields(value)]
        if isinstance(value, SimpleNamespace) or type(value).__module__ == "__main__":
            return list(vars(value).values())
    return ()


def _ways_out(value: Any, source: str, *, str_is_whole: bool = True) -> str:
    """What to write instead."""
    kind = type(value)
    is_shown_whole = kind.__module__.partition(".")[0] in _SHOWS_WHOLE
    for converter in () if is_shown_whole else _CONVERTERS:
        if hasattr(kind, converter):  # a library of its own way, such as duckdb's relations
            return f": insert `{{{source}.{converter}()}}`, or a part of it"
    for writer in ("to_csv", "write_csv"):
        if hasattr(kind, writer):
            part = f"{source}.head(20)" if hasattr(kind, "head") else f"{source}[:100]"
            return f": insert `{{{source}.{writer}()}}`, or a part of it, as in `{{{part}}}`"
    is_sequence = hasattr(kind, "__getitem__") and not hasattr(kind, "keys")
    part = f", as in `{{{source}[:100]}}`" if is_sequence else ""
    if not str_is_whole:
        if hasattr(kind, "to_json"):  # charts
            return f": insert `{{{source}.to_json()}}`, or a part of it"
        return f": insert a part of it{part}"
    whole = f"{source}.tolist()" if hasattr(kind, "tolist") else source
    return f": insert `{{str({whole})}}`, or a part of it{part}"
