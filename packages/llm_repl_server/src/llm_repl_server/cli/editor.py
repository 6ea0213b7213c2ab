"""What to say where somebody's editor could not be used."""

from __future__ import annotations

import shlex
import shutil

import click

__all__ = ["EditorProblem"]

_BEHIND_NAME = ": Editing failed"


class EditorProblem:
    """Why an editor could not be used.

    Args:
        error: What `click.edit` has raised.

    Attributes:
        is_missing: Whether there is no such program, so that nothing was edited.
        sentence: What is wrong, and what to do.
    """

    def __init__(self, error: click.ClickException) -> None:
        editor, _, reason = error.message.partition(_BEHIND_NAME)
        self.is_missing = not _is_there(editor)
        if self.is_missing:
            self.sentence = f"There is no editor `{editor}`: name another in $VISUAL or $EDITOR."
        else:
            self.sentence = f"The editor `{editor}` failed{reason}."


def _is_there(editor: str) -> bool:
    try:
        words = shlex.split(editor)
    except ValueError:  # a quote that does not end
        return False
    return bool(words) and shutil.which(words[0]) is not None
