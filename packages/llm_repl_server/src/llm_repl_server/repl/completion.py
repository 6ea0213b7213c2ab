"""What may be typed next: commands, names in braces, Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from llm_repl_server.repl.commands.base import CommandError
from llm_repl_server.repl.modes import InputMode, mode_of

if TYPE_CHECKING:
    from llm_repl_server.repl.commands.base import CommandContext
    from llm_repl_server.repl.names import KnownNames

__all__ = ["InputCompleter", "completes_by_itself"]

_COMMAND = r"\s*/([\w-]*)\Z"
_COMMAND_WITH = r"(?s)\s*/([\w-]+)\s+(.*)\Z"
_FIELD = r"(?<!\{)\{([^{}]*)\Z"
_NAME = r"[^\W\d]\w*\Z|\Z"
_META_COLUMNS = 60


def completes_by_itself(text: str, mode: InputMode) -> bool:
    """Whether what may follow is shown without being asked for.

    Args:
        text: What stands before the cursor.
        mode: What it is without a prefix.
    """
    if text.startswith("/"):
        return "\n" not in text
    return mode_of(text, mode) is InputMode.PROMPT and re.search(_FIELD, text) is not None


class InputCompleter(Completer):
    """Completes by what the text would be. Called in a thread.

    Args:
        mode: What it is without a prefix.
        context: The terminal; None as long as the notebook is not there.
        names: The variables; None likewise.
    """

    def __init__(
        self,
        mode: Callable[[], InputMode],
        context: Callable[[], CommandContext | None],
        names: Callable[[], KnownNames | None],
    ) -> None:
        self._mode = mode
        self._context = context
        self._names = names

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """See `Completer.get_completions`."""
        context, names = self._context(), self._names()
        if context is None or names is None:
            return
        from llm_repl_core import LLMReplError

        text = document.text_before_cursor
        try:
            if text.startswith("/") and "\n" not in text:
                yield from _of_command(context, text)
            elif mode_of(text, self._mode()) is InputMode.PROMPT:
                found = re.search(_FIELD, text)
                if found is not None:
                    yield from _of_field(context, names, found[1])
            elif complete_event.completion_requested:
                yield from _of_code(context, text)
        except (LLMReplError, CommandError):
            return


def _of_command(context: CommandContext, text: str) -> Iterator[Completion]:
    from llm_repl_server.repl.commands import all_commands, find_command

    if found := re.match(_COMMAND, text):
        for command in all_commands().values():
            if command.name.startswith(found[1]):
                yield Completion(
                    command.name,
                    start_position=-len(found[1]),
                    display=f"/{command.name}",
                    display_meta=command.summary,
                )
        return
    found = re.match(_COMMAND_WITH, text)
    if found is None:
        return
    typed = found[2]
    word = typed.rpartition(" ")[2]
    for argument, meaning in find_command(found[1]).complete(context, typed):
        if argument.startswith(word) and argument != word:
            yield Completion(argument, start_position=-len(word), display_meta=meaning)


def _of_field(context: CommandContext, names: KnownNames, typed: str) -> Iterator[Completion]:
    if re.search(r"[.\[(]", typed):
        yield from _of_code(context, typed)
        return
    found = re.search(_NAME, typed)
    word = found[0] if found else ""
    for name, variable in names.variables.items():
        if name.startswith(word):
            value = " ".join(f"{variable.type_name} {variable.text}".split())
            yield Completion(name, start_position=-len(word), display_meta=value[:_META_COLUMNS])


def _of_code(context: CommandContext, code: str) -> Iterator[Completion]:
    is_memory = code.startswith(":")
    code = code[1:] if is_memory else code
    found = context.target.complete(code, len(code))
    if found is None:
        return
    for match in found.matches:
        yield Completion(
            match.text, start_position=found.start - len(code), display_meta=match.type
        )
