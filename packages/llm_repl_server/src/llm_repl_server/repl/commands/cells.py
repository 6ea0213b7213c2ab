"""Commands about the cells: looked at, deleted, brought back."""

from __future__ import annotations

from llm_repl_server.cli.terminal_text import one_line
from llm_repl_server.repl.commands.base import (
    Command,
    CommandContext,
    CommandError,
    cell_arguments,
    find_cells,
)

__all__ = ["COMMANDS"]

_COLUMNS = 70
_FEWEST_COLUMNS = 8


def _cells(context: CommandContext, text: str) -> None:
    if text:
        numbers = {cell.id: number for number, cell in enumerate(context.target.cells(), 1)}
        for cell in find_cells(context, text):
            context.show_cell(cell, numbers[cell.id])
        return
    cells = context.target.cells()
    if not cells:
        context.say("There are no cells yet.")
    for number, cell in enumerate(cells, 1):
        state = "stale" if cell.stale else "" if cell.status == "completed" else cell.status
        about = f"[{number}] {cell.type or 'foreign'}"
        head = f"{about:<14}{f'{state}: ' if state else ''}"
        room = max(context.columns - len(head), _FEWEST_COLUMNS)
        context.say(head + one_line(cell.content, min(room, _COLUMNS)))


def _delete(context: CommandContext, text: str) -> None:
    if not text:
        raise CommandError("Say which cell: /delete 3.")
    found = find_cells(context, text)
    for cell in found:
        context.target.delete(cell.id)
    context.note_change()
    what = "1 cell" if len(found) == 1 else f"{len(found)} cells"
    context.say(f"{what} deleted; /undo brings {'it' if len(found) == 1 else 'them'} back.")


def _undo(context: CommandContext, text: str) -> None:
    times = int(text[:4]) if text.isascii() and text.isdigit() else 0
    if text and not times:
        raise CommandError(f"`{text[:40]}` is no number: say how many changes, as in /undo 2.")
    for _ in range(min(times or 1, 1000)):
        what = context.target.undo()
        if what is None:
            context.say("There is nothing to take back.")
            break
        context.say(f"Taken back: {what}.")
    context.note_change()


COMMANDS = (
    Command(
        name="cells",
        arguments="[N]",
        summary="List the cells, or show one with what it gave.",
        example="/cells 2-4",
        run=_cells,
        complete=cell_arguments,
    ),
    Command(
        name="delete",
        arguments="N",
        summary="Delete cells; /undo brings them back.",
        example="/delete 3",
        run=_delete,
        complete=cell_arguments,
    ),
    Command(
        name="undo",
        arguments="[TIMES]",
        summary="Take back the last change to the cells: what was added, changed, moved or deleted.",
        example="/undo",
        run=_undo,
        details="What a cell has done to variables stays done: /restart and /run all begin anew.",
    ),
)
