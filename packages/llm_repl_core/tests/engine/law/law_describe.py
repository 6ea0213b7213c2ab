"""What a kernel has in the end, as text: its variables by value and identity, and the process.

Runs inside the kernel, where its zygote has imported it, so that it costs little.
"""

from __future__ import annotations

import collections
import decimal
import functools
import gc
import hashlib
import io
import itertools
import json
import locale
import logging
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import types
import warnings
import weakref
from pathlib import Path

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_DEEPEST = 8
_WIDEST = 60
_LONGEST = 400
_PLAIN = (type(None), bool, int, float, complex)
_ITERATOR_MODULES = ("itertools", "builtins", "collections")
# What the process had before any cell ran.
_ENVIRONMENT = dict(os.environ)
_PATH = list(sys.path)
_FILTERS = len(warnings.filters)


def describe() -> str:
    """The variables and the process, as JSON."""
    names = vars(sys.modules["__main__"])
    pen = _Pen()
    found = {
        name: pen.draw(names[name])
        for name in sorted(names)
        if name == "_" or not (name.startswith("_") or name in _OF_THE_SHELL)
    }
    found |= {f"process: {what}": value for what, value in _process(pen).items()}
    return json.dumps(found, default=str)


_OF_THE_SHELL = {"In", "Out", "exit", "quit", "get_ipython", "open"}


def _process(pen: _Pen) -> dict[str, object]:
    environment = dict(os.environ)
    process: dict[str, object] = {
        "environment": sorted(environment.items() ^ _ENVIRONMENT.items()),
        "folder": str(Path.cwd()),
        "files": _files(),
        "path": [one for one in sys.path if one not in _PATH],
        "locale": locale.setlocale(locale.LC_ALL, None),
        "decimal": repr(decimal.getcontext()),
        "umask": _umask(),
        "recursion": sys.getrecursionlimit(),
        "warnings": len(warnings.filters) - _FILTERS,
        "logging": (
            logging.root.level,
            len(logging.root.handlers),
            logging.root.manager.disable,
        ),
        "alarm": str(signal.getsignal(signal.SIGUSR1)).split(" at ")[0],
        "threads": sorted(one.name for one in threading.enumerate() if not one.daemon),
        "garbage": gc.isenabled(),
        "hook": getattr(sys.excepthook, "__qualname__", "?"),
    }
    # Each process has a seed of its own: only what a cell has seeded is compared.
    sources = vars(sys.modules["__main__"]).get("In", ())
    if any(re.search(r"(?<![.\w])random\.seed\(", source) for source in sources):
        process["random"] = _hash(repr(random.getstate()))
    if any("np.random.seed(" in source for source in sources):
        process["numpy.random"] = _hash(repr(sys.modules["numpy"].random.get_state()))
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        process["numpy"] = (repr(numpy.get_printoptions()), numpy.geterr())
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        process["figures"] = [
            [number, pen.draw(pyplot.figure(number))] for number in pyplot.get_fignums()
        ]
        process["style"] = _hash(repr(dict(sys.modules["matplotlib"].rcParams)))
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        process["options"] = [pandas.get_option(one) for one in _PANDAS_OPTIONS]
    return process


_PANDAS_OPTIONS = ("display.max_rows", "display.max_columns", "display.precision", "display.width")


def _files() -> list[object]:
    found: list[object] = []
    # What sqlite writes beside a database has random numbers in it.
    paths = sorted(path for path in Path().rglob("*") if not path.name.endswith(("-wal", "-shm")))
    for path in paths[:_WIDEST]:
        try:
            content = "folder" if path.is_dir() else _hash(path.read_bytes())
        except OSError as error:
            content = type(error).__name__
        found.append((str(path), content))
    return found


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before


def _hash(data: str | bytes) -> str:
    if isinstance(data, str):
        data = data.encode("utf-8", "backslashreplace")
    return hashlib.sha256(data).hexdigest()[:12]


