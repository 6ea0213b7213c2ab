"""``llm-repl merge``: two changed versions of a notebook made one, by hand or for git."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.git_setup import set_up_git
from llm_repl_server.cli.notebook_versions import load_version

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook

__all__ = ["command"]


def _set_up(
    context: click.Context, _parameter: click.Parameter, value: bool
) -> None:  # click's signature
    if value and not context.resilient_parsing:
        for line in set_up_git(Path.cwd()):
            echo(line)
        context.exit()


@click.command("merge")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write it here.  [default: OURS]"
)
@click.option(
    "--path", help="The notebook's own path, as git's %P; it says which format the files have."
)
@click.option("--ours", "our_name", default="ours", help="What OURS is called in conflicts.")
@click.option(
    "--theirs", "their_name", default="theirs", help="What THEIRS is called in conflicts."
)
@click.option(
    "--set-up",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_up,
    help="Have git merge and compare notebooks by this program, in the repository of this folder.",
)
def command(
    base: Path,
    ours: Path,
    theirs: Path,
    output: Path | None,
    path: str | None,
    our_name: str,
    their_name: str,
) -> None:
    """Merge THEIRS into OURS, two notebooks that were both BASE before.

    Cells are merged one by one, by their ids. Where both have changed the same lines of a cell, it
    holds both texts and does not run until one is chosen; where both have changed another field, that of OURS is
    kept. The result is always a notebook that opens. BASE may be empty.

    The exit code is 0 if all was merged, and 1 if there were conflicts, which are listed.
    """
    from llm_repl_core import Application
    from llm_repl_core.merging.notebooks import merge_notebooks
    from llm_repl_core.merging.versions import Sides, Versions

    application = Application()
    name = Path(path or ours.name).name

    def load(file: Path, whose: str) -> Notebook:
        # git's names for the files say nothing.
        shown = None if path is None else f"{path}, as {whose} has it"
        return load_version(application, str(file), name=name, shown=shown)

    versions = Versions(load(base, "the base"), load(ours, our_name), load(theirs, their_name))
    merged, conflicts = merge_notebooks(
        versions, Sides(our_name, their_name), cell_types=application.cell_types
    )
    _write(application, merged, output or ours, name)
    for conflict in conflicts:
        echo(f"{path or ours}: {conflict}", err=True)
    sys.exit(1 if conflicts else 0)


def _write(application: Application, notebook: Notebook, path: Path, name: str) -> None:
    from llm_repl_core.files import write_atomically

    data = application.format_for(name).encode(notebook)
    write_atomically(path, application.providers.redactor.data(data))
