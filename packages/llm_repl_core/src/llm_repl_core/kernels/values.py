"""How a value leaves a kernel: as JSON where JSON holds it exactly, and always as bounded text.

Runs inside kernels. The results are plain dictionaries that have the shape of
`llm_repl_core.kernels.base.Value` and ``Failed``. This file stands alone, with the standard
library only: its text is also sent into kernels whose environment does not have this package
(see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import contextlib
import json
import math
import numbers
import operator
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

__all__ = [
    "INT64_MAX",
    "INT64_MIN",
    "NotJSONValue",
    "TimeUp",
    "clean_text",
    "cut_text",
    "describe",
    "describe_within",
    "exception_text",
    "json_form",
    "value_text",
    "within_time",
]

T = TypeVar("T")

_MAX_DEPTH = 64
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
"""Whole numbers beyond these are not read alike everywhere. Here, as this module is sent to kernels."""
_TYPE_NAME_LIMIT = 200
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
_RECURSIVE: dict[type, str] = {list: "[...]", dict: "{...}", tuple: "(...)"}
_QUICK_TYPES = frozenset({type(None), bool, int, float, str, bytes})


class NotJSONValue(Exception):
    """JSON can't hold the value exactly, or not within the limits."""


class TimeUp(BaseException):
    """The time that was given is over. Not an ``Exception``, so that user code lets it through."""


# Text ----------------------------------------------------------------------------------------


