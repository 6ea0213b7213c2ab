"""Lines that come from a pipe: each becomes a cell and runs, and what they give is printed as text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from llm_repl_server.repl.completeness import is_complete
from llm_repl_server.repl.modes import InputMode, TypedLine, read_line
from llm_repl_server.repl.opening import Opener
from llm_repl_server.repl.session_loop import CellLoop

__all__ = ["read_lines", "run_script"]

_LIMIT_BYTES = 50_000_000
_GOES_ON = re.compile(r"\s+\S|(?:else|elif|except|finally|case)\b|[)\]}]")


def run_script(opener: Opener) -> int:
    """Run what the standard input says, up to the first cell that fails; the exit code.

    Raises:
        InvalidInput: It is no text, or too long.
        LLMReplError: The notebook cannot be used.
    """
    from llm_repl_core import InvalidInput

    data = sys.stdin.buffer.read(_LIMIT_BYTES + 1)
    if len(data) > _LIMIT_BYTES:
        raise InvalidInput(f"The standard input has more than {_LIMIT_BYTES:,} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("What comes on the standard input is no text in UTF-8.") from None
    loop = CellLoop(plain=True, open_other=opener.open, is_unchosen=lambda: opener.is_unchosen)
    loop.target = opener.open()
    loop.ask_above_usd = opener.ask_above_usd
    try:
        for entry in read_lines(text, lambda: loop.mode):
            if not loop.take(entry):
                return 1
    except EOFError:
        pass
    finally:
        loop.end()
    return int(bool(loop.unsaved))


def read_lines(text: str, mode: object = None) -> Iterator[TypedLine]:
    """The entries of a text: a line each, or as many as a statement of Python takes.

    Args:
        text: The text.
        mode: Says what a line is that begins with no prefix; called before each.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        current = mode() if callable(mode) else InputMode.PYTHON
        end = at + 1
        if current is InputMode.PYTHON and not re.match(r"\s*[/?#:!]", lines[at]):
            end = _end_of_statement(lines, at)
        entry = read_line("\n".join(lines[at:end]), current)
        at = end
        if entry is not None:
            yield entry


def _end_of_statement(lines: list[str], at: int) -> int:
    end = at + 1
    while end < len(lines):
        follows = next((line for line in lines[end:] if line.strip()), "")
        if not _GOES_ON.match(follows) and is_complete("\n".join(lines[at:end]) + "\n"):
            break
        end += 1
    return end
