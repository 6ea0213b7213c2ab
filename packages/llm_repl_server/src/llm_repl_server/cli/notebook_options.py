"""The options of all commands that run cells of a notebook's file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from llm_repl_server.cli.completing import complete_models, complete_providers
from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core import Notebook
    from llm_repl_core.parameters.injected import AppliedParameters

__all__ = ["ParametersCommand", "give_parameters", "notebook_options"]

F = TypeVar("F", bound=Callable[..., Any])

_PAIR_OPTIONS = frozenset({"-r", "--raw-param"})

_NUMBER = re.compile(r"-\.?\d")

_LIMIT_BYTES = 10_000_000
"""Of a file of parameters."""


class _Assigned(NamedTuple):
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}={self.text}"


class _Assignment(click.ParamType[_Assigned]):
    """``NAME=VALUE``, as a pair."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> _Assigned:
        name, equals, text = value.partition("=")
        if not equals or not name.isidentifier():
            self.fail(f"{value!r} must be NAME=VALUE, with a Python name.", param, ctx)
        return _Assigned(name, text)


class ParametersCommand(click.Command):
    """A command whose raw parameters may also be given as papermill's are: ``-r name text``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join a name and what follows it, then as ever."""
        return super().parse_args(ctx, _join_pairs(args))


def _join_pairs(words: list[str]) -> list[str]:
    """Write ``-r name text`` as ``-r name=text``.

    >>> _join_pairs(["n.llmn", "-r", "n", "3", "-r", "m=4", "-r", "last"])
    ['n.llmn', '-r', 'n=3', '-r', 'm=4', '-r', 'last']
    """
    joined: list[str] = []
    rest = iter(words)
    for word in rest:
        joined.append(word)
        if word == "--":
            break
        if word in _PAIR_OPTIONS and (name := next(rest, None)) is not None:
            joined.append(name)
            if name.isidentifier() and (text := next(rest, None)) is not None:
                if text.startswith("-") and not _NUMBER.match(text):
                    joined.append(text)  # the next option: of this one, the value is missing
                else:
                    joined[-1] = f"{name}={text}"
    return [*joined, *rest]


def notebook_options(command: F) -> F:
    """Add ``-p``, ``-r``, ``-f``, ``--kernel``, ``--provider``, ``--model`` and ``--base-url``."""
    options = [
        click.option(
            "parameters",
            "-p",
            "--param",
            multiple=True,
            type=_Assignment(),
            metavar="NAME=VALUE",
            help="Override a parameter's default in the cell tagged `parameters`, keeping its "
            "type; without such a cell, set a variable before the first cell.",
        ),
        click.option(
            "raw_parameters",
            "-r",
            "--raw-param",
            multiple=True,
            type=_Assignment(),
            metavar="NAME=TEXT",
            help="The same, always as a string.",
        ),
        click.option(
            "parameters_file",
            "-f",
            "--params-file",
            type=click.Path(path_type=Path),
            help="Read parameters from a YAML or JSON file; -p and -r take precedence.",
        ),
        click.option(
            "--kernel",
            help="The kernel for the code.  [default: the notebook's, or the settings']",
        ),
        click.option(
            "--provider",
            help="The provider, where the notebook does not name one.",
            shell_complete=complete_providers,
        ),
        click.option(
            "--model",
            help="That provider's model; `openai/gpt-5.4-mini` names both.",
            shell_complete=complete_models,
        ),
        click.option("--base-url", metavar="URL", help="That provider's address."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def give_parameters(
    notebook: Notebook,
    texts: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    file: Path | None,
) -> AppliedParameters | None:
    """Put the parameters into a notebook, and warn of those that have no effect.

    Args:
        notebook: The notebook, which gets a cell with them where it has one for the defaults.
        texts: Of ``-p``.
        raw: Of ``-r``.
        file: Of ``-f``.

    Returns:
        What became of them; None where there are none.

    Raises:
        InvalidInput: The notebook does not take them.
    """
    if not texts and not raw and file is None:
        return None
    from llm_repl_core.parameters.injected import GivenParameters, apply_parameters

    given = GivenParameters(
        values={} if file is None else _read(file), texts=dict(texts), raw=dict(raw)
    )
    applied = apply_parameters(notebook, given)
    for warning in applied.warnings:
        echo(f"Warning: {warning}", fg="yellow", err=True)
    return applied


def _read(file: Path) -> dict[str, Any]:
    from llm_repl_core import InvalidInput
    from llm_repl_core.config_text import read_yaml
    from llm_repl_core.files import read_given

    with as_invalid_input():
        data = read_given(file, _LIMIT_BYTES)
    try:
        found = read_yaml(data)
    except ValueError as error:
        raise InvalidInput(f"{file} cannot be used: it {error}.") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise InvalidInput(f"{file} must hold parameters as `name: value` lines.")
    return found