def clean_text(text: str) -> str:
    """The text with what UTF-8 can't hold, lone surrogates, escaped."""
    if text.isascii():
        return str.__str__(text)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut_text(text: str, limit_bytes: int) -> tuple[str, bool]:
    """The text cleaned, and cut so that its UTF-8 fits.

    Returns:
        The text, and whether something was cut off.
    """
    # A character takes a byte or more, so that a huge text is cut before it is encoded.
    head = str.__getitem__(text, slice(limit_bytes + 1))
    data = str.encode(head, "utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode("utf-8"), False
    return data[:limit_bytes].decode("utf-8", "ignore"), True


def exception_text(error: BaseException, limit_bytes: int = 100_000) -> str:
    """The exception's text, whatever its ``__str__`` does short of never ending."""
    try:
        return cut_text(str(error), limit_bytes)[0]
    except TimeUp:
        raise
    except BaseException as second:  # noqa: BLE001  user code, anything may come out of it
        return f"<its text is not to be had: {type(second).__name__}>"


def value_text(value: object, limit_bytes: int) -> tuple[str, bool]:
    """``format(value)``, cut at the limit; built-in containers are read only as far as needed.

    Returns:
        The text, and whether something was cut off.
    """
    kind = type(value)
    if kind is str:
        return cut_text(value, limit_bytes)  # type: ignore[arg-type]  # its class was asked
    if kind in (list, tuple, dict, set, frozenset, bytes, bytearray):
        pieces: list[str] = []
        size = 0
        for piece in _repr_pieces(value, limit_bytes, ()):
            pieces.append(piece)
            size += len(piece)
            if size > limit_bytes:
                break
        return cut_text("".join(pieces), limit_bytes)
    return cut_text(format(value), limit_bytes)


def _repr_pieces(value: Any, limit_bytes: int, outer: tuple[int, ...]) -> Iterator[str]:
    """The text of ``repr(value)``, piece by piece, so that a reader can stop early."""
    kind = type(value)
    if kind in (bytes, bytearray):
        # repr of a bytearray counts its name in; a little more than the limit is cut later.
        yield repr(value[: limit_bytes + 1])
        return
    if kind is str:
        yield repr(value[: limit_bytes + 1])
        return
    if kind not in _BRACKETS or len(outer) >= _MAX_DEPTH or not value:
        yield repr(value)
        return
    if id(value) in outer:
        yield _RECURSIVE.get(kind, f"{kind.__name__}(...)")
        return
    inner = (*outer, id(value))
    opening, closing = _BRACKETS[kind]
    if kind is tuple and len(value) == 1:
        closing = ",)"
    yield opening
    for position, item in enumerate(value):
        if position:
            yield ", "
        yield from _repr_pieces(item, limit_bytes, inner)
        if kind is dict:
            yield ": "
            yield from _repr_pieces(value[item], limit_bytes, inner)
    yield closing


# JSON ----------------------------------------------------------------------------------------


def json_form(value: object, limit_bytes: int, *, is_shown: bool = False) -> Any:
    """A copy of the value that is made of JSON's own types only.

    Numbers of other libraries (anything registered as ``numbers.Integral`` or ``Real``) are
    converted where that is exact, tuples become lists as in the ``json`` module.

    Args:
        value: Any object.
        limit_bytes: About how much the JSON text may take.
        is_shown: Whether it is only looked at: NaN and infinity are null then, as in JavaScript, and
            keys are texts as the ``json`` module makes them.

    Raises:
        NotJSONValue: NaN, infinity, an integer beyond 64 bits, a key that is no text, a cycle, too
            deep, too large, a lone surrogate, or a type that JSON does not have.
    """
    return _JSONWriter(limit_bytes, is_shown).convert(value, ())


class _JSONWriter:
    """One conversion, with what it may still spend."""

    def __init__(self, limit_bytes: int, is_shown: bool) -> None:
        self._left = limit_bytes
        self._is_shown = is_shown

    def convert(self, value: Any, outer: tuple[int, ...]) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            self._spend(4)
            return value
        if kind is int or kind is float:
            return self._number(value)
        if issubclass(kind, str):
            return self._text(value)
        if issubclass(kind, (dict, list, tuple)):
            return self._container(value, kind, outer)
        if issubclass(kind, numbers.Integral):
            return self._number(operator.index(value))
        if issubclass(kind, numbers.Real):
            number = float(value)
            if number != value:
                raise NotJSONValue
            return self._number(number)
        if kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"):
            return bool(value)
        raise NotJSONValue

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise NotJSONValue

    def _number(self, number: Any) -> int | float | None:
        self._spend(8)
        if isinstance(number, float):
            if not math.isfinite(number):
                if self._is_shown:
                    return None
                raise NotJSONValue
            return float(number)
        if not INT64_MIN <= number <= INT64_MAX:
            raise NotJSONValue
        return int(number)

    def _text(self, text: str) -> str:
        self._spend(str.__len__(text) + 2)
        plain = str.__str__(text)
        if not plain.isascii():
            try:
                self._spend(len(plain.encode("utf-8")) - len(plain))
            except UnicodeEncodeError:
                raise NotJSONValue from None
        return plain

    def _container(self, value: Any, kind: type, outer: tuple[int, ...]) -> Any:
        if id(value) in outer or len(outer) >= _MAX_DEPTH:
            raise NotJSONValue
        self._spend(2)
        inner = (*outer, id(value))
        if not issubclass(kind, dict):
            base = list if issubclass(kind, list) else tuple
            return [self.convert(item, inner) for item in base.__iter__(value)]
        document: dict[str, Any] = {}
        for key, item in dict.items(value):
            document[self._key(key)] = self.convert(item, inner)
        return document

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return self._text(key)
        if self._is_shown and (key is None or type(key) in (bool, int, float)):
            return self._text(json.dumps(key))
        raise NotJSONValue


# Both ----------------------------------------------------------------------------------------


def describe(value: object, limit_bytes: int, text: str | None = None) -> dict[str, Any]:
    """What leaves the kernel of a value; shaped as `llm_repl_core.kernels.base.Value`.

    Args:
        value: Any object.
        limit_bytes: Of the text, and about of the JSON.
        text: The value's text, where it has been made already.

    Raises:
        BaseException: Whatever the value's own methods raise.
    """
    if text is None:
        shown, truncated = value_text(value, limit_bytes)
    else:
        shown, truncated = cut_text(text, limit_bytes)
    described: dict[str, Any] = {
        "type": "value",
        "text": shown,
        "type_name": _type_name(value),
        "truncated": truncated,
    }
    # What can't be converted has its text.
    with contextlib.suppress(Exception):
        described["json"] = json_form(value, limit_bytes)
    return described


def describe_within(value: object, limit_bytes: int, timeout_s: float) -> dict[str, Any]:
    """As `describe`, for any value: one that raises or never ends has a text that says so."""
    if type(value) in _QUICK_TYPES:
        try:
            return describe(value, limit_bytes)
        except Exception as error:  # noqa: BLE001  an integer of too many digits
            return _undescribed(value, f"raised {type(error).__name__}: {exception_text(error)}")
    try:
        return within_time(lambda: describe(value, limit_bytes), timeout_s)
    except TimeUp:
        return _undescribed(value, f"took longer than {timeout_s:g} s")
    except KeyboardInterrupt:
        return _undescribed(value, "was interrupted")
    except BaseException as error:  # noqa: BLE001  user code, anything may come out of it
        raised = error  # the name that ``except`` gives is gone when a thread calls later
        try:
            detail = within_time(lambda: exception_text(raised, 1000), timeout_s)
        except TimeUp:
            detail = "…"
        return _undescribed(value, f"raised {_type_name(raised)}: {detail}")


def _undescribed(value: object, what: str) -> dict[str, Any]:
    name = _type_name(value)
    text, _ = cut_text(f"<{name}: its text is not to be had: making it {what}>", 2000)
    return {"type": "value", "text": text, "type_name": name, "truncated": False}


def _type_name(value: object) -> str:
    name = type.__dict__["__name__"].__get__(type(value))
    return cut_text(name, _TYPE_NAME_LIMIT)[0]


def within_time(function: Callable[[], T], timeout_s: float) -> T:
    """Call a function, and give it up when it takes too long.

    In the main thread a timer's signal ends it; elsewhere a thread that is left behind does the
    work, as nothing can end a thread from outside.

    Raises:
        TimeUp: It took longer.
        BaseException: What the function raised.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _within_alarm(function, timeout_s)
    return _within_thread(function, timeout_s)


def _within_alarm(function: Callable[[], T], timeout_s: float) -> T:
    waiting = True

    def on_alarm(_signum: int, _frame: object) -> None:
        if waiting:
            raise TimeUp

    previous_handler = signal.signal(signal.SIGALRM, on_alarm)
    # It comes again and again, for code that catches everything once.
    previous_timer = signal.setitimer(signal.ITIMER_REAL, timeout_s, 0.1)
    try:
        try:
            return function()
        finally:
            waiting = False
    except TimeUp:
        # The signal may have come just before ``waiting`` was cleared.
        waiting = False
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, *previous_timer)
        signal.signal(signal.SIGALRM, previous_handler)


def _within_thread(function: Callable[[], T], timeout_s: float) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001  it is raised again by who waits
            errors.append(error)

    thread = threading.Thread(target=work, name="llm-repl-value", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if errors:
        raise errors[0]
    if not results:
        raise TimeUp
    return results[0]
