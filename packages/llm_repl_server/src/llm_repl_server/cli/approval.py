"""Asking at the terminal whether a tool may be called."""

from __future__ import annotations

import sys
from contextlib import suppress

from llm_repl_core import NotFound, Session, ToolApprovalNeeded
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.terminal_text import escape_controls

__all__ = ["settle_approval"]

_SHOWN_CHARACTERS = 4_000


def settle_approval(session: Session, event: ToolApprovalNeeded, title: str) -> None:
    """Ask whether a tool may be called, and pass the answer on; without a terminal it may not.

    Args:
        session: Whose run waits.
        event: What is asked.
        title: The cell in one line.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed in place of an answer.
    """
    call = escape_controls(f"{event.name}({event.arguments})")
    if len(call) > _SHOWN_CHARACTERS:
        left = len(call) - _SHOWN_CHARACTERS
        call = f"{call[:_SHOWN_CHARACTERS]}… and {left:,} more characters"
    echo(f"{title}\n  asks to call {call}", err=True)
    if sys.stdin.isatty() and sys.stderr.isatty():
        echo("  Allow it? [y/N] ", nl=False, err=True)
        approved = sys.stdin.readline().strip().lower() in ("y", "yes")
    else:
        echo("  Refused: there is no terminal to ask at.", err=True)
        approved = False
    with suppress(NotFound):  # the cell has ended meanwhile
        session.approve(event.call_id, approved=approved)
