"""Commands about answers: the versions of one, how they differ, which one is in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from llm_repl_core import Cell, PromptCell
from llm_repl_server.cli.terminal_text import escape_controls, format_price, one_line
from llm_repl_server.repl.commands.base import (
    Argument,
    Command,
    CommandContext,
    CommandError,
    cell_arguments,
    find_cells,
)
from llm_repl_server.repl.commands.listing import list_rows

if TYPE_CHECKING:
    from llm_repl_core.engine.answers.comparison import TextBlock
    from llm_repl_core.engine.answers.versions import AnswerVersion

__all__ = ["COMMANDS"]

_PLACE = re.compile(r"(?P<cell>\d+)(?:\.(?P<version>\d+))?(?:\s+item\s+(?P<item>\d+))?")
_EXCERPT_COLUMNS = 60


def _answers(context: CommandContext, text: str) -> None:
    cell, number, _, item = _place(context, text)
    page = context.target.answers(cell.id, item)
    if not page.answers:
        context.say(f"Cell {number} has no answer yet.")
        return
    rows = [
        (
            Text(f"{'●' if version.in_use else ' '} {number}.{version.number}"),
            Text(_who(version), style="dim"),
            Text(one_line(version.excerpt, _EXCERPT_COLUMNS)),
        )
        for version in reversed(page.answers)
    ]
    context.show(list_rows(rows, context.columns))
    if page.next is not None:
        context.say(f"and {page.total - len(page.answers)} older ones")
    context.say(f"● is in use; /use {number}.N takes another one, /diff {number}.N compares it.")


def _use(context: CommandContext, text: str) -> None:
    cell, number, wanted, item = _place(context, text)
    if wanted is None:
        raise CommandError(f"Say which version: /use {number}.1; /answers {number} lists them.")
    version = _version(context, cell, number, wanted, item)
    context.target.use_answer(cell.id, version.id, item)
    context.note_change()
    stale = sum(other.stale for other in context.target.cells())
    follows = f"; {stale} cell{' is' if stale == 1 else 's are'} stale: /run stale" if stale else ""
    context.say(f"Answer {number}.{wanted} is in use{follows}.")


def _diff(context: CommandContext, text: str) -> None:
    cell, number, wanted, item = _place(context, text)
    if wanted is None:
        answers = context.target.answers(cell.id, item).answers
        if not answers:
            raise CommandError(f"Cell {number} has no answer yet.")
        others = [version for version in answers if not version.in_use]
        if not others:
            raise CommandError(f"Cell {number} has one answer only: /run {number} asks again.")
        wanted = others[0].number
    version = _version(context, cell, number, wanted, item)
    if version.in_use:
        raise CommandError(f"Answer {number}.{wanted} is the one in use: name another one.")
    found = context.target.answer(cell.id, version.id, item)
    context.show(Text(f"{number}.{wanted} ({_who(version)}) and the one in use", style="bold"))
    for change in found.asked:
        context.say(
            f"asked otherwise: {change.path}: {one_line(change.this or 'nothing', 40)} → "
            f"{one_line(change.in_use or 'nothing', 40)}"
        )
    if all(part.side == "both" for block in found.difference for part in block.parts):
        context.say("They are the same.")
        return
    for block in found.difference:
        context.show(_marked(block))


def _marked(block: TextBlock) -> Text:
    """A paragraph with what is only in one of them, told by signs as well as by colours."""
    shown = Text()
    for part in block.parts:
        text = escape_controls(part.text)
        if part.side == "both":
            shown.append(text)
        elif part.side == "this":
            shown.append(f"[-{text}-]", style="red strike")
        else:
            shown.append(f"{{+{text}+}}", style="green")
    return shown


def _who(version: AnswerVersion) -> str:
    if version.kind == "edited":
        return "written by hand"
    words = [f"{version.provider}/{version.model}" if version.model else "a model"]
    if version.temperature is not None:
        words.append(f"temperature {version.temperature:g}")
    words.append(format_price(version.price_usd))
    return " · ".join(words)


def _place(context: CommandContext, text: str) -> tuple[Cell, int, int | None, int | None]:
    """The cell, its number, the version and the item, as ``3.2 item 4`` names them."""
    cells = context.target.cells()
    if not text:
        prompts = [number for number, cell in enumerate(cells, 1) if isinstance(cell, PromptCell)]
        if not prompts:
            raise CommandError("There is no prompt yet.")
        text = str(prompts[-1])
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise CommandError(
            f"`{text[:40]}` names no answer: write 3 for those of cell 3, 3.2 for its second, and "
            "`3.2 item 1` for that of its first item."
        )
    (cell,) = find_cells(context, found["cell"])
    if isinstance(cell, PromptCell) and cell.for_each is not None and found["item"] is None:
        raise CommandError(
            f"Cell {found['cell']} has answers for each item: name one, as in `{text} item 1`."
        )
    item = None if found["item"] is None else int(found["item"]) - 1
    version = None if found["version"] is None else int(found["version"])
    return cell, int(found["cell"]), version, item


def _version(
    context: CommandContext, cell: Cell, number: int, wanted: int, item: int | None
) -> AnswerVersion:
    versions: Sequence[AnswerVersion] = context.target.answers(cell.id, item).answers
    for version in versions:
        if version.number == wanted:
            return version
    raise CommandError(f"Cell {number} has no answer {wanted}: /answers {number} lists them.")


def _prompts(context: CommandContext, typed: str) -> Iterable[Argument]:
    numbers = {
        str(number)
        for number, cell in enumerate(context.target.cells(), 1)
        if isinstance(cell, PromptCell)
    }
    return [(name, about) for name, about in cell_arguments(context, typed) if name in numbers]


def _versions(context: CommandContext, typed: str) -> Iterable[Argument]:
    found = _PLACE.fullmatch(typed.removesuffix("."))
    if "." not in typed or found is None:
        yield from _prompts(context, typed)
        return
    number = found["cell"]
    for version in context.target.answers(find_cells(context, number)[0].id).answers:
        yield f"{number}.{version.number}", one_line(version.excerpt, _EXCERPT_COLUMNS)


COMMANDS = (
    Command(
        name="answers",
        arguments="[N]",
        summary="List the answers that a prompt has had, with model and price.",
        example="/answers 3",
        run=_answers,
        complete=_prompts,
        details="Of a prompt over items: /answers 3 item 2.",
    ),
    Command(
        name="use",
        arguments="N.VERSION",
        summary="Take an earlier answer into use; its variable follows.",
        example="/use 3.2",
        run=_use,
        complete=_versions,
    ),
    Command(
        name="diff",
        arguments="N[.VERSION]",
        summary="Show how another answer differs from the one in use.",
        example="/diff 3.1",
        run=_diff,
        complete=_versions,
        details="[-…-] is in the other one only, {+…+} in the one in use only.",
    ),
)
