"""``llm-repl run``: a notebook without a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.cell_choice import CellsToRun, NumberedCells, cell_choice_options
from llm_repl_server.cli.command_line import rebuild_command_line
from llm_repl_server.cli.early_kernel import EarlyKernel
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.notebook_options import give_parameters, notebook_options

if TYPE_CHECKING:
    from llm_repl_core import Budget, Session
    from llm_repl_core.engine.options import RunKeywords
    from llm_repl_core.ledger.record import Mode
    from llm_repl_server.cli.progress import Progress
    from llm_repl_server.cli.termination import Termination

__all__ = ["command"]

_NOT_FOR_RECORDING = frozenset({"mode", "reuse", "replay", "record", "output", "quiet"})
"""Options of a run that are not repeated where it is to be run again, with its answers recorded."""


@click.command("run")
@click.argument("notebook", type=click.Path(path_type=Path))
@cell_choice_options
@notebook_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the notebook here.")
@click.option(
    "--mode",
    type=click.Choice(["live", "reuse", "replay"]),
    help="live: always ask models; reuse: use recorded answers, else ask; replay: use recorded "
    "answers only.  [default: the notebook's mode, or live]",
)
@click.option("--reuse", is_flag=True, help="The same as --mode reuse.")
@click.option("--replay", is_flag=True, help="The same as --mode replay: no key, no network.")
@click.option(
    "--record/--no-record",
    default=False,
    help="Write the recordings next to NOTEBOOK (.calls.jsonl), from which it is replayed.  "
    "[default: leave that file unchanged]",
)
@click.option(
    "--no-log", is_flag=True, help="Do not write to the call log that `llm-repl calls` shows."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    help="How many calls may run at once.  [default: the setting `run_concurrency`]",
)
@click.option("--max-calls", type=click.IntRange(min=0), help="How many calls may be made.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=0),
    help="How many tokens all messages and answers together may have.",
)
@click.option(
    "--max-usd", type=click.FloatRange(min=0), help="How much all calls may cost, in US dollars."
)
@click.option(
    "--allow-unpriced",
    is_flag=True,
    help="With a budget in US dollars: allow calls whose price is unknown, and count them as free.",
)
@click.option("--serial", is_flag=True, help="Finish each cell before the next starts.")
@click.option(
    "--speculate/--no-speculate",
    default=None,
    help="Send prompts ahead of cells that are not expected to change them; a wrong guess costs "
    "money.  [default: the notebook's choice, or the settings']",
)
@click.option("--keep-going", is_flag=True, help="Continue with the next cell if one fails.")
@click.option("-q", "--quiet", is_flag=True, help="Print only outputs, no progress.")
def command(
    notebook: Path,
    cells: tuple[range, ...] | None,
    first: int | None,
    last: int | None,
    parameters: tuple[tuple[str, str], ...],
    raw_parameters: tuple[tuple[str, str], ...],
    parameters_file: Path | None,
    output: Path | None,
    kernel: str | None,
    provider: str | None,
    model: str | None,
    base_url: str | None,
    mode: Mode | None,
    concurrency: int | None,
    max_calls: int | None,
    max_tokens: int | None,
    max_usd: float | None,
    *,
    stale: bool,
    reuse: bool,
    replay: bool,
    record: bool,
    no_log: bool,
    allow_unpriced: bool,
    serial: bool,
    speculate: bool | None,
    keep_going: bool,
    quiet: bool,
) -> None:
    """Run the cells of NOTEBOOK, all by default, and print their outputs as they arrive.

    Where only some are to run, the cells above that set what they need run as well; prompts there
    whose answer the file has are not asked again. Cells are counted from 1.

    Independent prompts run at the same time. Their output appears in the order of the notebook;
    on a terminal it appears at once.

    The exit code is 1 if a cell failed, 130 after Ctrl-C and 143 after SIGTERM. In each case -o
    saves the notebook with the outputs so far; if the run has not started yet, the file is left
    unchanged.
    """
    # Before all else is imported, which takes as long.
    context = click.get_current_context()
    early = context.with_resource(EarlyKernel(kernel))

    from llm_repl_core import Application, Session, Settings, load_settings
    from llm_repl_core.files import refuse_unwritable
    from llm_repl_server.cli.notebook_file import load_notebook_file
    from llm_repl_server.cli.progress import Progress
    from llm_repl_server.cli.provider_choice import check_providers, choose_by_model
    from llm_repl_server.cli.run_ledgers import RunLedgers
    from llm_repl_server.cli.termination import Termination

    chosen = _choose_mode(mode, reuse=reuse, replay=replay)
    budget = _budget(max_calls, max_tokens, max_usd)
    settings = load_settings(
        Settings, flags={"provider": provider, "model": model, "base_url": base_url}
    )
    application = Application(settings)
    provider, model = choose_by_model(
        application, provider=provider, model=model, base_url=base_url
    )
    if output is not None:
        # What is wrong with it is better told before the work.
        application.format_for(output.name)
        with as_invalid_input():
            refuse_unwritable(output)
    document = load_notebook_file(application, notebook)
    choice = NumberedCells(document, cells=cells, first=first, last=last, stale=stale)
    given = give_parameters(document, parameters, raw_parameters, parameters_file)
    how_to_record = rebuild_command_line(
        context, without=_NOT_FOR_RECORDING, flags="--reuse --record"
    )
    ledgers = RunLedgers(
        notebook,
        document,
        mode=chosen,
        keep=record,
        use_log=not no_log,
        how_to_record=how_to_record,
    )
    ledgers.choose_provider(application, provider=provider, model=model, base_url=base_url)
    to_run = choice.settle(given)
    check_providers(application, document, ledgers.mode, to_run.running_ids)
    if to_run.chosen_ids == ():
        if not quiet:
            click.echo("Nothing to run: no cell is out of date.", err=True)
        if output is not None:
            application.save(document, output)
        return
    progress = Progress(document, quiet=quiet)
    options: RunKeywords = {
        "stop_on_error": not keep_going,
        "mode": chosen,
        "concurrency": concurrency,
        "budget": budget,
        "allow_unpriced": allow_unpriced,
        "parallel": not serial,
        "speculate": speculate,
    }
    failed = interrupted = False  # by Ctrl-C where no cell was running
    with (
        Termination() as termination,
        ledgers,
        Session(
            document,
            application=application,
            kernel=early.kernel(application, document),
            ledger=ledgers.ledger,
        ) as session,
    ):
        with as_invalid_input():
            session.check_prices(
                to_run.chosen_ids, with_needed=to_run.chosen_ids is not None, **options
            )
        try:
            if given is not None and not given.injected:
                session.assign(given.values)
            interrupted = _show_run(session, to_run, options, progress, termination)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            try:
                failed = progress.finish()
            finally:
                try:
                    if output is not None and progress.begun:
                        document.state_keys = list(session.state)
                        application.save(document, output)
                finally:
                    ledgers.save()
    stopped = interrupted or progress.interrupted or termination.asked
    sys.exit(termination.exit_code if stopped else int(failed))


def _show_run(
    session: Session,
    to_run: CellsToRun,
    options: RunKeywords,
    progress: Progress,
    termination: Termination,
) -> bool:
    """Run, and show what happens; whether Ctrl-C was pressed while something was shown."""
    from llm_repl_core import ToolApprovalNeeded
    from llm_repl_server.cli.approval import settle_approval

    interrupted = False
    chosen_ids = to_run.chosen_ids
    for event in session.stream(chosen_ids, with_needed=chosen_ids is not None, **options):
        try:
            progress.show(event)
            if isinstance(event, ToolApprovalNeeded):
                progress.break_line()
                settle_approval(session, event, progress.title(event.cell_id))
            if termination.asked and not interrupted:
                # A cell in this process may have had it for itself, while others go on.
                interrupted = True
                session.interrupt()
        except KeyboardInterrupt:
            interrupted = True
            session.interrupt()
    return interrupted


def _choose_mode(mode: Mode | None, *, reuse: bool, replay: bool) -> Mode | None:
    chosen: list[Mode] = [] if mode is None else [mode]
    if reuse:
        chosen.append("reuse")
    if replay:
        chosen.append("replay")
    if len(set(chosen)) > 1:
        raise click.UsageError(
            f"A run has one mode, and this one is told {' and '.join(dict.fromkeys(chosen))}: "
            "leave out all but one."
        )
    return chosen[0] if chosen else None


def _budget(calls: int | None, tokens: int | None, usd: float | None) -> Budget | None:
    if calls is None and tokens is None and usd is None:
        return None
    from llm_repl_core import Budget

    try:
        return Budget(calls=calls, tokens=tokens, usd=usd)
    except ValueError:
        raise click.BadParameter(f"--max-usd must be an amount of money, not {usd}.") from None
