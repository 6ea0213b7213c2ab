"""The hooks that a plugin may implement. The built-ins come in by the same ones.

A plugin is a module or an object with functions of these names, each marked with
``llm_repl_core.hookimpl``; a distribution announces it in the entry-point group ``llm_repl``.
A function may leave out arguments that it does not use.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from llm_repl_core.plugins.markers import hookspec

if TYPE_CHECKING:
    import click

    from llm_repl_core.execution.cell_type import CellType
    from llm_repl_core.formats.base import Format
    from llm_repl_core.kernels.base import Kernel
    from llm_repl_core.plugins.contexts import (
        CallContext,
        CallResult,
        CellContext,
        CellResult,
        RunContext,
        RunResult,
    )
    from llm_repl_core.providers.base import Provider, Request

__all__ = [
    "llm_repl_after_call",
    "llm_repl_after_cell",
    "llm_repl_after_run",
    "llm_repl_around_call",
    "llm_repl_around_cell",
    "llm_repl_around_run",
    "llm_repl_before_call",
    "llm_repl_before_cell",
    "llm_repl_before_run",
    "llm_repl_cell_types",
    "llm_repl_commands",
    "llm_repl_formats",
    "llm_repl_kernels",
    "llm_repl_providers",
]

# What there is: each is called once, when the application is made. ---------------------------


@hookspec
def llm_repl_providers() -> Iterable[type[Provider]]:
    """The classes of the providers that the plugin brings.

    Called once an application, before the first provider is asked for. A name that is taken
    already is reported with the plugin's name, and the first stays.
    """
    raise NotImplementedError


@hookspec
def llm_repl_kernels() -> Iterable[type[Kernel]]:
    """The classes of the kernels that the plugin brings. Called once an application."""
    raise NotImplementedError


@hookspec
def llm_repl_cell_types() -> Iterable[CellType]:
    """The types of cells that the plugin brings: a class of data and how it is run.

    Called once an application.
    """
    raise NotImplementedError


@hookspec
def llm_repl_formats() -> Iterable[type[Format]]:
    """The classes of the file formats that the plugin brings. Called once an application."""
    raise NotImplementedError


@hookspec
def llm_repl_commands() -> Iterable[click.Command]:
    """The commands that the plugin adds to ``llm-repl``.

    Called only when a command is looked up that is not built in, or when all are listed.
    """
    raise NotImplementedError


# What happens: called in the engine's thread, so they must not block. ------------------------
#
# ``before`` may refuse by raising an `LLMReplError`, whose sentence the user sees. Any other
# exception of a hook is reported with the plugin's name; from ``before`` and ``around`` it fails
# the cell, from ``after`` it is only logged.


@hookspec
def llm_repl_before_run(context: RunContext) -> None:
    """A run is about to start its first cell."""


@hookspec
def llm_repl_around_run(context: RunContext) -> AbstractAsyncContextManager[object]:
    """A context manager that is entered before a run's first cell and left after its last."""
    raise NotImplementedError


@hookspec
def llm_repl_after_run(context: RunContext, result: RunResult) -> None:
    """A run has ended, well or not."""


@hookspec
def llm_repl_before_cell(context: CellContext) -> None:
    """A cell is about to run."""


@hookspec
def llm_repl_around_cell(context: CellContext) -> AbstractAsyncContextManager[object]:
    """A context manager that is entered before a cell runs and left when it has ended."""
    raise NotImplementedError


@hookspec
def llm_repl_after_cell(context: CellContext, result: CellResult) -> None:
    """A cell has ended, well or not."""


@hookspec
def llm_repl_before_call(context: CallContext) -> Request | None:
    """A request is about to be sent to a model.

    Returns:
        The request to send in its place, or None to leave it as it is. Plugins are asked in the
        order of registration, each with what the one before it made of the request.
    """


@hookspec
def llm_repl_around_call(context: CallContext) -> AbstractAsyncContextManager[object]:
    """A context manager that is entered before a request is sent and left when it has ended."""
    raise NotImplementedError


@hookspec
def llm_repl_after_call(context: CallContext, result: CallResult) -> None:
    """A call to a model has ended, well or not."""
