"""The sums of calls, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.flowing_text import echo, fit_text
from llm_repl_server.cli.terminal_text import (
    escape_controls,
    format_price,
    one_line,
    terminal_width,
)

if TYPE_CHECKING:
    from llm_repl_server.storage.call_totals import CallTotals, GroupedTotals

__all__ = ["print_sums"]

_TITLES = {"cell": "By cell", "model": "By model", "day": "By day"}


def print_sums(totals: GroupedTotals, groups: Sequence[str], notebook: Path | None) -> None:
    """Print the sums.

    Args:
        totals: The sums.
        groups: Of ``cell``, ``model`` and ``day``, those that are printed.
        notebook: Whose cells have numbers, where it is a file.
    """
    if not totals.total.calls:
        echo("No recorded call matches.", err=True)
        return
    names = _cell_names(notebook) if "cell" in groups else {}
    rows: dict[str, list[tuple[str, CallTotals]]] = {
        "cell": [
            (
                names.get(
                    cell_id, f"a cell that is not there, {cell_id[:8]}" if names else cell_id
                ),
                sums,
            )
            for cell_id, sums in totals.by_cell
        ],
        "model": [("/".join(pair), sums) for pair, sums in totals.by_model],
        "day": list(totals.by_day),
    }
    for group in groups:
        click.secho(_TITLES[group], bold=True)
        for name, sums in rows[group]:
            _print_row(name, sums)
        click.echo("")
    click.secho("All", bold=True)
    _print_row("", totals.total)


def _cell_names(notebook: Path | None) -> dict[str, str]:
    if notebook is None or not notebook.is_file():
        return {}
    from llm_repl_core import load_notebook

    document = load_notebook(notebook)
    return {
        cell.id: f"{number} {one_line(cell.content, 30)}"
        for number, cell in enumerate(document, start=1)
    }


def _print_row(name: str, sums: CallTotals) -> None:
    facts = [format_price(sums.usd), "1 call" if sums.calls == 1 else f"{sums.calls:,} calls"]
    facts.append(f"{sums.input_tokens:,} + {sums.output_tokens:,} tokens")
    if sums.recorded:
        facts.append(f"{sums.recorded:,} from record")
    if sums.saved_usd:
        facts.append(f"{format_price(sums.saved_usd)} saved")
    if sums.failed:
        facts.append(f"{sums.failed:,} failed")
    if sums.unpriced:
        facts.append(f"{sums.unpriced:,} with no known price")
    if name:
        echo(f"  {escape_controls(name)}", hang="  ")
    click.echo(fit_text(f"      {', '.join(facts)}", terminal_width()))
