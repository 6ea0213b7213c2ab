"""The run of one notebook, whose outputs are printed."""

from __future__ import annotations

from pathlib import Path

from llm_repl_server.cli.early_kernel import EarlyKernel
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.notebook_run import NotebookRun, RunArguments
from llm_repl_server.cli.progress import Progress
from llm_repl_server.cli.run_results import NotebookReport
from llm_repl_server.cli.termination import Termination

__all__ = ["run_one"]


def run_one(
    path: Path,
    arguments: RunArguments,
    early: EarlyKernel,
    *,
    output: Path | None,
    quiet: bool,
    watch: bool,
) -> tuple[int, list[NotebookReport]]:
    """Run a notebook, and again where its file is watched.

    Args:
        path: The notebook's file.
        arguments: What the command line says.
        early: The kernel, which may be starting.
        output: Where the notebook is saved; None: nowhere.
        quiet: Whether to print outputs only.
        watch: Whether to stay, and run what is out of date whenever the file changes.

    Returns:
        The exit code, and what a report says.

    Raises:
        LLMReplError: It cannot be run, or not be saved.
    """
    run = NotebookRun(path, arguments, output=output)
    display = Progress(run.notebook, quiet=quiet)
    code = 0
    has_nothing = run.to_run.chosen_ids == ()
    if has_nothing:
        if not quiet:
            echo("Nothing to run: no cell is out of date.", err=True)
        run.save()
    if watch or not has_nothing:
        kernel = early.kernel(run.application, run.notebook, cwd=arguments.cwd)
        with Termination() as termination, run.open(kernel) as session:
            if not has_nothing:
                code = run.run(session, run.to_run, display, termination)
            if watch and code < termination.exit_code:
                from llm_repl_server.cli.watch import watch_notebook

                code = watch_notebook(run, session, termination, quiet=quiet)
    if run.has_taken_edits and not quiet:
        echo(
            f"{path} was edited while it ran: it has the edits, and what they make out of date is marked.",
            err=True,
        )
    return code, [NotebookReport(str(path), run.notebook, run.application, display.results)]
