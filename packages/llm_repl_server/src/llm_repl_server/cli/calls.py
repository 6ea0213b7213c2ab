"""``llm-repl calls``: the recorded calls to models."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from llm_repl_server.cli.call_options import filter_options, make_filter, pages
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core import CallRecord
    from llm_repl_core.ledger.record import CallState
    from llm_repl_server.storage.call_filter import CallFilter
    from llm_repl_server.storage.call_log import CallLog

__all__ = ["command"]

_limit = click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="How many calls.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("calls")
def command() -> None:
    """Show the calls to models: what was sent, what came back, what it cost.

    The call log holds the calls of the server and of `llm-repl run`.
    """


@command.command("list")
@filter_options
@_limit
@_as_json
def list_calls(
    notebook: str | None,
    model: str | None,
    state: CallState | None,
    since: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List calls, the latest first.

    For each call: the beginning of its id, the time, its state, the model, input + output tokens
    and the price; then the beginning of the prompt, behind its cell's number with a --notebook that
    is a file.
    """
    wanted = make_filter(notebook, model, state, since, limit=limit)
    is_filtered = any((notebook, model, state, since))
    _list(wanted, notebook, as_json=as_json, is_filtered=is_filtered)


@command.command("search")
@click.argument("words", nargs=-1, required=True)
@filter_options
@_limit
@_as_json
def search_calls(
    words: tuple[str, ...],
    notebook: str | None,
    model: str | None,
    state: CallState | None,
    since: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List calls whose messages or answer contain words that begin with all WORDS."""
    wanted = make_filter(notebook, model, state, since, limit=limit, search=" ".join(words))
    _list(wanted, notebook, as_json=as_json, is_filtered=True)


@command.command("show")
@click.argument("call_id")
@_as_json
def show_call(call_id: str, *, as_json: bool) -> None:
    """Show a call in full: messages, answer, tokens, price, attempts.

    CALL_ID is the call's id, or a unique beginning of it.
    """
    from llm_repl_server.cli.call_text import as_page
    from llm_repl_server.cli.log_ledger import open_log
    from llm_repl_server.services.call_answers import call_answer

    with closing(open_log()) as log:
        record = _find(log, call_id)
    if as_json:
        _print_json(call_answer(record))
    else:
        echo(as_page(record, for_terminal=sys.stdout.isatty()))


@command.command("export")
@filter_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
def export_calls(
    notebook: str | None,
    model: str | None,
    state: CallState | None,
    since: str | None,
    output: Path | None,
) -> None:
    """Write calls in full as JSON Lines, the latest first.

    A file given by -o is readable by you alone, and appears once it is complete.
    """
    from llm_repl_core.files import refuse_unwritable
    from llm_repl_server.cli.call_export import export_to
    from llm_repl_server.cli.log_ledger import open_log

    if output is not None:
        with as_invalid_input():
            refuse_unwritable(output)
    wanted = make_filter(notebook, model, state, since)
    with closing(open_log()) as log:
        export_to(output, (record for page in pages(log, wanted) for record in page))


@command.command("totals")
@click.option(
    "--by",
    "group",
    type=click.Choice(["cell", "model", "day"]),
    multiple=True,
    help="Only these sums, and that of all.  [default: all three]",
)
@filter_options
@_as_json
def total_calls(
    group: tuple[str, ...],
    notebook: str | None,
    model: str | None,
    state: CallState | None,
    since: str | None,
    *,
    as_json: bool,
) -> None:
    """Sum up calls: how many, their tokens, and what they cost, by cell, model and day.

    Cells go by what they asked last, and by their numbers with a --notebook that is a file.
    """
    from llm_repl_server.cli.call_cells import cell_numbers, summed_cells
    from llm_repl_server.cli.call_sums import print_sums
    from llm_repl_server.cli.log_ledger import open_log

    wanted = make_filter(notebook, model, state, since)
    offset = datetime.now().astimezone().utcoffset()
    groups = group or ("cell", "model", "day")
    titles = {}
    with closing(open_log()) as log:
        totals = log.calls.totals(wanted, offset or timedelta())
        if "cell" in groups and not as_json:
            last = log.calls.last_of_cells(wanted, [cell_id for cell_id, _ in totals.by_cell])
            titles = summed_cells(last, cell_numbers(notebook))
    if as_json:
        chosen = {f"by_{name}" for name in groups} | {"total"}
        plain = msgspec.to_builtins(totals)
        _print_json({name: plain[name] for name in plain if name in chosen})
    else:
        print_sums(totals, groups, titles)


def _list(wanted: CallFilter, notebook: str | None, *, as_json: bool, is_filtered: bool) -> None:
    from llm_repl_server.cli.call_cells import cell_numbers
    from llm_repl_server.cli.call_text import as_lines
    from llm_repl_server.cli.log_ledger import open_log
    from llm_repl_server.services.call_answers import call_summary

    with closing(open_log()) as log:
        found = log.calls.list_calls(wanted)
    if as_json:
        _print_json([call_summary(record) for record in found])
    elif not found:
        sentence = (
            "No recorded call matches." if is_filtered else "No calls have been recorded yet."
        )
        echo(sentence, err=True)
    else:
        numbers = cell_numbers(notebook)
        for record in found:
            click.echo("\n".join(as_lines(record, numbers)))


def _find(log: CallLog, named: str) -> CallRecord:
    from llm_repl_core import InvalidInput, NotFound

    ids = log.calls.call_ids(named) if named else []
    if named in ids:
        ids = [named]
    if len(ids) > 1:
        shown = ", ".join(call_id[: len(named) + 8] for call_id in ids[:3])
        raise InvalidInput(f"Several calls begin with `{named}`: {shown}, …; give more of the id.")
    record = log.calls.load_call(ids[0]) if ids else None
    if record is None:
        raise NotFound(f"There is no recorded call `{named}`; see `llm-repl calls list`.")
    return record


def _print_json(document: Any) -> None:
    # As escapes, so that it can be printed whatever a model has said.
    click.echo(json.dumps(msgspec.to_builtins(document), indent=2))
