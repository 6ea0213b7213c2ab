"""``llm-repl show``: a notebook to read, in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.cell_numbers import CellNumbers
from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.notebook_file import load_notebook_file

if TYPE_CHECKING:
    from llm_repl_core import Cell

__all__ = ["command"]


@click.command("show")
@click.argument("notebook", type=click.Path(path_type=Path), shell_complete=complete_notebooks)
@click.option("--cells", type=CellNumbers(), help="Only these cells: 3,5-7 or 5-.")
@click.option("--no-outputs", is_flag=True, help="Show what is written, not what a run gave.")
@click.option("--width", type=click.IntRange(min=20), help="Columns.  [default: the terminal's]")
def command(
    notebook: Path, cells: tuple[range, ...] | None, *, no_outputs: bool, width: int | None
) -> None:
    """Show NOTEBOOK: its cells with what they gave. Nothing is run.

    Pictures are named, with their size. Colours are left out where the output is no terminal, and with NO_COLOR.
    """
    from llm_repl_core import Application
    from llm_repl_server.cli.cell_printer import CellPrinter

    document = load_notebook_file(Application(), notebook)
    chosen: list[Cell] = list(document)
    if cells is not None:
        chosen = [document.cells[index] for index in CellNumbers.indexes(cells, len(document))]
    printer = CellPrinter(width=width)
    if cells is None:
        printer.name(document.name)
    for cell in chosen:
        printer.cell(cell, number=document.index(cell.id) + 1, outputs=not no_outputs)
