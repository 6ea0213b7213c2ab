"""Has libraries show values whole: they abbreviate what is large, with ``...`` in its middle.

Runs inside kernels. The options of the libraries that are in use are changed while a text is made
and then put back; one that the user has set (it has another value than the library's own) is the
user's, and stays. This file stands alone, with the standard library only: its text is also sent
into kernels whose environment does not have this package (see
`llm_repl_core.kernels.jupyter_source`).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

__all__ = [
    "MOST_ROWS",
    "libraries_in_use",
    "libraries_left_alone",
    "options_of_user",
    "whole_display",
]

MOST_ROWS = 20_000
"""Of rows and the like: more take seconds, and more characters than a prompt's field may have."""

_MOST_ITEMS = 500_000

_LOCK_TIMEOUT_S = 1.0


class _Option(NamedTuple):
    """An option of a library that decides what of a value its text leaves out.

    Attributes:
        module: The library, which counts only where it has been imported.
        name: As its documentation has it.
        read: Gives the value.
        write: Sets the value.
        own: What the library has where nobody set anything.
        whole: What leaves nothing out.
    """

    module: str
    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]
    own: tuple[Any, ...]
    whole: Any


def _pandas(name: str, own: tuple[Any, ...], whole: Any) -> _Option:
    return _Option(
        "pandas",
        f"display.{name}",
        lambda pandas: pandas.get_option(f"display.{name}"),
        lambda pandas, value: pandas.set_option(f"display.{name}", value),
        own,
        whole,
    )


def _numpy(name: str, own: Any, whole: Any) -> _Option:
    return _Option(
        "numpy",
        name,
        lambda numpy: numpy.get_printoptions()[name],
        lambda numpy, value: numpy.set_printoptions(**_reset_options(numpy) | {name: value}),
        (own,),
        whole,
    )


def _reset_options(numpy: Any) -> dict[str, Any]:
    """The user's options that numpy resets whenever others are set, so that they are set again."""
    options = numpy.get_printoptions()
    return {
        name: options[name]
        for name in ("formatter", "override_repr")
        if options.get(name) is not None
    }


def _attribute(module: str, path: str, own: Any, whole: Any) -> _Option:
    *owners, name = path.split(".")

    def owner(library: Any) -> Any:
        for attribute in owners:
            library = getattr(library, attribute)
        return library

    return _Option(
        module,
        name,
        lambda library: getattr(owner(library), name),
        lambda library, value: setattr(owner(library), name, value),
        (own,),
        whole,
    )


def _polars(name: str, whole: str) -> _Option:
    def write(_: Any, value: str | None) -> None:
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

    return _Option("polars", name, lambda _: os.environ.get(name), write, (None,), whole)


_OPTIONS = (
    _pandas("max_rows", (60,), MOST_ROWS),
    _pandas("min_rows", (10,), None),
    # 0, a terminal's: as many as fit its width.
    _pandas("max_columns", (20, 0), MOST_ROWS),
    _pandas("max_colwidth", (50,), None),
    _pandas("max_seq_items", (100,), None),
    _pandas("max_categories", (8,), MOST_ROWS),
    _pandas("pprint_nest_depth", (3,), 64),
    # Otherwise a wide frame is shown in blocks of columns, one below the other.
    _pandas("width", (80,), 10_000_000),
    _numpy("threshold", 1000, _MOST_ITEMS),
    _attribute("numpy", "ma.MaskedArray._print_width", 100, _MOST_ITEMS),
    _attribute("numpy", "ma.MaskedArray._print_width_1d", 1500, _MOST_ITEMS),
    _polars("POLARS_FMT_MAX_ROWS", "-1"),
    _polars("POLARS_FMT_MAX_COLS", "-1"),
    _polars("POLARS_FMT_STR_LEN", "1000000"),
    _polars("POLARS_FMT_TABLE_CELL_LIST_LEN", "-1"),
    _polars("POLARS_TABLE_WIDTH", "65535"),
    _attribute("torch._tensor_str", "PRINT_OPTS.threshold", 1000, _MOST_ITEMS),
)

_NOT_CUTTING = ("display.width",)
_LIBRARIES = tuple(dict.fromkeys(option.module for option in _OPTIONS))

# The options are those of the whole process: two kernels within it take turns.
_lock = threading.RLock()
_inside: list[int] = []
"""The threads that are within: to set the options once is enough."""
_left_alone: list[int] = []
"""The threads that are not to change options."""


def libraries_in_use() -> bool:
    """Whether a library is in use that abbreviates what it shows."""
    if threading.get_ident() in _left_alone:
        return False
    return any(name in sys.modules for name in _LIBRARIES)


@contextmanager
def libraries_left_alone() -> Iterator[None]:
    """Within it, this thread changes no options, for values of which none is a library's."""
    _left_alone.append(threading.get_ident())
    try:
        yield
    finally:
        _left_alone.remove(threading.get_ident())


def options_of_user() -> list[str]:
    """Which options that leave something out the user has set, with their values."""
    return [
        f"{option.module}'s `{option.name}` is {value!r}"
        for option, value in _values()
        if value not in (*option.own, option.whole) and option.name not in _NOT_CUTTING
    ]


@contextmanager
def whole_display(*, forced: bool = False) -> Iterator[None]:
    """Within it, libraries show values whole, but for what the user wants to see less of.

    Args:
        forced: Whether what the user has set counts for nothing, and what is too large even for
            this is cut elsewhere than otherwise: a text that was abbreviated is another one then.
    """
    if not libraries_in_use() or (not forced and threading.get_ident() in _inside):
        yield
        return
    # A thread that hangs in somebody's code must not hold up all others for ever.
    is_locked = _lock.acquire(timeout=_LOCK_TIMEOUT_S)
    changed: list[tuple[_Option, Any, Any]] = []
    try:
        for option, value in _values():
            if forced or value in option.own:
                wanted = option.whole - 2 if forced and option.whole == MOST_ROWS else option.whole
                with suppress(Exception):  # another version's option may take other values
                    option.write(sys.modules[option.module], wanted)
                    changed.append((option, value, wanted))
        _inside.append(threading.get_ident())
        with _other_edges() if forced else nullcontext():
            yield
    finally:
        with suppress(ValueError):
            _inside.remove(threading.get_ident())
        for option, value, wanted in changed:
            with suppress(Exception):
                library = sys.modules[option.module]
                # What user code has set meanwhile stays.
                if option.read(library) == wanted:
                    option.write(library, value)
        if is_locked:
            _lock.release()


def _values() -> Iterator[tuple[_Option, Any]]:
    for option in _OPTIONS:
        library = sys.modules.get(option.module)
        if library is not None:
            # Another version may not have it, and a library may be half imported.
            with suppress(Exception):
                yield option, option.read(library)


def _other_edges() -> Any:
    """Have numpy show one item more at each end of what it abbreviates."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return nullcontext()
    edge_items = numpy.get_printoptions()["edgeitems"] + 1
    return numpy.printoptions(**_reset_options(numpy) | {"edgeitems": edge_items})
