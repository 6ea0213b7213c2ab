"""``llm-repl list``: the notebooks of a folder, or of the server's database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from llm_repl_server.cli.flowing_text import echo, fit_text

if TYPE_CHECKING:
    from llm_repl_core import Application
    from llm_repl_server.storage.connection import DatabaseConnection

__all__ = ["command"]

_ENDINGS = (".llmn", ".ipynb")
"""A `.py` or `.md` is most often something else."""
_PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages"})
_MOST_NOTEBOOKS = 1000
_MOST_FOLDERS = 20_000
_MOST_BYTES = 100_000_000


class ListedNotebook(Struct, kw_only=True):
    """A notebook, and what is known of it.

    Attributes:
        path: Its file; None: it is in the server's database.
        id: Its id; None: it cannot be read.
        name: Its name.
        cells: How many cells it has.
        prompts: How many of them are prompts.
        changed_at: When it was changed.
        last_call_at: When one of its prompts was asked last, as far as that is recorded here.
        price_usd: What its calls have cost, as far as they are recorded here.
        problem: Why it cannot be read.
    """

    path: str | None = None
    id: str | None = None
    name: str = ""
    cells: int = 0
    prompts: int = 0
    changed_at: datetime | None = None
    last_call_at: datetime | None = None
    price_usd: float | None = None
    problem: str | None = None


@click.command("list")
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False
)
@click.option(
    "--server", is_flag=True, help="Those in the database of `llm-repl serve` instead of files."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path | None, *, server: bool, as_json: bool) -> None:
    """List the notebooks (.llmn and .ipynb) in FOLDER and below, or in this one.

    For each: its name, how many cells and prompts it has, when it was changed, when one of its prompts was
    asked last, and what its recorded calls have cost.
    """
    import msgspec

    from llm_repl_core import Application

    if server and folder is not None:
        raise click.UsageError("--server lists a database, and FOLDER files: leave out one.")
    with ExitStack() as stack:
        database = _open_database(stack)
        if server:
            found = _stored(database)
        else:
            application = Application()
            found = [
                _read(application, path) for path in _files(Path() if folder is None else folder)
            ]
        if database is not None:
            _look_up_calls(database, found)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        _print(found)


def _files(folder: Path) -> Iterator[Path]:
    count = folders = 0
    for place, names, files in os.walk(folder):
        folders += 1
        names[:] = sorted(
            name for name in names if not name.startswith(".") and name not in _PASSED_OVER
        )
        for name in sorted(files):
            if not name.lower().endswith(_ENDINGS) or name.startswith("."):
                continue
            if count == _MOST_NOTEBOOKS:
                echo(f"Only the first {count:,} notebooks are listed.", err=True)
                return
            count += 1
            yield Path(place) / name
        if folders == _MOST_FOLDERS:
            echo(f"Only the first {folders:,} folders were looked into.", err=True)
            return


def _read(application: Application, path: Path) -> ListedNotebook:
    from llm_repl_core import LLMReplError, PromptCell

    shown = os.fspath(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ListedNotebook(path=shown, problem="It is too large to be looked into.")
        notebook = application.load(path)
        changed = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    except (LLMReplError, OSError) as error:
        return ListedNotebook(path=shown, problem=str(error))
    prompts = sum(isinstance(cell, PromptCell) for cell in notebook)
    return ListedNotebook(
        path=shown,
        id=notebook.id,
        name=notebook.name,
        cells=len(notebook),
        prompts=prompts,
        changed_at=changed,
    )


def _open_database(stack: ExitStack) -> DatabaseConnection | None:
    """The server's database; None where there is none yet, or it cannot be read."""
    from llm_repl_core import LLMReplError, load_settings
    from llm_repl_server.settings import ServerSettings
    from llm_repl_server.storage.connection import DatabaseConnection

    address = load_settings(ServerSettings).storage_url()
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        return None  # looking makes no database
    connection = DatabaseConnection(address, exclusive=False)
    try:
        connection.open()
    except LLMReplError as error:
        echo(f"What calls cost is not known: {error}", err=True)
        return None
    stack.callback(connection.close)
    return connection


def _stored(database: DatabaseConnection | None) -> list[ListedNotebook]:
    if database is None:
        return []
    from llm_repl_server.storage.overview import OverviewStore

    return [
        ListedNotebook(
            id=stored.id,
            name=stored.name,
            cells=stored.cells,
            prompts=stored.prompts,
            changed_at=stored.updated_at,
        )
        for stored in OverviewStore(database).latest(_MOST_NOTEBOOKS)
    ]


def _look_up_calls(database: DatabaseConnection, found: list[ListedNotebook]) -> None:
    from llm_repl_server.storage.call_filter import CallFilter
    from llm_repl_server.storage.call_store import CallStore

    calls = CallStore(database)
    for notebook in found:
        if notebook.id is None:
            continue
        wanted = CallFilter(notebook_id=notebook.id, limit=1)
        for call in calls.list_calls(wanted):
            notebook.last_call_at = call.started_at
            notebook.price_usd = calls.totals(wanted).total.usd


def _print(found: list[ListedNotebook]) -> None:
    from llm_repl_server.cli.terminal_text import escape_controls, format_price, terminal_width

    width = terminal_width()
    for notebook in found:
        echo(escape_controls(notebook.path or notebook.name), bold=True)
        if notebook.problem is not None:
            text = escape_controls(notebook.problem)
        else:
            facts = [notebook.name] if notebook.path else []
            facts.append("1 cell" if notebook.cells == 1 else f"{notebook.cells:,} cells")
            if notebook.prompts:
                facts.append(
                    "1 prompt" if notebook.prompts == 1 else f"{notebook.prompts:,} prompts"
                )
            if notebook.changed_at is not None:
                facts.append(f"changed {_time(notebook.changed_at)}")
            if notebook.last_call_at is not None:
                facts.append(f"asked {_time(notebook.last_call_at)}")
                facts.append(format_price(notebook.price_usd))
            text = escape_controls("; ".join(facts))
        click.echo(fit_text(f"    {text}", width))
    if not found:
        echo("There are no notebooks.", err=True)


def _time(instant: datetime) -> str:
    return instant.astimezone().strftime("%Y-%m-%d %H:%M")
