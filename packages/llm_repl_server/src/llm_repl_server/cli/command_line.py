"""A command as it was typed, for advice: what is pasted must do what was meant."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator
from typing import Any

import click
from click.core import ParameterSource

__all__ = ["rebuild_command_line"]


def rebuild_command_line(context: click.Context, *, without: Collection[str], flags: str) -> str:
    """The command line of a command, as a shell takes it.

    Args:
        context: Of the command.
        without: The names of options that are left out.
        flags: Options that are put in.
    """
    words: list[str] = []
    options: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(parameter, click.Argument):
            given = context.params[name]
            for path in given if parameter.nargs == -1 else [given]:
                word = os.fspath(path)
                words.append(f"./{word}" if word.startswith("-") else word)
        elif isinstance(parameter, click.Option) and name not in without:
            options += _typed(parameter, context.params[name])
    return f"{context.command_path} {flags} {shlex.join([*words, *options])}"


def _typed(option: click.Option, value: Any) -> Iterator[str]:
    if option.is_flag:
        yield (option.opts if value else option.secondary_opts)[-1]
        return
    for given in value if option.multiple else [value]:
        yield option.opts[0]
        yield str(given)
