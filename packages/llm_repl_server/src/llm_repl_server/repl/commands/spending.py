"""Commands about calls: which were made, and what they cost."""

from __future__ import annotations

from rich.text import Text

from llm_repl_server.cli.terminal_text import escape_controls, format_price, one_line
from llm_repl_server.repl.commands.base import Command, CommandContext, CommandError
from llm_repl_server.repl.commands.listing import list_rows
from llm_repl_server.repl.target import MadeCall

__all__ = ["COMMANDS"]

_SHOWN = 20
_COUNTED = 500


def _calls(context: CommandContext, text: str) -> None:
    if text and not (text.isdecimal() and 1 <= int(text) <= _COUNTED):
        raise CommandError(f"Say how many, from 1 to {_COUNTED}: /calls 20.")
    made = context.target.calls(int(text or _SHOWN))
    if not made:
        context.say("No model has been asked yet.")
        return
    numbers = {cell.id: number for number, cell in enumerate(context.target.cells(), 1)}
    rows = []
    for call in reversed(made):
        number = numbers.get(call.cell_id)
        how = call.state if call.source == "live" else "from record"
        about = f"{call.provider}/{call.model}" + ("" if how == "completed" else f" · {how}")
        if call.error:
            about += f": {one_line(call.error, 100)}"
        rows.append(
            (
                Text("[–]" if number is None else f"[{number}]"),
                Text(escape_controls(about)),
                Text(_tokens(call), style="dim"),
                Text(format_price(call.price_usd) if call.source == "live" else "", style="dim"),
            )
        )
    context.show(list_rows(rows, context.columns, stretch=1))


def _tokens(call: MadeCall) -> str:
    if call.output_tokens is None:
        return ""
    return f"{call.input_tokens} → {call.output_tokens}"


def _cost(context: CommandContext, _text: str) -> None:
    limit, spent_usd = context.target.spending()
    of = "" if limit is None or limit.usd is None else f" of {format_price(limit.usd)}"
    context.say(f"Spent {format_price(spent_usd)}{of}.")
    paid = [call for call in context.target.calls(_COUNTED) if call.source == "live"]
    numbers = {cell.id: number for number, cell in enumerate(context.target.cells(), 1)}

    def cell_of(call: MadeCall) -> str:
        return f"[{numbers.get(call.cell_id, '–')}]"

    def model_of(call: MadeCall) -> str:
        return f"{call.provider}/{call.model}"

    for title, name_of in (("By cell", cell_of), ("By model", model_of)):
        sums: dict[str, tuple[int, float]] = {}
        for call in paid:
            calls, usd = sums.get(name_of(call), (0, 0.0))
            sums[name_of(call)] = calls + 1, usd + (call.price_usd or 0.0)
        if len(sums) < 2:
            continue
        context.show(Text(title, style="bold"))
        for name, (calls, usd) in sorted(sums.items(), key=lambda each: -each[1][1])[:_SHOWN]:
            context.say(f"  {name} · {calls} call{'' if calls == 1 else 's'} · {format_price(usd)}")


COMMANDS = (
    Command(
        name="calls",
        arguments="[HOW MANY]",
        summary="List the latest calls to models, with tokens and price.",
        example="/calls 50",
        run=_calls,
    ),
    Command(
        name="cost",
        summary="Show what the notebook's calls have cost, by cell and by model.",
        example="/cost",
        run=_cost,
    ),
)
