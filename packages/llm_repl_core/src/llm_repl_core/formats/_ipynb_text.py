"""Texts in a Jupyter notebook: lists of lines, and a prompt with its reply in one source."""

from __future__ import annotations

import re
from typing import Any

from llm_repl_core.formats._fields import Fields

__all__ = [
    "STANDARD_SEPARATOR",
    "joined",
    "lines",
    "prompt_and_reply",
    "separators_in",
    "take_text",
    "with_reply",
]

# The convention of other tools that keep prompts in notebooks; it is theirs to the letter.
_SEPARATOR = "##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->"
STANDARD_SEPARATOR = f"\n\n{_SEPARATOR}\n\n"
_ANY_SEPARATOR = re.compile(r"##### (?:🤖)?Reply(?:🤖)?<!-- SOLVEIT_SEPARATOR_\w+ -->")


def lines(text: str) -> list[str]:
    """A text cut as nbformat cuts it, so that a file shows changes line by line."""
    return text.splitlines(keepends=True)


def joined(value: Any) -> Any:
    """A list of lines as one text; anything else as it is."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value


def take_text(fields: Fields, name: str) -> str:
    """Take a text that may be a list of lines; empty where absent.

    Raises:
        InvalidNotebook: It is something else.
    """
    if isinstance(fields.rest.get(name), list):
        return "".join(fields.texts(name))
    return fields.text(name, "")


def with_reply(prompt: str, reply: str, between: object = None) -> str:
    """The source of a prompt cell that has been answered.

    Args:
        prompt: The prompt.
        reply: The answer.
        between: What another tool had put between them, with a mark of its own; it is used where
            that gives the same two texts again.
    """
    if isinstance(between, str):
        source = f"{prompt}{between}{reply}"
        if prompt_and_reply(source, separators_in(prompt)) == (prompt, reply):
            return source
    return f"{prompt}{STANDARD_SEPARATOR}{reply}"


def separators_in(prompt: str) -> int:
    """How many separators the prompt's own text holds, which do not start the reply."""
    return len(_ANY_SEPARATOR.findall(prompt))


def prompt_and_reply(source: str, skipped: int = 0) -> tuple[str, str | None]:
    """Take a prompt cell's source apart; the reply is None where there is none yet.

    Args:
        source: The cell's source.
        skipped: How many separators belong to the prompt itself.
    """
    for number, separator in enumerate(_ANY_SEPARATOR.finditer(source)):
        if number == skipped:
            # Exactly what was put around it: the texts' own line breaks are theirs.
            prompt = source[: separator.start()].removesuffix("\n").removesuffix("\n")
            reply = source[separator.end() :].removeprefix("\n").removeprefix("\n")
            return prompt, reply
    return source, None
