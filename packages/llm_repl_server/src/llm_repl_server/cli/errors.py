"""Errors as a person at a terminal reads them: one sentence, and the error's exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

__all__ = ["exit_with_sentence"]


@contextmanager
def exit_with_sentence() -> Iterator[None]:
    """Turn an error of the tree into a line on standard error and an exit code."""
    try:
        yield
    except Exception as error:
        # The tree is imported when there is an error: `--version` has no need of it.
        from llm_repl_core.errors import LLMReplError

        if not isinstance(error, LLMReplError):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
