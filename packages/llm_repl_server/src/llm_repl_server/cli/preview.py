"""``llm-repl preview``: what a prompt would send."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.completing import complete_cells, complete_notebooks
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.notebook_options import (
    ParametersCommand,
    give_parameters,
    notebook_options,
)

if TYPE_CHECKING:
    from llm_repl_core import Notebook, Preview, Session
    from llm_repl_core.engine.prompts.shared_prefix import SharedPrefix
    from llm_repl_core.model.json_value import JSONValue

__all__ = ["command"]

_SHOWN_ABOVE = frozenset({"contents", "input", "instructions", "messages", "model", "system"})
"""Fields of bodies that hold the turns, or the model's name."""
_LINE = 60
_ADVICE = "With --run-above, the cells above are run first."


@click.command("preview", cls=ParametersCommand)
@click.argument("notebook", type=click.Path(path_type=Path), shell_complete=complete_notebooks)
@click.argument("cell", required=False, shell_complete=complete_cells)
@notebook_options
@click.option(
    "--run-above",
    is_flag=True,
    help="Run the cells above first, in the mode reuse: prompts among them are sent if they have "
    "no recorded answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the exact request body.")
def command(
    notebook: Path,
    cell: str | None,
    parameters: tuple[tuple[str, str], ...],
    raw_parameters: tuple[tuple[str, str], ...],
    parameters_file: Path | None,
    kernel: str | None,
    provider: str | None,
    model: str | None,
    base_url: str | None,
    *,
    run_above: bool,
    as_json: bool,
) -> None:
    """Show what the prompt CELL of NOTEBOOK, or each of its prompts, would send, its tokens and its price.

    This includes the messages and the cells they come from, attachments, tools, the answer's
    schema and parameters. Nothing is sent.

    CELL is the prompt's id, or its number from 1 as `llm-repl run` shows it. Without it, the exit code is 1
    if one of the prompts cannot be filled in.
    """
    from llm_repl_core import Session
    from llm_repl_server.cli.notebook_file import load_notebook_file
    from llm_repl_server.cli.provider_choice import application_for, check_providers
    from llm_repl_server.cli.run_ledgers import RunLedgers

    application, provider, model = application_for(
        provider=provider, model=model, base_url=base_url
    )
    document = load_notebook_file(application, notebook)
    # By its number in the file, before a cell is put in.
    cell_id = None if cell is None else _find(document, cell)
    given = give_parameters(document, parameters, raw_parameters, parameters_file)
    # Nothing is opened or written before there is a call, which only a cell above can make.
    ledgers = RunLedgers(notebook, document, mode="reuse", keep=False, opens_log_early=False)
    if run_above:
        ledgers.choose_provider(application, provider=provider, model=model, base_url=base_url)
        check_providers(application, document, ledgers.mode)
    try:
        with (
            ledgers,
            Session(
                document, application=application, kernel=kernel, ledger=ledgers.ledger
            ) as session,
        ):
            if given is not None and not (given.injected and run_above):
                session.assign(given.values)
            previews = _previews(session, document, cell_id, run_above=run_above)
    except KeyboardInterrupt:
        sys.exit(130)
    if as_json:
        plain = [_plain(prompt, shown, is_one_of=cell_id is None) for prompt, shown in previews]
        # Half surrogate pairs, which a file may hold, can be written as escapes only.
        click.echo(json.dumps(plain if cell_id is None else plain[0], indent=2))
    else:
        _print_all(previews, document, has_heads=cell_id is None)
    fails = any(isinstance(shown, str) for _, shown in previews)
    if fails and not run_above:
        echo(_ADVICE, err=True)
    sys.exit(int(fails))


def _previews(
    session: Session, notebook: Notebook, cell_id: str | None, *, run_above: bool
) -> list[tuple[str, Preview | str]]:
    """By their ids, the preview of one prompt, or those of all; of these, else why there is none."""
    from llm_repl_core import InvalidTemplate, LLMReplError, PromptCell

    every = [cell.id for cell in notebook if isinstance(cell, PromptCell)]
    prompts = [cell_id] if cell_id else every
    previews: list[tuple[str, Preview | str]] = []
    has_run: set[str] = set()
    for prompt in prompts:
        if run_above:
            _run_above(session, notebook, prompt, has_run)
        try:
            previews.append((prompt, session.preview(prompt)))
        except LLMReplError as error:
            if cell_id is None:
                previews.append((prompt, str(error)))
            elif isinstance(error, InvalidTemplate) and not run_above:
                raise InvalidTemplate(f"{error} {_ADVICE}") from None
            else:
                raise
    return previews