class _Pen:
    """Draws objects; what is one object has one number."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []  # or an id could be used twice

    def draw(self, value: object, depth: int = 0) -> object:
        """An object as plain data."""
        if type(value) is str:
            text = _ADDRESS.sub("0x…", value)
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… {_hash(text)}"
        if type(value) in _PLAIN:
            return repr(value)
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        if id(value) in self._numbers:
            return f"object {self._numbers[id(value)]}"
        self._numbers[id(value)] = number = len(self._numbers)
        self._kept.append(value)
        kind = type(value).__name__
        if depth > _DEEPEST:
            return [number, kind, "…"]
        try:
            inside = self._inside(value, depth + 1)
        except BaseException as error:  # noqa: BLE001  the notebook's code, anything may come of it
            inside = f"{type(error).__name__}: {error}"
        return [number, kind, inside]

    def draw_apart(self, value: object, depth: int) -> object:
        """The same of an object that comes in no order, which gives it and others no number."""
        if id(value) in self._numbers or type(value) in (str, *_PLAIN):
            return self.draw(value, depth)
        return _Pen().draw(value, depth)

    def _inside(self, value: object, depth: int) -> object:
        for types_, draw in _DRAWERS:
            if isinstance(value, types_):
                return draw(self, value, depth)
        module = type(value).__module__.partition(".")[0]
        for name, draw in _LIBRARIES.items():
            if module == name:
                return draw(self, value, depth)
        if hasattr(value, "__dict__"):
            return self._fields(vars(value), depth)
        slots = getattr(type(value), "__slots__", None)
        if slots is not None and type(value).__module__ == "__main__":
            names = [slots] if isinstance(slots, str) else list(slots)
            return self._fields({one: getattr(value, one, None) for one in names}, depth)
        if hasattr(value, "__length_hint__"):
            return value.__length_hint__()
        return _ADDRESS.sub("0x…", repr(value))[:_LONGEST]

    def _all(self, values: object, depth: int) -> list[object]:
        return [self.draw(one, depth) for one in itertools.islice(values, _WIDEST)]  # type: ignore

    def _fields(self, fields: object, depth: int) -> list[object]:
        return [
            [_ADDRESS.sub("0x…", str(key)), self.draw(one, depth)]
            for key, one in itertools.islice(dict(fields).items(), _WIDEST)  # type: ignore
            if not (isinstance(key, str) and key in _DULL)
        ]


_DULL = {"__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "__builtins__"}


def _function(pen, value, depth):
    closure = []
    for cell in value.__closure__ or ():
        try:
            closure.append(pen.draw(cell.cell_contents, depth))
        except ValueError:
            closure.append("empty")
    code = value.__code__
    return [
        value.__qualname__,
        _hash(code.co_code),
        list(code.co_names),
        pen.draw(value.__defaults__, depth),
        pen.draw(value.__kwdefaults__, depth),
        closure,
        pen._fields(vars(value), depth),
    ]


def _class(pen, value, depth):
    if value.__module__ != "__main__":
        return value.__qualname__
    fields = {
        name: one
        for name, one in vars(value).items()
        if not (name.startswith("__") and name.endswith("__"))
        and "abc_impl" not in name
        # pydantic's own, which hold no state of the notebook.
        and not name.startswith(("__pydantic", "__class_vars"))
    }
    return [
        value.__qualname__,
        [base.__name__ for base in value.__mro__],
        pen._fields(fields, depth),
    ]


def _generator(pen, value, depth):
    frame = value.gi_frame
    return frame and [frame.f_lasti, pen._fields(frame.f_locals, depth)]


def _reference(pen, value, depth):
    return ["of", pen.draw(value(), depth)]


def _stream(_, value, __):
    if value.closed:
        return "closed"
    where = value.tell() if value.seekable() else None
    return [where, _hash(value.getvalue()) if hasattr(value, "getvalue") else None]


def _database(_, value, __):
    return [str(line) for line in itertools.islice(value.iterdump(), _WIDEST)]


def _partial(pen, value, depth):
    return [
        pen.draw(value.func, depth),
        pen.draw(value.args, depth),
        pen.draw(value.keywords, depth),
    ]


_DRAWERS = [
    ((collections.defaultdict,), lambda pen, value, depth: [
        pen.draw(value.default_factory, depth), pen._fields(value, depth)]),
    ((collections.deque,), lambda pen, value, depth: [value.maxlen, pen._all(value, depth)]),
    ((collections.ChainMap,), lambda pen, value, depth: pen._all(value.maps, depth)),
    ((dict, types.MappingProxyType, weakref.WeakValueDictionary, weakref.WeakKeyDictionary),
     lambda pen, value, depth: pen._fields(value, depth)),
    ((list, tuple), lambda pen, value, depth: pen._all(value, depth)),
    ((set, frozenset, weakref.WeakSet), lambda pen, value, depth: sorted(
        str(pen.draw_apart(one, depth)) for one in itertools.islice(value, _WIDEST))),
    ((str, bytes, bytearray, int, float, decimal.Decimal),
     lambda pen, value, depth: _ADDRESS.sub("0x…", repr(value))[:_LONGEST]),
    ((memoryview,), lambda pen, value, depth: [value.readonly, value.tolist()[:_WIDEST]]),
    ((types.FunctionType,), _function),
    ((types.MethodType,), lambda pen, value, depth: [
        value.__name__, pen.draw(value.__self__, depth)]),
    ((functools.partial,), _partial),
    ((type,), _class),
    ((types.GeneratorType,), _generator),
    ((weakref.ReferenceType,), _reference),
    ((property,), lambda pen, value, depth: pen.draw(value.fget, depth)),
    ((classmethod, staticmethod), lambda pen, value, depth: pen.draw(value.__func__, depth)),
    ((io.IOBase,), _stream),
    ((logging.Logger,), lambda pen, value, depth: [
        value.name, value.level, value.disabled, len(value.handlers)]),
    ((threading.Thread, threading.local, socket.socket, subprocess.Popen), lambda pen, value, depth: None),
    ((sqlite3.Connection,), _database),
    ((random.Random,), lambda pen, value, depth: _hash(repr(value.getstate()))),
]  # fmt: skip


def _array(pen, value, depth):
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        base = getattr(value, "base", None)
        shown = [str(value.dtype), repr(value.tolist())[:_LONGEST]]
        return [*shown, pen.draw(base, depth) if base is not None else None]
    state = getattr(value, "bit_generator", None)
    if state is not None:
        return _hash(repr(state.state))
    return _ADDRESS.sub("0x…", repr(value))[:_LONGEST]


def _frame(pen, value, depth):
    if not hasattr(value, "attrs"):
        return _ADDRESS.sub("0x…", repr(value))[:_LONGEST]
    dtypes = value.dtypes if value.ndim == 2 else value.dtype
    head = value.iloc[:_WIDEST]
    return [str(dtypes), value.shape, head.to_csv(), pen.draw(value.attrs, depth)]


def _figure(pen, value, depth):
    if hasattr(value, "axes") and hasattr(value, "get_axes"):
        return [pen.draw(one, depth) for one in value.get_axes()]
    if hasattr(value, "get_title") and hasattr(value, "get_lines"):
        lines = [one.get_xydata().tolist()[:5] for one in value.get_lines()]
        return [value.get_title(), value.get_xlabel(), value.get_ylabel(), repr(lines)[:_LONGEST]]
    return None


_LIBRARIES = {
    "numpy": _array,
    "pandas": _frame,
    "matplotlib": _figure,
    "duckdb": lambda pen, value, depth: None,
    "_duckdb": lambda pen, value, depth: None,
    "polars": lambda pen, value, depth: str(value)[:_LONGEST],
    "itertools": lambda pen, value, depth: _ADDRESS.sub("0x…", repr(value)),
    "contextvars": lambda pen, value, depth: (
        pen.draw(value.get(None), depth)
        if hasattr(value, "get") and hasattr(value, "name")
        else None
    ),
}
