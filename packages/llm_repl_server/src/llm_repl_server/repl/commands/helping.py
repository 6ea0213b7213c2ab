"""Help, with examples; and the way out."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from llm_repl_server.repl.commands.base import Argument, Command, CommandContext
from llm_repl_server.repl.commands.listing import list_rows
from llm_repl_server.repl.keys import KEYS, PREFIXES

__all__ = ["COMMANDS"]


def _help(context: CommandContext, text: str) -> None:
    from llm_repl_server.repl.commands import all_commands, find_command

    if text:
        command = find_command(text.removeprefix("/"))
        context.show(Text(command.usage, style="bold"))
        context.say(command.summary)
        if command.details:
            context.say(command.details)
        context.say(f"Example: {command.example}")
        return
    rows = {command.usage: command.summary for command in all_commands().values()}
    for title, lines in (("A line is", PREFIXES), ("Commands", rows), ("Keys", KEYS)):
        context.show(Text(title, style="bold"))
        parts = [(Text(f"  {name}"), Text(meaning)) for name, meaning in lines.items()]
        context.show(list_rows(parts, context.columns, wraps=True))


def _names(_context: CommandContext, _typed: str) -> Iterable[Argument]:
    from llm_repl_server.repl.commands import all_commands

    return [(command.name, command.summary) for command in all_commands().values()]


def _quit(_context: CommandContext, _text: str) -> None:
    raise EOFError


COMMANDS = (
    Command(
        name="help",
        arguments="[COMMAND]",
        summary="Show the commands and keys, or one command with an example.",
        example="/help run",
        run=_help,
        complete=_names,
    ),
    Command(name="quit", summary="Leave, as Ctrl-D does.", example="/quit", run=_quit),
)
