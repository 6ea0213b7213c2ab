"""The options of all commands that run cells of a notebook's file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

__all__ = ["notebook_options", "parse_parameters"]

F = TypeVar("F", bound=Callable[..., Any])


def notebook_options(command: F) -> F:
    """Add ``-p``, ``--kernel``, ``--provider`` and ``--model``."""
    options = [
        click.option(
            "parameters",
            "-p",
            "--param",
            multiple=True,
            metavar="NAME=VALUE",
            help="Set a variable before the first cell; a VALUE that is JSON is taken as such.",
        ),
        click.option(
            "--kernel",
            help="Where code runs; by default what the notebook says, else the settings.",
        ),
        click.option("--provider", help="Who answers prompts where the notebook does not say it."),
        click.option("--model", help="The model of that provider."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def parse_parameters(texts: Iterable[str]) -> dict[str, Any]:
    """The variables of ``-p NAME=VALUE``.

    Raises:
        click.BadParameter: One is not of that form.
    """
    return dict(_parameter(text) for text in texts)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise click.BadParameter(f"{text!r} must be NAME=VALUE, with a Python name.")
    try:
        return name, json.loads(value, parse_constant=_not_json)
    except ValueError:
        return name, value


def _not_json(word: str) -> Any:
    raise ValueError(word)
