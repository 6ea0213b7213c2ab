"""Errors as a person at a terminal reads them: one sentence, and the error's exit code."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.standard_streams import PIPE_CLOSED_EXIT_CODE, discard_output

if TYPE_CHECKING:
    import click

__all__ = ["as_invalid_input", "exit_on_error", "exit_with_code"]

_UNWRITABLE = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})
"""What the system says where standard output leads to a file that takes no more."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn an error of the tree into a line on standard error and an exit code."""
    try:
        yield
    except Exception as error:
        # The tree is imported when there is an error: `--version` has no need of it.
        from llm_repl_core.errors import LLMReplError

        if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None:
            # Of a file of ours, it would be an error of the tree: this is what was to be printed.
            echo(f"Error: The output cannot be written: {error.strerror}.", err=True)
            sys.exit(1)
        if not isinstance(error, LLMReplError):
            raise
        echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


@contextmanager
def exit_with_code() -> Iterator[None]:
    """Exit as programs do that a signal ends, where click would exit with 1; say what is ill typed."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        discard_output()
        sys.exit(PIPE_CLOSED_EXIT_CODE)
    except Exception as error:
        click = sys.modules.get("click")  # what is not imported has raised nothing
        if click is None or not isinstance(error, click.ClickException):
            raise
        _show_click_error(error)
        sys.exit(error.exit_code)


def _show_click_error(error: click.ClickException) -> None:
    """Print what click says of a command line that is wrong, in lines that fit a terminal."""
    said = io.StringIO()
    error.show(file=said)
    echo(said.getvalue(), err=True, nl=False)


@contextmanager
def as_invalid_input() -> Iterator[None]:
    """Around what is found out before the work: what cannot be used was ill chosen.

    Raises:
        InvalidInput: In place of a `KernelUnsupported` or a `StorageError`, whose exit code is that of work that failed.
    """
    from llm_repl_core.errors import InvalidInput, KernelUnsupported, StorageError

    try:
        yield
    except (KernelUnsupported, StorageError) as error:
        raise InvalidInput(str(error)) from None
