"""Of which cell the code is that runs now: the cell itself, or a task or a thread that it started."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

__all__ = ["cell_of_task", "cell_of_this_code", "follow_threads", "set_cell"]

_ATTRIBUTE = "_llm_repl_cell"
_cell: ContextVar[int | None] = ContextVar("llm_repl_cell", default=None)
"""Tasks have the one of the code that made them, and so has what `asyncio.to_thread` runs."""


cell_of_task = _cell.get
"""The cell of the code that the main thread runs; None where it is not known."""


def set_cell(cell: int | None) -> None:
    """Say of which cell the code is that the main thread runs from now on; None: of no cell."""
    _cell.set(cell)


def cell_of_this_code() -> int | None:
    """The cell; None where it is not known."""
    cell = _cell.get()
    if cell is None and threading.get_ident() != threading.main_thread().ident:
        found: int | None = getattr(threading.current_thread(), _ATTRIBUTE, None)
        return found
    return cell


def follow_threads() -> None:
    """Have the threads of a cell know it, and those of a pool whose work they do. For good."""
    # In words of no types: they are replaced by what takes the same.
    thread_class: Any = threading.Thread
    pool_class: Any = ThreadPoolExecutor
    start, submit = thread_class.start, pool_class.submit

    @functools.wraps(start)
    def start_of_cell(thread: threading.Thread) -> None:
        setattr(thread, _ATTRIBUTE, cell_of_this_code())
        start(thread)

    @functools.wraps(submit)
    def submit_of_cell(
        pool: ThreadPoolExecutor, fn: Callable[..., Any], /, *arguments: Any, **named: Any
    ) -> Any:
        cell = cell_of_this_code()
        if cell is None:
            return submit(pool, fn, *arguments, **named)
        return submit(pool, _work_of_cell, cell, fn, arguments, named)

    thread_class.start = start_of_cell
    pool_class.submit = submit_of_cell


def _work_of_cell(
    cell: int, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> Any:
    __tracebackhide__ = True  # IPython leaves the frame out
    thread = threading.current_thread()
    before = getattr(thread, _ATTRIBUTE, None)
    setattr(thread, _ATTRIBUTE, cell)
    try:
        return function(*arguments, **named)
    finally:
        setattr(thread, _ATTRIBUTE, before)
