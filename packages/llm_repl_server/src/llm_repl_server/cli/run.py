"""``llm-repl run``: notebooks without a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.cell_choice import cell_choice_options
from llm_repl_server.cli.command_line import rebuild_command_line
from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.early_kernel import EarlyKernel
from llm_repl_server.cli.notebook_options import ParametersCommand, notebook_options

if TYPE_CHECKING:
    from llm_repl_core import Budget
    from llm_repl_core.ledger.record import Mode

__all__ = ["command"]

_NOT_FOR_RECORDING = frozenset(
    {"mode", "reuse", "replay", "record", "output", "quiet", "jobs", "report", "watch"}
)
"""Options of a run that are not repeated where it is to be run again, with its answers recorded."""


@click.command("run", cls=ParametersCommand)
@click.argument(
    "notebooks",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=complete_notebooks,
)
@cell_choice_options
@notebook_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Save the notebook here; of several notebooks: in this folder.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Write what became of the cells: .xml, as JUnit does, or .html, a page to read.",
)
@click.option(
    "--cwd",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that the code runs in.  [default: this one]",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Stay, and run what is out of date whenever the file changes. Ctrl-C ends it.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many of several notebooks run at once.",
)
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
    help="Write the recordings next to each notebook (.calls.jsonl), from which it is replayed.  "
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
    notebooks: tuple[Path, ...],
    cells: tuple[range, ...] | None,
    first: int | None,
    last: int | None,
    parameters: tuple[tuple[str, str], ...],
    raw_parameters: tuple[tuple[str, str], ...],
    parameters_file: Path | None,
    output: Path | None,
    report: Path | None,
    cwd: Path | None,
    jobs: int,
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
    watch: bool,
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
    """Run the cells of NOTEBOOKS, all by default, and print their outputs as they arrive.

    Where only some are to run, the cells above that set what they need run as well; prompts there
    whose answer the file has are not asked again. Cells are counted from 1.

    Independent prompts run at the same time. Their output appears in the order of the notebook;
    on a terminal it appears at once. Of several notebooks there is a line each, no output, and
    limits such as --max-usd count for all of them together.

    The exit code is 1 if a cell failed, 130 after Ctrl-C and 143 after SIGTERM; of several
    notebooks it is the highest. In each case -o saves the notebook with the outputs so far; if the
    run has not started yet, the file is left unchanged.
    """
    chosen = _choose_mode(mode, reuse=reuse, replay=replay)
    if watch and len(notebooks) > 1:
        raise click.UsageError("--watch is for one notebook.")
    # Before all else is imported, which takes as long.
    context = click.get_current_context()
    early = context.with_resource(EarlyKernel(kernel))

    from llm_repl_server.cli.notebook_run import RunArguments

    budget = _budget(max_calls, max_tokens, max_usd)
    arguments = RunArguments(
        options={
            "stop_on_error": not keep_going,
            "mode": chosen,
            "concurrency": concurrency,
            "budget": budget,
            "allow_unpriced": allow_unpriced,
            "parallel": not serial,
            "speculate": speculate,
        },
        mode=chosen,
        record=record,
        use_log=not no_log,
        how_to_record=rebuild_command_line(
            context, without=_NOT_FOR_RECORDING, flags="--reuse --record"
        ),
        cells=cells,
        first=first,
        last=last,
        stale=stale,
        parameters=parameters,
        raw_parameters=raw_parameters,
        parameters_file=parameters_file,
        kernel=kernel,
        provider=provider,
        model=model,
        base_url=base_url,
        cwd=None if cwd is None else cwd.absolute(),
    )
    if report is not None:
        from llm_repl_server.cli.reports import check_report

        check_report(report)
    if len(notebooks) > 1:
        from llm_repl_server.cli.run_several import run_several

        code, reports = run_several(
            notebooks, arguments, early, folder=output, jobs=jobs, quiet=quiet
        )
    else:
        from llm_repl_server.cli.run_one import run_one

        code, reports = run_one(
            notebooks[0], arguments, early, output=output, quiet=quiet, watch=watch
        )
    if report is not None:
        from llm_repl_server.cli.reports import write_report

        write_report(report, reports)
    sys.exit(code)


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