def _plain(cell_id: str, shown: Preview | str, *, is_one_of: bool) -> dict[str, JSONValue]:
    import msgspec

    named: dict[str, JSONValue] = {"cell_id": cell_id} if is_one_of else {}
    return named | ({"error": shown} if isinstance(shown, str) else msgspec.to_builtins(shown))


def _print_all(
    previews: list[tuple[str, Preview | str]], notebook: Notebook, *, has_heads: bool
) -> None:
    from llm_repl_server.cli.terminal_text import escape_controls

    if not previews:
        echo("There are no prompts.", err=True)
    for place, (cell_id, shown) in enumerate(previews):
        if has_heads:
            gap = "\n" if place else ""
            click.secho(f"{gap}=== cell {notebook.index(cell_id) + 1}", bold=True)
        if isinstance(shown, str):
            echo(escape_controls(shown), fg="yellow")
        else:
            _print(shown, notebook)


def _find(notebook: Notebook, named: str) -> str:
    from llm_repl_core import CellNotFound

    if named in notebook:
        return named
    if named.isascii() and named.isdecimal() and 1 <= int(named[:9]) <= len(notebook):
        return notebook.cells[int(named[:9]) - 1].id
    raise CellNotFound(
        f"The notebook has no cell `{named}`: name an id, or a number from 1 to {len(notebook)}."
    )


def _run_above(session: Session, notebook: Notebook, cell_id: str, has_run: set[str]) -> None:
    from llm_repl_core import CellExecutionError

    above = [cell.id for cell in notebook.cells[: notebook.index(cell_id)]]
    # Of several prompts, each needs only what stands between it and the one before.
    above = [needed for needed in above if needed not in has_run]
    has_run.update(above)
    try:
        session.run(above, mode="reuse")
    except CellExecutionError as failure:
        number = notebook.index(failure.cell_id) + 1 if failure.cell_id else 0
        which = f"Cell {number}" if number else "A cell above"
        raise CellExecutionError(f"{which} failed: {failure}", cell_id=failure.cell_id) from None


def _shared(prefix: SharedPrefix, notebook: Notebook) -> str:
    from llm_repl_server.cli.terminal_text import format_price

    number = notebook.index(prefix.cell_id) + 1 if prefix.cell_id in notebook else None
    whose = "a cell that is gone" if number is None else f"cell {number}"
    saved = ""
    if prefix.saving_usd:
        saved = f"; the provider's cache would save {format_price(prefix.saving_usd)}"
    return (
        f"the first {prefix.tokens:,} tokens or so are those of an earlier call of {whose}{saved}"
    )


def _print(preview: Preview, notebook: Notebook) -> None:
    from llm_repl_server.cli.terminal_text import escape_controls, format_price

    about = "" if preview.tokens_are_exact else "about "
    calls = (
        "1 call" if preview.calls == 1 else f"{preview.calls:,} calls, of which this is the first"
    )
    cost = (
        f"at most {format_price(preview.price_usd)}"
        if preview.price_usd is not None
        else "price unknown"
    )
    echo(escape_controls(f"{preview.provider}/{preview.model}: {calls}"))
    echo(
        f"{about}{preview.input_tokens:,} tokens in, at most {preview.output_tokens_limit:,} "
        f"out per answer; {cost}"
    )
    if preview.shared_prefix is not None:
        echo(_shared(preview.shared_prefix, notebook))
    for notice in preview.notices:
        echo(escape_controls(f"Notice: {notice}"), fg="yellow")
    for message in preview.messages:
        source = "the notebook"
        if message.cell_id is not None:
            source = f"cell {notebook.index(message.cell_id) + 1}"
        echo(escape_controls(f"\n--- {message.role} ({source})"), bold=True)
        echo(escape_controls(message.content))
        for name in message.attachments:
            echo(escape_controls(f"[attached: {name}]"))
    sent = {name: value for name, value in preview.body.items() if name not in _SHOWN_ABOVE}
    if sent:
        click.secho("\n--- also sent", bold=True)
    for name, value in sent.items():
        echo(escape_controls(f"{name}: {_as_json(value)}"))


def _as_json(value: JSONValue) -> str:
    """JSON on one line where that fits, else on several."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= _LINE else json.dumps(value, ensure_ascii=False, indent=2)
