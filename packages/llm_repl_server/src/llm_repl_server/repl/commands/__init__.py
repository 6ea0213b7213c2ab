"""The commands of the terminal, by name; each group is a file of its own."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from llm_repl_server.repl.commands.base import Command, CommandContext, CommandError

__all__ = ["all_commands", "find_command", "run_command"]

_GROUPS = (
    "cells", "editing", "running", "answering", "explaining",
    "prompting", "models", "notebooks", "spending", "sharing", "helping",
)  # fmt: skip


@cache
def all_commands() -> dict[str, Command]:
    """The commands by their names, in the order of the groups."""
    found: dict[str, Command] = {}
    for group in _GROUPS:
        module = import_module(f"llm_repl_server.repl.commands.{group}")
        commands: tuple[Command, ...] = module.COMMANDS
        found.update({command.name: command for command in commands})
    return found


def find_command(name: str) -> Command:
    """The command of a name, or the only one that begins so.

    Raises:
        CommandError: There is none; the message names the nearest.
    """
    commands = all_commands()
    if name in commands:
        return commands[name]
    beginning = [command for key, command in commands.items() if name and key.startswith(name)]
    if len(beginning) == 1:
        return beginning[0]
    if beginning:
        named = ", ".join(f"/{command.name}" for command in beginning)
        raise CommandError(f"/{name[:40]} is the beginning of several commands: {named}.")
    import difflib  # only for a name that is none: the first input does not wait for it

    close = difflib.get_close_matches(name, commands, n=1)
    hint = f"did you mean /{close[0]}?" if close else "/help lists them."
    raise CommandError(f"There is no command /{name[:40]}: {hint}")


def run_command(context: CommandContext, line: str) -> None:
    """Do what a line says.

    Args:
        context: The terminal.
        line: What stands behind the ``/``.

    Raises:
        CommandError: It cannot be done as it was typed.
    """
    name, _, rest = line.strip().partition(" ")
    command = find_command("help" if name in ("", "?") else name)
    if rest.strip() and not command.arguments:
        raise CommandError(f"/{command.name} takes nothing behind its name.")
    command.run(context, rest.strip())
