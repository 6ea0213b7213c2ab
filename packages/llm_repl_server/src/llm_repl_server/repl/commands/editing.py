"""Commands that change cells: their text, their place, whether they go along."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core import Cell
from llm_repl_server.repl.commands.base import (
    Argument,
    Command,
    CommandContext,
    CommandError,
    cell_arguments,
    find_cells,
)

__all__ = ["COMMANDS"]

_ENDINGS = {"code": ".py", "memory": ".yaml"}


def _edit(context: CommandContext, text: str) -> None:
    cell, number = _one_cell(context, text)
    changed = context.edit(cell.content, suffix=_ENDINGS.get(cell.type, ".md"))
    if changed is None:
        context.say(f"Cell {number} is as it was.")
        return
    content = changed.rstrip("\n") if not cell.content.endswith("\n") else changed
    context.target.change(cell.id, content=content)
    context.note_change()
    context.say(f"Cell {number} was changed; /run {number} runs it, /undo takes it back.")


def _move(context: CommandContext, text: str) -> None:
    words = text.split()
    if len(words) != 2:
        raise CommandError("Say which cell, and where to: /move 5 2, /move 5 up, /move 5 down.")
    cell, number = _one_cell(context, words[0])
    last = len(context.target.cells())
    steps = {"up": number - 1, "down": number + 1}
    place = int(words[1]) if words[1].isdecimal() else steps.get(words[1], 0)
    if not 1 <= place <= last and words[1] in steps:
        end = "first" if words[1] == "up" else "last"
        raise CommandError(f"Cell {number} is the {end} one already.")
    if not 1 <= place <= last:
        raise CommandError(f"There is no place {words[1][:20]}: the places are 1 to {last}.")
    context.target.move(cell.id, place - 1)
    context.note_change()
    context.say(f"Cell {number} is cell {place} now.")


def _pin(context: CommandContext, text: str) -> None:
    _mark(context, text, "pinned", "sent along with every prompt below", "sent where it is named")


def _skip(context: CommandContext, text: str) -> None:
    _mark(context, text, "skipped", "left out of every prompt", "no longer left out")


def _mark(context: CommandContext, text: str, field: str, on: str, off: str) -> None:
    if not text:
        raise CommandError("Say which cell by its number, or several as 2-4.")
    numbers, _, word = text.partition(" ")
    if word not in ("", "off"):
        raise CommandError(f"`{word[:40]}` is not understood: give numbers, and `off` behind them.")
    found = find_cells(context, numbers)
    for cell in found:
        context.target.change(cell.id, **{field: not word})
    context.note_change()
    what = f"Cell {numbers} is" if len(found) == 1 else f"Cells {numbers} are"
    context.say(f"{what} {off if word else on}.")


def _one_cell(context: CommandContext, text: str) -> tuple[Cell, int]:
    cells = context.target.cells()
    if not cells:
        raise CommandError("There are no cells yet.")
    found = find_cells(context, text or str(len(cells)))
    if len(found) > 1:
        raise CommandError(f"`{text[:40]}` names {len(found)} cells: give the number of one.")
    number = next(number for number, cell in enumerate(cells, 1) if cell.id == found[0].id)
    return found[0], number


def _places(context: CommandContext, typed: str) -> Iterable[Argument]:
    if " " not in typed:
        yield from cell_arguments(context, typed)
        return
    yield "up", "one place"
    yield "down", "one place"


def _marked(context: CommandContext, typed: str) -> Iterable[Argument]:
    if " " in typed:
        return [("off", "no longer")]
    return cell_arguments(context, typed)


COMMANDS = (
    Command(
        name="edit",
        arguments="[N]",
        summary="Change a cell's text in $EDITOR; the last one where no number is given.",
        example="/edit 3",
        run=_edit,
        complete=cell_arguments,
    ),
    Command(
        name="move",
        arguments="N PLACE|up|down",
        summary="Have a cell stand somewhere else.",
        example="/move 5 2",
        run=_move,
        complete=_places,
    ),
    Command(
        name="pin",
        arguments="N [off]",
        summary="Have cells go along with every prompt below them.",
        example="/pin 1",
        run=_pin,
        complete=_marked,
    ),
    Command(
        name="skip",
        arguments="N [off]",
        summary="Leave cells out of every prompt.",
        example="/skip 2-4",
        run=_skip,
        complete=_marked,
    ),
)
