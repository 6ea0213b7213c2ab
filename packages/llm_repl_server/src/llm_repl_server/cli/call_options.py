"""Which calls a command is about: the options, and the filter that they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from llm_repl_core import CallRecord
    from llm_repl_core.ledger.record import CallState
    from llm_repl_server.storage.call_filter import CallFilter
    from llm_repl_server.storage.call_log import CallLog

__all__ = ["filter_options", "make_filter", "pages"]

F = TypeVar("F", bound=Callable[..., Any])

_PAGE = 100
_NOTEBOOK_ENDINGS = (".llmn", ".ipynb")
"""What names a file, and ends no id that was made here."""
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def filter_options(command: F) -> F:
    """Add ``--notebook``, ``--model``, ``--state`` and ``--since``."""
    options = [
        click.option("--notebook", help="Only calls of this notebook: its file, or its id."),
        click.option("--model", help="Only calls to this model, by the requested name."),
        click.option(
            "--state",
            type=click.Choice(["running", "completed", "failed", "interrupted", "superseded"]),
            help="Only calls in this state.",
        ),
        click.option(
            "--since",
            metavar="TIME",
            help="Only calls since: 2026-01-31, 2026-01-31T12:00, or how long ago: 30m, 2h, 3d.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def make_filter(
    notebook: str | None,
    model: str | None,
    state: CallState | None,
    since: str | None,
    *,
    limit: int = _PAGE,
    search: str | None = None,
) -> CallFilter:
    """The filter of the options.

    Raises:
        click.BadParameter: The time cannot be read, or a name is empty.
        LLMReplError: The notebook's file is missing or cannot be read.
    """
    from llm_repl_server.storage.call_filter import CallFilter

    for option, value in (("--notebook", notebook), ("--model", model)):
        if value is not None and not value.strip():
            raise click.BadParameter(f"{option} is empty: give a name, or leave it out.")

    return CallFilter(
        notebook_id=None if notebook is None else _notebook_id(notebook),
        model=model,
        state=state,
        since=None if since is None else _time(since),
        limit=limit,
        search=search,
    )


def pages(log: CallLog, wanted: CallFilter) -> Iterator[list[CallRecord]]:
    """All calls of a filter, whatever its limit, some at a time."""
    from msgspec.structs import replace

    wanted = replace(wanted, limit=_PAGE)
    page = log.calls.list_calls(wanted)
    while page:
        yield page
        if len(page) < _PAGE:
            return
        page = log.calls.list_calls(replace(wanted, before=page[-1].id))


def _notebook_id(named: str) -> str:
    from llm_repl_core import FileMissing, load_notebook

    path = Path(named)
    if path.suffix and path.is_file():
        return load_notebook(path).id
    if path.suffix.lower() in _NOTEBOOK_ENDINGS:
        raise FileMissing(f"There is no file {named}: name a notebook's file, or its id.")
    return named


def _time(text: str) -> datetime:
    now = datetime.now().astimezone()
    try:
        ago = _AGO.fullmatch(text.strip())
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} must be a date, a date with a time, or how long ago, as 30m, 2h or 3d."
        ) from None
    return time
