"""``llm-repl graph``: what of a notebook depends on what."""

from __future__ import annotations

from pathlib import Path

import click

from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.notebook_file import load_notebook_file

__all__ = ["command"]

_FORMATS_BY_ENDING = {
    "": "text",
    ".txt": "text",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".svg": "svg",
}


@click.command("graph")
@click.argument("notebook", type=click.Path(path_type=Path), shell_complete=complete_notebooks)
@click.option(
    "drawing",
    "--format",
    type=click.Choice(["text", "mermaid", "svg"]),
    help="The output format.  [default: by the extension of -o, or text]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write it to this file.")
def command(notebook: Path, drawing: str | None, output: Path | None) -> None:
    """Draw which cells of NOTEBOOK depend on which, and by which variables. Nothing is run.

    Cells are numbered from 1, as `llm-repl run` shows them and `llm-repl preview` takes them.

    A file does not record which cells got in the way of prompts that were sent ahead: see the
    graph of a notebook on a server, or of a session.
    """
    from llm_repl_core import Application
    from llm_repl_core.dataflow.drawings import draw_mermaid, draw_text
    from llm_repl_core.dataflow.svg import draw_svg
    from llm_repl_core.engine.dependencies import Dependencies
    from llm_repl_core.files import refuse_unwritable, write_atomically

    draw = {"text": draw_text, "mermaid": draw_mermaid, "svg": draw_svg}
    if drawing is None:
        drawing = "text" if output is None else _format_for(output)
    if output is not None:
        with as_invalid_input():
            refuse_unwritable(output)
    document = load_notebook_file(Application(), notebook)
    text = draw[drawing](Dependencies(document).graph())
    if output is None:
        echo(text, hang="    ", nl=not text.endswith("\n"))
    else:
        write_atomically(output, text.encode())


def _format_for(output: Path) -> str:
    drawing = _FORMATS_BY_ENDING.get(output.suffix.lower())
    if drawing is None:
        endings = ", ".join(filter(None, _FORMATS_BY_ENDING))
        raise click.BadParameter(
            f"`{output.name}` must end in one of {endings}, or --format must say what to draw."
        )
    return drawing
