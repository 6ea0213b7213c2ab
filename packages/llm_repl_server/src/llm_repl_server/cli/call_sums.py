"""The sums of calls, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.flowing_text import echo, fit_text
from llm_repl_server.cli.terminal_text import (
    escape_controls,
    format_price,
    terminal_width,
)

if TYPE_CHECKING:
    from llm_repl_server.storage.call_totals import CallTotals, GroupedTotals

__all__ = ["print_sums"]

_TITLES = {"cell": "By cell", "model": "By model", "day": "By day"}


def print_sums(totals: GroupedTotals, groups: Sequence[str], titles: Mapping[str, str]) -> None:
    """Print the sums.

    Args:
        totals: The sums.
        groups: Of ``cell``, ``model`` and ``day``, those that are printed.
        titles: What cells are called, by their ids.
    """
    if not totals.total.calls:
        echo("No recorded call matches.", err=True)
        return
    rows: dict[str, list[tuple[str, CallTotals]]] = {
        "cell": [(titles.get(cell_id, ""), sums) for cell_id, sums in totals.by_cell],
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
