"""Commands about the notebook: where it is kept, its variables, files that go with a prompt."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

from rich.text import Text

from llm_repl_server.cli.terminal_text import escape_controls, one_line
from llm_repl_server.repl.commands.base import (
    Argument,
    Command,
    CommandContext,
    CommandError,
    variable_arguments,
)
from llm_repl_server.repl.commands.listing import list_rows

__all__ = ["COMMANDS"]

_MOST_FILES = 200
_VALUE_COLUMNS = 200


def _save(context: CommandContext, text: str) -> None:
    place = context.target.save(text or None)
    context.note_change()
    context.say(f"Saved in {place}." if place else "Say where: /save analysis.llmn.")


def _open(context: CommandContext, text: str) -> None:
    if not text:
        raise CommandError("Say which notebook: /open analysis.llmn.")
    context.open(text)


def _vars(context: CommandContext, text: str) -> None:
    found = context.target.variables()
    wanted = [each for each in found.variables if text in each.name]
    if not wanted:
        context.say("There are no variables." if not text else f"No variable has {text} in it.")
        return
    rows = []
    for variable in wanted:
        kind = variable.type_name
        if variable.shape is not None:
            kind += f" {'×'.join(map(str, variable.shape))}"
        value = one_line(variable.text, _VALUE_COLUMNS)
        rows.append((Text(variable.name), Text(escape_controls(kind), style="dim"), Text(value)))
    context.show(list_rows(rows, context.columns))
    if found.left_out:
        context.say(f"and {found.left_out} more")


def _attach(context: CommandContext, text: str) -> None:
    attached: list[str] = context.next_options.setdefault("attachments", [])
    if text == "off":
        attached.clear()
    elif text:
        path = Path(text).expanduser()
        is_variable = text.isidentifier() and not path.exists()
        if path.is_dir():
            raise CommandError(f"{text[:200]} is a folder: name a file.")
        if not is_variable and not path.is_file():
            raise CommandError(f"There is no file {text[:200]}.")
        if is_variable:
            found = context.target.inspect(text, len(text))
            if found is not None and not found.name:
                raise CommandError(f"There is neither a file nor a variable named {text[:200]}.")
        attached.append(text if is_variable else str(path))
    if attached:
        context.say(f"With the next prompt: {', '.join(attached)}.")
    else:
        context.say("Nothing goes with the next prompt.")


def _files(_context: CommandContext, typed: str) -> Iterable[Argument]:
    start = str(Path(typed).expanduser()) + ("/" if typed.endswith("/") else "")
    pattern = glob.escape(start if typed else "") + "*"
    for count, found in enumerate(glob.iglob(pattern)):  # noqa: PTH207  as it was typed
        if count == _MOST_FILES:
            return
        yield (f"{found}/", "folder") if Path(found).is_dir() else (found, "")


def _attachments(context: CommandContext, typed: str) -> Iterable[Argument]:
    yield "off", "none"
    yield from variable_arguments(context)
    yield from _files(context, typed)


def _variables(context: CommandContext, _typed: str) -> Iterable[Argument]:
    return variable_arguments(context)


COMMANDS = (
    Command(
        name="save",
        arguments="[PATH]",
        summary="Keep the notebook under a name; the ending picks the format: .llmn, .ipynb, .py, .md.",
        example="/save analysis.ipynb",
        run=_save,
        complete=_files,
    ),
    Command(
        name="open",
        arguments="PATH",
        summary="Go on with another notebook; this one is saved.",
        example="/open analysis.llmn",
        run=_open,
        complete=_files,
    ),
    Command(
        name="vars",
        arguments="[WORD]",
        summary="List the variables, or those whose names have a word in them.",
        example="/vars frame",
        run=_vars,
        complete=_variables,
    ),
    Command(
        name="attach",
        arguments="[FILE|VARIABLE|off]",
        summary="Have a picture or a file go with the next prompt.",
        example="/attach plot.png",
        run=_attach,
        complete=_attachments,
    ),
)
