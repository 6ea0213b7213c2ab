"""``llm-repl repl``: the notebook as a terminal."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from llm_repl_server.cli.completing import (
    complete_models,
    complete_notebooks,
    complete_providers,
)
from llm_repl_server.repl.opening import LocalOpener, Opener, ReplChoices
from llm_repl_server.repl.starting import start_repl

__all__ = ["command"]


@click.command("repl")
@click.argument(
    "notebook",
    required=False,
    type=click.Path(path_type=Path),
    shell_complete=complete_notebooks,
)
@click.option(
    "--kernel", help="The kernel for the code.  [default: the notebook's, or the settings']"
)
@click.option(
    "--provider",
    shell_complete=complete_providers,
    help="The provider, where the notebook does not name one.",
)
@click.option(
    "-m",
    "--model",
    shell_complete=complete_models,
    help="That provider's model; `openai/gpt-5.4-mini` names both.",
)
@click.option("--base-url", metavar="URL", help="That provider's address.")
@click.option("--no-log", is_flag=True, help="Do not write to the call log.")
@click.option(
    "--attach",
    metavar="ADDRESS",
    help="Join a notebook of a running server: the address that `serve` or the page shows, or the "
    "notebook's id or name.",
)
@click.option("--token", envvar="LLM_REPL_TOKEN", help="What that server asks for.")
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
    attach: str | None,
    token: str | None,
    plain: bool,
) -> None:
    """Work with values and models together, line by line.

    Each line becomes a cell of NOTEBOOK, which is saved as you go; without one, of a notebook in
    the data folder. A line is Python, unless it begins with `?` (a prompt), `#` (Markdown), `:`
    (memory), `!` (a shell command) or `/` (a command: `/help` lists them).

    From a pipe, each line runs until one fails, and the exit code is 1 if one did.
    """
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if attach is not None:
        if notebook is not None:
            raise click.UsageError("Either name a file, or --attach to a server's notebook.")
        start_repl(_attached(attach, token), plain=plain, opens_first=True)
        return
    on_exit = click.get_current_context().with_resource(ExitStack())
    choices = ReplChoices(
        notebook=notebook,
        kernel=kernel,
        provider=provider,
        model=model,
        base_url=base_url,
        use_log=not no_log,
        keeps_scratch=is_interactive,
    )
    start_repl(LocalOpener(choices, on_exit), plain=plain, opens_first=notebook is not None)


def _attached(text: str, token: str | None) -> Opener:
    from llm_repl_core import load_settings
    from llm_repl_server.repl.attached.address import parse_address
    from llm_repl_server.repl.attached.attached_opener import AttachedOpener
    from llm_repl_server.settings import ServerSettings

    settings = load_settings(ServerSettings)
    return AttachedOpener(parse_address(text, f"http://{settings.host}:{settings.port}"), token)
