"""Commands that say why: why a cell is stale, what it needs, what depends on what."""

from __future__ import annotations

from llm_repl_core import PromptCell
from llm_repl_server.cli.stale_text import stale_sentence
from llm_repl_server.cli.terminal_text import format_price
from llm_repl_server.repl.commands.base import (
    Command,
    CommandContext,
    cell_arguments,
    find_cells,
)
from llm_repl_server.repl.target import RunChoice

__all__ = ["COMMANDS"]

_PLANNED = {
    "asked": "would be asked",
    "on_record": "has its answers on record",
    "missing": "has no answer on record, and nobody may be asked",
    "restored": "has its answer",
    "stops": "would fail as it is now",
    "runs": "would run",
}


def _why(context: CommandContext, text: str) -> None:
    cells = context.target.cells()
    numbers = {cell.id: number for number, cell in enumerate(cells, 1)}
    chosen = find_cells(context, text) if text else [cell for cell in cells if cell.stale]
    if not chosen:
        context.say("No cell is stale.")
    for cell in chosen:
        number = numbers[cell.id]
        if cell.stale:
            reasons = [stale_sentence(reason, numbers) for reason in cell.staleness.reasons]
            why = "; ".join(reasons) or "what it depends on has changed"
            context.say(f"Cell {number} is stale: {why}.")
        else:
            context.say(f"Cell {number} is not stale.")
        needs: dict[int, list[str]] = {}
        for source, variable in context.target.needs(cell.id):
            if source in numbers:
                needs.setdefault(numbers[source], []).extend([f"`{variable}`"] if variable else [])
        if needs:
            named = [
                f"cell {number}" + (f" for {' and '.join(dict.fromkeys(names))}" if names else "")
                for number, names in needs.items()
            ]
            context.say(f"  It waits for {', '.join(named)}.")
        if isinstance(cell, PromptCell):
            (forecast,) = context.target.plan(RunChoice(cell_ids=(cell.id,))).cells
            planned = _PLANNED[forecast.state]
            if forecast.state == "asked":
                planned += f", for at most {format_price(forecast.price_usd)}"
            reason = f": {forecast.reason}" if forecast.reason else ""
            context.say(f"  In a run it {planned}{reason}.".replace("..", "."))


def _graph(context: CommandContext, _text: str) -> None:
    if not context.target.cells():
        context.say("There are no cells yet.")
        return
    context.say(context.target.draw_graph().rstrip("\n"), hang="    ")


COMMANDS = (
    Command(
        name="why",
        arguments="[N]",
        summary="Say why a cell is stale, what it waits for and what a run would do with it.",
        example="/why 3",
        run=_why,
        complete=cell_arguments,
        details="Without a number: of all that are stale.",
    ),
    Command(
        name="graph",
        summary="Draw which cells depend on which, and by which variables.",
        example="/graph",
        run=_graph,
    ),
)
