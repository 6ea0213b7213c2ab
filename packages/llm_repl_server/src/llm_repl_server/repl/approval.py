"""Asking in place whether a model's tool may be called."""

from __future__ import annotations

import sys
from contextlib import suppress

from llm_repl_core import NotFound, ToolApprovalNeeded
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.terminal_text import escape_controls
from llm_repl_server.repl.keyboard import Keyboard
from llm_repl_server.repl.target import ReplTarget

__all__ = ["settle_in_place"]

_SHOWN_CHARACTERS = 4_000


def settle_in_place(
    target: ReplTarget, event: ToolApprovalNeeded, title: str, keyboard: Keyboard
) -> None:
    """Ask whether a tool may be called, and pass the answer on; without a terminal it may not.

    Args:
        target: Whose run waits.
        event: What is asked.
        title: The cell in a line.
        keyboard: Has the answer.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed in place of an answer.
    """
    call = escape_controls(f"{event.name}({event.arguments})")
    if len(call) > _SHOWN_CHARACTERS:
        left = len(call) - _SHOWN_CHARACTERS
        call = f"{call[:_SHOWN_CHARACTERS]}… and {left:,} more characters"
    echo(f"{title}\n  asks to call {call}")
    answer = "n"
    if sys.stdin.isatty():
        echo("  Allow it? [y]es, [a]lways in this run, [N]o ", nl=False)
        answer = keyboard.answer().lower()
    else:
        echo("  Refused: there is no terminal to ask at.")
    with suppress(NotFound):  # the cell has ended meanwhile
        target.approve(
            event.call_id,
            approved=answer in ("y", "yes", "a", "always"),
            whole_run=answer in ("a", "always"),
        )
