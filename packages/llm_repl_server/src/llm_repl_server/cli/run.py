"""``llm-repl run``: a notebook without a server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command("run")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "parameters",
    "-p",
    "--param",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable before the first cell; a VALUE that is JSON is taken as such.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the notebook here.")
@click.option(
    "--kernel", help="Where code runs; by default what the notebook says, else the settings."
)
@click.option("--provider", help="Who answers prompts where the notebook does not say it.")
@click.option("--model", help="The model of that provider.")
@click.option("--keep-going", is_flag=True, help="Go on with the next cell where one fails.")
@click.option("-q", "--quiet", is_flag=True, help="Print outputs only, no progress.")
def command(
    notebook: Path,
    parameters: tuple[str, ...],
    output: Path | None,
    kernel: str | None,
    provider: str | None,
    model: str | None,
    *,
    keep_going: bool,
    quiet: bool,
) -> None:
    """Run all cells of NOTEBOOK, and print what they put out as it comes.

    The exit code is 1 where a cell failed, and 130 after Ctrl-C. With -o, the notebook is saved
    with what has come until then in either case.
    """
    from llm_repl_core import Application, Settings, load_settings
    from llm_repl_server.cli.progress import Progress

    values = dict(_parameter(text) for text in parameters)
    settings = load_settings(Settings, flags={"provider": provider, "model": model})
    application = Application(settings)
    if output is not None:
        application.format_for(output.name)  # a wrong ending is better told before the work
    document = application.load(notebook)
    progress = Progress(document, quiet=quiet)
    failed = interrupted = False  # by Ctrl-C where no cell was running
    with application.open(document, kernel=kernel) as session:
        try:
            if values:
                session.assign(values)
            for event in session.stream(stop_on_error=not keep_going):
                progress.show(event)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            failed = progress.finish()
            if output is not None:
                document.state_keys = list(session.state)
                application.save(document, output)
    sys.exit(130 if interrupted or progress.interrupted else int(failed))


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise click.BadParameter(f"{text!r} must be NAME=VALUE, with a Python name.")
    try:
        return name, json.loads(value, parse_constant=_not_json)
    except ValueError:
        return name, value


def _not_json(word: str) -> Any:
    raise ValueError(word)
