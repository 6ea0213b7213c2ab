"""How the terminal begins, whatever the command line says."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from llm_repl_server.repl.opening import LocalOpener, ReplChoices

if TYPE_CHECKING:
    from llm_repl_server.repl.opening import Opener

__all__ = ["start_repl", "start_with_nothing_typed"]


def start_repl(opener: Opener, *, plain: bool, opens_first: bool) -> None:
    """Talk with somebody at a terminal; without one, run the lines of the standard input, and exit.

    Args:
        opener: Opens notebooks.
        plain: For screen readers: nothing is drawn that goes away again.
        opens_first: Whether the notebook is opened before the first input, as somebody has named it.

    Raises:
        LLMReplError: The notebook cannot be used.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from llm_repl_server.repl.script import run_script

        sys.exit(run_script(opener))
    from llm_repl_server.repl.loop import Repl

    Repl(opener, plain=plain).talk(opens_first=opens_first)


def start_with_nothing_typed() -> None:
    """Do what ``llm-repl repl`` does, without the command line, which takes a tenth of the start."""
    with ExitStack() as on_exit:
        start_repl(LocalOpener(ReplChoices(), on_exit), plain=False, opens_first=False)
