"""``llm-repl new``: a notebook to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook

__all__ = ["command"]

_TEMPLATES = ("blank", "question", "table", "items")


@click.command("new")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--template",
    metavar="NAME|FILE",
    default="question",
    show_default=True,
    help="What it begins with: blank, question (a value and a prompt about it), table (a CSV file and a "
    "question about it), items (a prompt for each item), or a notebook's file, without its outputs.",
)
@click.option("--name", help="The notebook's name.  [default: the file's]")
@click.option("--force", is_flag=True, help="Overwrite NOTEBOOK.")
def command(notebook: Path, template: str, name: str | None, *, force: bool) -> None:
    """Write a new NOTEBOOK, whose extension chooses the format.

    Without an extension, it is a `.llmn`.
    """
    from llm_repl_core import Application, InvalidInput
    from llm_repl_core.files import refuse_unwritable

    application = Application()
    path = notebook if notebook.suffix else notebook.with_suffix(".llmn")
    if path.suffix.lower() not in application.readable_formats():
        application.format_for(path.name)
        raise InvalidInput(f"`{path.name}` could not be opened again: end it in .llmn.")
    document = _begin(application, template, name or path.stem.replace("_", " "))
    if path.exists() and not force:
        raise InvalidInput(f"{path} exists: give another name, or --force to overwrite it.")
    with as_invalid_input():
        refuse_unwritable(path)
    application.save(document, path)
    echo(f"{path}: {len(document)} cells. Run it: llm-repl run {path}")


def _begin(application: Application, template: str, name: str) -> Notebook:
    from llm_repl_core import Notebook

    notebook = Notebook(name)
    match template:
        case "blank":
            notebook.add_code("")
        case "question":
            notebook.add_markdown(f"# {name}")
            notebook.add_code('city = "Oslo"')
            notebook.add_prompt(
                "What is worth seeing in {city}? Three places.", response_var="places"
            )
        case "table":
            notebook.add_markdown(f"# {name}")
            notebook.add_code(
                "import pandas as pd\n\ntable = pd.read_csv('table.csv')\ntable.head()"
            )
            notebook.add_prompt(
                "What is noteworthy in this table?\n\n{table.describe(include='all').to_string()}",
                response_var="findings",
            )
        case "items":
            notebook.add_markdown(f"# {name}")
            notebook.add_code(
                'messages = [\n    "The tin arrived dented.",\n    "Where is my order?",\n]'
            )
            notebook.add_prompt(
                "Sort this message of a customer: {item}",
                for_each="messages",
                schema="topic, urgent bool",
                response_var="notes",
            )
            notebook.add_code("notes")
        case _:
            return _copy(application, template, name)
    return notebook


def _copy(application: Application, template: str, name: str) -> Notebook:
    from llm_repl_core import InvalidInput, Notebook
    from llm_repl_server.cli.notebook_file import load_notebook_file

    if not Path(template).suffix and not Path(template).exists():
        raise InvalidInput(
            f"There is no template `{template}`: there are {', '.join(_TEMPLATES)}, or name a file."
        )
    source = load_notebook_file(application, Path(template))
    cells = {cell.id: cell.copy() for cell in source}
    for cell in cells.values():
        cell.clear_outputs()
        chosen = getattr(cell, "context", None)
        if isinstance(chosen, list):
            # The cells that a prompt is sent have new ids, too.
            cell.change(context=[cells[named].id if named in cells else named for named in chosen])
    return Notebook(name, cells=cells.values(), metadata=source.metadata)
