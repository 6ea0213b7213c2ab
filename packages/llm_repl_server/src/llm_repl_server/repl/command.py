"""``llm-repl repl``: the notebook as a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from llm_repl_server.cli.early_kernel import EarlyKernel
from llm_repl_server.repl.opening import LocalOpener, ReplChoices

__all__ = ["command"]


@click.command("repl")
@click.argument("notebook", required=False, type=click.Path(path_type=Path))
@click.option(
    "--kernel", help="The kernel for the code.  [default: the notebook's, or the settings']"
)
@click.option("--provider", help="The provider, where the notebook does not name one.")
@click.option("-m", "--model", help="That provider's model; `openai/gpt-5.4-mini` names both.")
@click.option("--base-url", metavar="URL", help="That provider's address.")
@click.option("--no-log", is_flag=True, help="Do not write to the call log.")
@click.option(
    "--plain",
    is_flag=True,
    help="For screen readers: no status line, no menus, nothing that is drawn and taken away again.",
)
def command(
    notebook: Path | None,
    *,
    kernel: str | None,
    provider: str | None,
    model: str | None,
    base_url: str | None,
    no_log: bool,
    plain: bool,
) -> None:
    """Work with values and models together, line by line.

    Each line becomes a cell of NOTEBOOK, which is saved as you go; without one, of a notebook in
    the data folder. A line is Python, unless it begins with `?` (a prompt), `#` (Markdown), `:`
    (memory), `!` (a shell command) or `/` (a command: `/help` lists them).

    From a pipe, each line runs until one fails, and the exit code is 1 if one did.
    """
    early = click.get_current_context().with_resource(EarlyKernel(kernel))
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
    choices = ReplChoices(
        notebook=notebook,
        kernel=kernel,
        provider=provider,
        model=model,
        base_url=base_url,
        use_log=not no_log,
        keeps_scratch=is_interactive,
    )
    opener = LocalOpener(choices, early)
    if not is_interactive:
        from llm_repl_server.repl.script import run_script

        sys.exit(run_script(opener))
    from llm_repl_server.repl.loop import Repl

    Repl(opener, plain=plain).talk(opens_first=notebook is not None)
