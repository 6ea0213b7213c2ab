"""``llm-repl convert``: a notebook in another format."""

from __future__ import annotations

from pathlib import Path

import click

from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.notebook_file import load_notebook_file

__all__ = ["command"]


@click.command("convert")
@click.argument("source", type=click.Path(path_type=Path), shell_complete=complete_notebooks)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite TARGET.")
def command(source: Path, target: Path, *, force: bool) -> None:
    """Write the notebook SOURCE to TARGET, whose extension chooses the format.

    `.llmn` and `.ipynb` hold everything. `.py` (cells between `# %%`) and `.md` are for editors: they hold what
    is written by hand, and neither outputs nor answers. `.html` is a page to read and to pass on, with all
    pictures in it; it cannot be converted back.
    """
    from llm_repl_core import Application, InvalidInput
    from llm_repl_core.files import refuse_unwritable

    application = Application()
    application.format_for(target.name)
    if target.exists() and not force:
        raise InvalidInput(f"{target} exists: give another name, or --force to overwrite it.")
    with as_invalid_input():
        refuse_unwritable(target)
    application.save(load_notebook_file(application, source), target)
