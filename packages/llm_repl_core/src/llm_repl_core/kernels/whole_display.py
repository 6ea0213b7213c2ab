"""Has libraries show values whole: they abbreviate what is large, with ``...`` in its middle.

Runs inside kernels. The options of the libraries that are in use are changed while a text is made
and then put back; one that the user has set (it has another value than the library's own) is the
user's, and stays. This file stands alone, with the standard library only: its text is also sent
into kernels whose environment does not have this package (see
`llm_repl_core.kernels.jupyter.source`).
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

_LONGEST_WAIT_S = 5.0
"""A thread that hangs in somebody's code must not hold up all others for ever."""


class _Option(NamedTuple):
    """An option of a library that decides what of a value its text leaves out.

    Attributes:
        module: The library, which counts only where it has been imported.
        name: As its documentation has it.
        read: Gives the value.
        write: Sets the value.
        own: What the library has where nobody set anything.
        whole: What leaves nothing out.
        is_of_thread: Tells whether a thread does not see what another one sets.
    """

    module: str
    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]
    own: tuple[Any, ...]
    whole: Any
    is_of_thread: Callable[[], bool] = lambda: False

    @property
    def forced(self) -> Any:
        """What leaves nothing out, but cuts what is too large elsewhere."""
        return self.whole - 2 if self.whole == MOST_ROWS else self.whole


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
        # From numpy 2.2 on they are a context variable.
        lambda: hasattr(sys.modules.get("numpy._core.printoptions"), "format_options"),
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

_left_alone: list[int] = []
"""The threads that are not to change options."""


class _Holders:
    """The threads within `whole_display`, for which options have other values.

    Most options are the process's. Any number of threads share what the user wants to see: the
    first that needs an option changed changes it, and the last to leave puts it back, so that
    nobody waits for anybody's code, and nobody's text is made with options that are back already.
    Who forces all options is alone, or others' texts would change as well.
    """

    def __init__(self) -> None:
        self._begin()
        self._to_put_back: dict[_Option, Any] = {}

    def _begin(self) -> None:
        self._process = os.getpid()
        self._turn = threading.Condition()
        self.sharing: list[int] = []
        self.forcing: list[int] = []
        self._waiting = 0

    def includes(self, thread: int) -> bool:
        return thread in self.sharing or thread in self.forcing

    @contextmanager
    def share(self) -> Iterator[None]:
        thread = threading.get_ident()
        with self._changing() as turn:
            turn.wait_for(lambda: not self.forcing and not self._waiting, _LONGEST_WAIT_S)
            of_thread = self._show_whole()
            self.sharing.append(thread)
        try:
            yield
        finally:
            with self._changing() as turn:
                self._leave(self.sharing, thread)
                for option, value in of_thread:
                    _put_back(option, value)
                self._put_back_unless_held()
                turn.notify_all()

    @contextmanager
    def force(self) -> Iterator[None]:
        thread = threading.get_ident()
        with self._changing() as turn:
            # Its own share counts for nothing while it waits: two that wait for each other would.
            shares = self.sharing.count(thread)
            self.sharing = [holder for holder in self.sharing if holder != thread]
            turn.notify_all()
            self._waiting += 1
            turn.wait_for(lambda: not self.sharing and not self.forcing, _LONGEST_WAIT_S)
            self._waiting -= 1
            changed = [
                (option, value) for option, value in _values() if _write(option, option.forced)
            ]
            self.forcing.append(thread)
        try:
            with _other_edges():
                yield
        finally:
            with self._changing() as turn:
                self._leave(self.forcing, thread)
                for option, value in changed:
                    _put_back(option, value)
                self.sharing += [thread] * shares
                if shares:
                    self._show_whole()  # the others may have left meanwhile
                self._put_back_unless_held()
                turn.notify_all()

    @contextmanager
    def _changing(self) -> Iterator[threading.Condition]:
        if self._process != os.getpid():
            # In a fork only the thread that forked goes on, and the lock may be another's.
            held = [holder for holder in self.sharing if holder == threading.get_ident()]
            self._begin()
            self.sharing = held
        with self._turn:
            yield self._turn

    def _show_whole(self) -> list[tuple[_Option, Any]]:
        """Change the options that the user has not set; what of it is this thread's is returned."""
        of_thread = []
        for option, value in _values():
            if value in option.own and _write(option, option.whole):
                if option.is_of_thread():
                    of_thread.append((option, value))
                else:
                    self._to_put_back.setdefault(option, value)
        return of_thread

    def _leave(self, holders: list[int], thread: int) -> None:
        with suppress(ValueError):  # it entered in the process of which this is a fork
            holders.remove(thread)

    def _put_back_unless_held(self) -> None:
        if not self.sharing and not self.forcing:
            for option, value in self._to_put_back.items():
                _put_back(option, value)
            self._to_put_back.clear()


_holders = _Holders()


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
        if value not in (*option.own, option.whole, option.forced)
        and option.name not in _NOT_CUTTING
    ]


@contextmanager
def whole_display(*, forced: bool = False) -> Iterator[None]:
    """Within it, libraries show values whole, but for what the user wants to see less of.

    Args:
        forced: Whether what the user has set counts for nothing, and what is too large even for
            this is cut elsewhere than otherwise: a text that was abbreviated is another one then.
    """
    if not libraries_in_use() or (not forced and _holders.includes(threading.get_ident())):
        yield
        return
    with _holders.force() if forced else _holders.share():
        yield


def _write(option: _Option, value: Any) -> bool:
    with suppress(Exception):  # another version's option may take other values
        option.write(sys.modules[option.module], value)
        return True
    return False


def _put_back(option: _Option, value: Any) -> None:
    with suppress(Exception):
        library = sys.modules[option.module]
        # What user code has set meanwhile stays.
        if option.read(library) in (option.whole, option.forced):
            option.write(library, value)


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
