"""Help, with examples; and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.text import Text

from llm_repl_server.repl.commands.base import Argument, Command, CommandContext
from llm_repl_server.repl.commands.listing import ROOM_FOR_TABLE, list_rows
from llm_repl_server.repl.keys import KEYS, PREFIXES

__all__ = ["COMMANDS"]

_USAGE_COLUMNS = 36


def _help(context: CommandContext, text: str) -> None:
    from llm_repl_server.repl.commands import all_commands, find_command

    if text:
        command = find_command(text.removeprefix("/"))
        context.show(Text(_broken(command.usage, context.columns), style="bold"))
        context.say(command.summary)
        if command.details:
            context.say(command.details)
        context.say(f"Example: {command.example}")
        return
    room = _USAGE_COLUMNS if context.columns >= ROOM_FOR_TABLE else context.columns - 2
    rows = {_broken(command.usage, room): command.summary for command in all_commands().values()}
    for title, lines in (("A line is", PREFIXES), ("Commands", rows), ("Keys", KEYS)):
        context.show(Text(title, style="bold"))
        parts = [(Text(f"  {name}"), Text(meaning)) for name, meaning in lines.items()]
        context.show(list_rows(parts, context.columns, wraps=True))


def _broken(usage: str, columns: int) -> str:
    """What a command takes, in lines that end between two of its words, where it is long."""
    lines = [""]
    for part in re.split(r"(?<=\|)", usage):
        if len(lines[-1]) + len(part) > columns and lines[-1]:
            lines.append("    ")
        lines[-1] += part
    return "\n".join(lines)


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
