"""``llm-repl``: the group of commands, each imported when it is used."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, TextIO

import click

from llm_repl_server import __version__
from llm_repl_server.cli.errors import exit_on_error, exit_with_code
from llm_repl_server.cli.help_text import FittedHelpFormatter
from llm_repl_server.cli.standard_streams import prepare_streams
from llm_repl_server.cli.terminal_text import colour_choice

__all__ = ["cli", "main"]

_COMMANDS = {
    "ask": "Ask one question, and print the answer.",
    "calls": "Show the calls to models, and what they cost.",
    "completion": "Print what lets a shell complete names.",
    "convert": "Write a notebook in another format.",
    "diff": "Show what differs between two notebooks.",
    "edit": "Edit a notebook as text.",
    "graph": "Draw which cells of a notebook depend on which.",
    "keys": "Store the keys of providers.",
    "list": "List the notebooks of a folder.",
    "merge": "Merge two changed versions of a notebook, also for git.",
    "models": "List the models, and what they cost.",
    "new": "Write a new notebook.",
    "plan": "Show what a run would do and cost.",
    "plugins": "List the plugins, and failures among them.",
    "preview": "Show what prompts would send.",
    "providers": "List the providers, try them, and give servers names.",
    "repl": "Work line by line in the terminal; also without a command.",
    "run": "Run a notebook without a server.",
    "serve": "Serve notebooks over HTTP and Socket.IO.",
    "show": "Show a notebook in the terminal.",
    "settings": "List the settings, and set them.",
}
"""The built-in commands and their short help; each is `command` of the module of its name."""
_MODULES = {"repl": "llm_repl_server.repl.command"}
"""Where a command is that is no module of this package."""


class _LazyGroup(click.Group):
    """Imports a command when it is used, and asks the plugins when it is none of the built-ins."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted({*_COMMANDS, *_plugin_commands()})

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name in _COMMANDS:
            module = import_module(_MODULES.get(cmd_name, f"llm_repl_server.cli.{cmd_name}"))
            command: click.Command = module.command
            return command
        return _plugin_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            # click suggests from what is imported, which is nothing.
            known = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(args[0], possibilities=known, ctx=ctx) from error

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        rows = dict(_COMMANDS)
        for name, command in _plugin_commands().items():
            rows.setdefault(name, command.get_short_help_str())
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows.items()))

    def invoke(self, ctx: click.Context) -> Any:
        with exit_with_code():
            return super().invoke(ctx)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        # `--help` and `--version` print here.
        with exit_with_code():
            return super().make_context(*args, **kwargs)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with exit_with_code():
            prepare_streams()
            with exit_on_error():
                return super().main(*args, **kwargs)


_CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "color": colour_choice(),
}


click.Context.formatter_class = FittedHelpFormatter  # of all commands, those of plugins, too


@click.group(cls=_LazyGroup, context_settings=_CONTEXT, invoke_without_command=True)
@click.version_option(__version__, prog_name="llm-repl")
@click.pass_context
def cli(context: click.Context) -> None:
    """Notebooks in which prompts are first-class cells.

    Without a command, in a terminal or with lines on the standard input: `llm-repl repl`.
    """
    if context.invoked_subcommand is not None:
        return
    if not _has_lines(sys.stdin) and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.exceptions.NoArgsIsHelpError(context)
    command = cli.get_command(context, "repl")
    assert command is not None
    context.invoke(command)


def _has_lines(stream: TextIO) -> bool:
    """Whether somebody has given lines to read: in a pipe, a socket or a file that is not empty."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # it is none of the system's
        return False
    if stat.S_ISREG(found.st_mode):
        return found.st_size > 0
    return stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and exit.

    Args:
        arguments: What is typed behind ``llm-repl``; the process's own arguments where None.
    """
    cli.main(args=None if arguments is None else list(arguments), prog_name="llm-repl")


def _plugin_commands() -> dict[str, click.Command]:
    from llm_repl_core.plugins.manager import PluginManager

    manager = PluginManager()
    manager.load_entry_points()
    return manager.collect(
        "llm_repl_commands", lambda command: str(command.name), reserved=_COMMANDS
    )


if __name__ == "__main__":
    main()
