"""``llm-repl plan``: what a run would do and cost, before it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.cell_choice import NumberedCells, cell_choice_options
from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.flowing_text import echo, fit_text
from llm_repl_server.cli.notebook_options import (
    ParametersCommand,
    give_parameters,
    notebook_options,
)

if TYPE_CHECKING:
    from llm_repl_core import Notebook, RunForecast
    from llm_repl_core.engine.forecast import CellForecast, WayForecast
    from llm_repl_core.ledger.record import Mode

__all__ = ["command"]

_STATES = {
    "runs": "runs",
    "restored": "has its answer",
    "asked": "new",
    "on_record": "on record",
    "missing": "missing",
    "stops": "stops",
}
_INDENT = "     "


@click.command("plan", cls=ParametersCommand)
@click.argument("notebook", type=click.Path(path_type=Path), shell_complete=complete_notebooks)
@cell_choice_options
@notebook_options
@click.option(
    "--mode",
    type=click.Choice(["live", "reuse", "replay"]),
    help="As for `llm-repl run`.  [default: the notebook's mode, or live]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the cells' ids.")
def command(
    notebook: Path,
    cells: tuple[range, ...] | None,
    first: int | None,
    last: int | None,
    parameters: tuple[tuple[str, str], ...],
    raw_parameters: tuple[tuple[str, str], ...],
    parameters_file: Path | None,
    kernel: str | None,
    provider: str | None,
    model: str | None,
    base_url: str | None,
    mode: Mode | None,
    *,
    stale: bool,
    as_json: bool,
) -> None:
    """Show what a run of NOTEBOOK would do and cost. Nothing is sent, run or changed.

    For each cell: whether it runs, is asked (and in which wave, why, and for how much at most), or needs not be, as
    its answers are recorded; then the totals, and what a replay would miss. Which cells those are is said as for
    `llm-repl run`: where only some are to run, those are among them that run for what they need.

    Of prompts that need values of cells which have not run, it says what is likely.

    The exit code is 1 if it is sure that the run would stop: a replay misses an answer, or a prompt cannot
    be sent.
    """
    import msgspec

    from llm_repl_core import Session
    from llm_repl_server.cli.notebook_file import load_notebook_file
    from llm_repl_server.cli.provider_choice import application_for, check_providers
    from llm_repl_server.cli.run_ledgers import RunLedgers

    application, provider, model = application_for(
        provider=provider, model=model, base_url=base_url
    )
    document = load_notebook_file(application, notebook)
    numbered = NumberedCells(document, cells=cells, first=first, last=last, stale=stale)
    given = give_parameters(document, parameters, raw_parameters, parameters_file)
    ledgers = RunLedgers(notebook, document, mode=mode, keep=False, opens_log_early=False)
    ledgers.choose_provider(application, provider=provider, model=model, base_url=base_url)
    to_run = numbered.settle(given)
    check_providers(application, document, "replay", to_run.running_ids)
    with (
        ledgers,
        Session(document, application=application, kernel=kernel, ledger=ledgers.ledger) as session,
    ):
        if given is not None and not given.injected:
            session.assign(given.values)
        chosen = to_run.chosen_ids
        plan = session.plan(chosen, with_needed=chosen is not None, mode=mode)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(plan), indent=2))
    else:
        _print(plan, document)
    stops = any(cell.is_certain and cell.state in ("missing", "stops") for cell in plan.cells)
    sys.exit(int(stops))


def _print(plan: RunForecast, notebook: Notebook) -> None:
    from llm_repl_server.cli.terminal_text import terminal_width

    width = terminal_width()
    for cell in plan.cells:
        _print_cell(cell, notebook, width)
    if not plan.cells:
        echo("There is nothing to run.")
        return
    click.echo("")
    for way in sorted(plan.ways, key=lambda way: way.mode != plan.mode):
        _print_way(way, notebook, width, is_chosen=way.mode == plan.mode)
    if plan.budget is not None and plan.budget.usd is not None:
        from llm_repl_server.cli.terminal_text import format_price

        echo(
            f"{format_price(plan.spent_usd)} of the notebook's {format_price(plan.budget.usd)} "
            "are spent."
        )


def _print_cell(cell: CellForecast, notebook: Notebook, width: int) -> None:
    from llm_repl_server.cli.terminal_text import escape_controls, one_line

    document = notebook[cell.cell_id]
    head = f"{notebook.index(cell.cell_id) + 1:>3}  {document.type or 'other'}: "
    state = _STATES[cell.state] + ("" if cell.is_certain else ", likely")
    room = max(8, width - len(head) - len(state) - 2)
    beginning = one_line(document.content, room) or "(empty)"
    colour = {"asked": "yellow", "missing": "red", "stops": "red"}.get(cell.state)
    click.echo(head + beginning + "  " + click.style(state, fg=colour))
    if details := escape_controls(_details(cell)):
        click.echo(fit_text(_INDENT + details, width))


def _details(cell: CellForecast) -> str:
    words = []
    if cell.reason:
        words.append(cell.reason)
    if cell.state == "asked":
        calls = "1 call" if cell.calls == 1 else f"{cell.asked_calls:,} of {cell.calls:,} calls"
        words.append(f"wave {cell.wave}: {calls}" if cell.wave else calls)
        tokens = f"about {cell.input_tokens:,} tokens in"
        words.append(f"{tokens}, at most {cell.output_tokens_limit:,} out each")
        words.append(_price(cell.price_usd, is_bound=cell.is_bound))
        if cell.expected_s:
            words.append(_expected(cell.expected_price_usd, cell.expected_s))
    elif cell.calls > 1:
        words.append(f"{cell.calls:,} calls")
    return "; ".join(words)


def _print_way(way: WayForecast, notebook: Notebook, width: int, *, is_chosen: bool) -> None:
    words = [f"{way.asked_calls:,} of {way.calls:,} calls sent" if way.calls else "no calls"]
    if way.asked_calls:
        words[0] += f" in {way.waves} waves" if way.waves != 1 else " in 1 wave"
        words.append(_price(way.price_usd, is_bound=way.is_bound))
        if way.unpriced:
            words.append(f"no price known of {_cells(way.unpriced, notebook)}")
        if way.expected_s:
            words.append(_expected(way.expected_price_usd, way.expected_s))
    if way.missing:
        words.append(f"no recorded answer for {_cells(way.missing, notebook)}: it stops there")
    if way.stops:
        words.append(f"{_cells(way.stops, notebook)} cannot be sent")
    mark = "* " if is_chosen else "  "
    text = f"{mark}{way.mode}: {'; '.join(words)}"
    click.secho(fit_text(text, width, hang="  " if is_chosen else ""), bold=is_chosen or None)


def _price(usd: float | None, *, is_bound: bool) -> str:
    from llm_repl_server.cli.terminal_text import format_price

    if usd is None:
        return "no price known"
    return f"{'at most' if is_bound else 'about'} {format_price(usd)}"


def _expected(usd: float | None, seconds: float) -> str:
    from llm_repl_server.cli.terminal_text import format_price

    price = f"{format_price(usd)} and " if usd is not None else ""
    return f"{price}{seconds:,.1f} s expected"


def _cells(ids: tuple[str, ...], notebook: Notebook) -> str:
    numbers = ", ".join(str(notebook.index(cell_id) + 1) for cell_id in ids)
    return f"cell {numbers}" if len(ids) == 1 else f"cells {numbers}"
