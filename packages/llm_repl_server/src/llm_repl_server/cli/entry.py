"""Where the process of the command begins: Ctrl-C is heeded before anything else is imported."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

__all__ = ["COMPLETION_VARIABLE", "main"]

COMPLETION_VARIABLE = "_LLM_REPL_COMPLETE"
"""In which a shell asks what may follow, as click has it: it is made of the program's name."""

_COLLECT_AFTER = 200_000
"""How many objects, that can hold others, come to be before those that nobody has are looked for.

More than a command imports: the terminal has 50,000 at its prompt, and 90,000 with a notebook open.
"""


def main() -> None:
    """Run the command line of this process, and exit."""
    # By Python's own measure a command that imports and runs for a second looks through all that it
    # has imported again and again, a tenth of its time, and finds nothing.
    gc.set_threshold(_COLLECT_AFTER)
    try:
        if _is_terminal_alone():
            _start_repl()
            return
        from llm_repl_server.cli.main import main as run_command_line
    except KeyboardInterrupt:
        sys.exit(130)
    run_command_line()


def _is_terminal_alone() -> bool:
    """Whether nothing is typed behind the name, in a terminal, by somebody and no shell's completion."""
    streams = (sys.stdin, sys.stdout)
    is_alone = len(sys.argv) == 1 and COMPLETION_VARIABLE not in os.environ
    return is_alone and all(stream is not None and stream.isatty() for stream in streams)


def _start_repl() -> None:
    """Start the terminal as the command line would, whose own import takes a tenth of the start."""
    from llm_repl_server.cli.errors import exit_on_error, exit_with_code
    from llm_repl_server.cli.standard_streams import prepare_streams

    with exit_with_code():
        prepare_streams()
        with exit_on_error():
            # By its name, as every command: the terminal stands above this package.
            import_module("llm_repl_server.repl.starting").start_with_nothing_typed()


if __name__ == "__main__":
    main()
