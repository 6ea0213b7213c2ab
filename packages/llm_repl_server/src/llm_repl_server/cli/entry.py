"""Where the process of the command begins: Ctrl-C is heeded before anything else is imported."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]

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
        from llm_repl_server.cli.main import main as run_command_line
    except KeyboardInterrupt:
        sys.exit(130)
    run_command_line()


if __name__ == "__main__":
    main()
