"""The keys and prefixes, for the help and for the reference."""

from __future__ import annotations

__all__ = ["KEYS", "PREFIXES"]

PREFIXES = {
    "total = price * 2": "Python: what is no other; %magics and await work too",
    "?why is {total} so high": "a prompt, with values in braces",
    "?total, total?, total??": "what a variable or function is",
    "# Results": "Markdown",
    ":name = value": "memory, which is kept with the notebook",
    "!ls": "a shell command",
    "/help": "a command of the terminal",
}
"""What a line may begin with, by example, and what it is then."""

KEYS = {
    "Enter": "run the line; in unfinished Python: a new line",
    "Alt-Enter": "a new line",
    "Tab": "complete; on an empty line: the next mode",
    "Ctrl-C": "stop what runs; clear the line",
    "Ctrl-D": "leave; `exit` and `quit` do so, too",
    "Ctrl-R": "search what was typed before",
    "Up, Down": "what was typed before",
    "Right": "take what is suggested in grey",
    "F2, Ctrl-X Ctrl-E": "write the line in $EDITOR",
}
"""The keys, and what they do."""
