"""Commands about running: which cells, at what price, from which answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from llm_repl_core import PromptCell
from llm_repl_server.cli.terminal_text import escape_controls, format_price
from llm_repl_server.repl.commands.base import (
    Argument,
    Command,
    CommandContext,
    CommandError,
    cell_arguments,
    find_cells,
)
from llm_repl_server.repl.modes import InputMode
from llm_repl_server.repl.target import RunChoice

if TYPE_CHECKING:
    from llm_repl_core.engine.prompts.draft_preview import DraftPreview
    from llm_repl_core.engine.prompts.preview import Preview

__all__ = ["COMMANDS"]

_WHAT = {
    InputMode.PYTHON: "Python",
    InputMode.PROMPT: "prompts",
    InputMode.MARKDOWN: "Markdown",
    InputMode.MEMORY: "memory",
    InputMode.SHELL: "shell commands",
}
_ANSWERS = {
    "live": "every prompt is asked",
    "reuse": "recorded answers are taken where there are some",
    "replay": "recorded answers only: nobody is asked",
}


def _run(context: CommandContext, text: str) -> None:
    if text == "all":
        context.run(RunChoice())
    elif text == "stale":
        context.run(RunChoice(only_stale=True))
    elif text:
        context.run(RunChoice(cell_ids=tuple(cell.id for cell in find_cells(context, text))))
    else:
        raise CommandError("Say what to run: /run 3, /run 2-4, /run stale or /run all.")


def _run_arguments(context: CommandContext, typed: str) -> Iterable[Argument]:
    yield "all", "the whole notebook"
    yield "stale", "what would give something else now"
    yield from cell_arguments(context, typed)


def _preview(context: CommandContext, text: str) -> None:
    if text:
        prompts = [cell for cell in find_cells(context, text) if isinstance(cell, PromptCell)]
    else:
        prompts = [cell for cell in context.target.cells() if isinstance(cell, PromptCell)][-1:]
    if not prompts:
        raise CommandError(
            "There is no such prompt: `/preview ?…` shows what a new one would send."
        )
    for cell in prompts:
        found = context.target.preview(cell.id)
        _show_request(context, found)
        for notice in found.notices:
            context.say(notice)


def _preview_line(context: CommandContext, text: str) -> None:
    content = text.removeprefix("?").strip()
    if not text.startswith("?"):
        if text and not text[0].isdigit():
            raise CommandError(
                f"`{text[:40]}` is no cell's number; a prompt begins with ?: /preview ?{text[:40]}"
            )
        _preview(context, text)
        return
    if not content:
        raise CommandError("There is nothing to ask: write the prompt behind the ?.")
    found = context.target.preview_line(content, **context.prompt_options, **context.next_options)
    _show_request(context, found)
    for sentence in (*found.problems, *found.later, *found.notices):
        context.say(sentence)


def _show_request(context: CommandContext, found: Preview | DraftPreview) -> None:
    for message in found.messages:
        context.show(Text(f"── {message.role}", style="bold"))
        context.show(Text(escape_controls(message.content)))
        for name in message.attachments:
            context.show(Text(f"+ {escape_controls(name)}", style="dim"))
    context.say(
        f"{found.provider}/{found.model} · {found.input_tokens:,} tokens"
        f" · at most {format_price(found.price_usd)}"
    )


def _restart(context: CommandContext, _text: str) -> None:
    context.target.restart()
    context.say("The kernel has started anew: its variables are gone, the memory is there.")
    context.note_change()


def _budget(context: CommandContext, text: str) -> None:
    words = text.split()
    if words == ["ask"]:
        raise CommandError(
            "Say above which amount you are asked: /budget ask 0.10, /budget ask off."
        )
    if words[:1] == ["ask"] and len(words) == 2:
        context.ask_above_usd = None if words[1] == "off" else _amount(words[1])
    elif len(words) == 1:
        budget = dict(context.target.preference("budget") or {})
        budget.pop("usd", None)
        if words[0] != "off":
            budget["usd"] = _amount(words[0])
        context.target.prefer("budget", budget or None)
        context.note_change()
    elif words:
        raise CommandError("Say an amount: /budget 2.50, /budget off, /budget ask 0.10.")
    limit, spent_usd = context.target.spending()
    spent = f"Spent {format_price(spent_usd)}"
    if limit is None or limit.usd is None:
        context.say(f"{spent}; there is no limit.")
    else:
        context.say(f"{spent} of {format_price(limit.usd)}.")
    if context.ask_above_usd is not None:
        context.say(f"What may cost more than {format_price(context.ask_above_usd)} asks first.")


def _amount(word: str) -> float:
    try:
        amount = float(word.removeprefix("$"))
    except ValueError:
        amount = -1
    if not 0 <= amount < float("inf"):
        raise CommandError(f"`{word[:40]}` is no amount of money: give US dollars, as in 2.50.")
    return amount


def _budget_arguments(_context: CommandContext, typed: str) -> Iterable[Argument]:
    if typed.startswith("ask "):
        yield "off", "nothing is asked about"
        return
    yield "off", "no limit"
    yield "ask", "above which price it is asked first"


def _mode(context: CommandContext, text: str) -> None:
    if text in _ANSWERS:
        context.target.prefer("mode", None if text == "live" else text)
        context.note_change()
        context.say(f"Answers: {text}; {_ANSWERS[text]}.")
        return
    modes = {mode.value: mode for mode in InputMode}
    if text and text not in modes:
        known = ", ".join([*modes, *_ANSWERS])
        raise CommandError(f"There is no mode `{text[:40]}`; there are {known}.")
    context.set_mode(modes[text] if text else context.mode.next())
    context.say(f"Lines without a prefix are {_WHAT[context.mode]} now.")


def _mode_arguments(_context: CommandContext, _typed: str) -> Iterable[Argument]:
    for mode in InputMode:
        yield mode.value, "what a line is without a prefix"
    yield from _ANSWERS.items()


COMMANDS = (
    Command(
        name="run",
        arguments="N|stale|all",
        summary="Run cells anew.",
        example="/run 2-4",
        run=_run,
        complete=_run_arguments,
    ),
    Command(
        name="preview",
        arguments="[N|?PROMPT]",
        summary="Show exactly what a prompt sends: the last one, a cell's, or one not yet sent.",
        example="/preview ?what is odd about {frame}",
        run=_preview_line,
        complete=cell_arguments,
    ),
    Command(
        name="restart",
        summary="Start the kernel anew.",
        example="/restart",
        run=_restart,
    ),
    Command(
        name="budget",
        arguments="[USD|off|ask USD|ask off]",
        summary="Show or set what the notebook's calls may cost, and what is asked about first.",
        example="/budget 2.50",
        run=_budget,
        complete=_budget_arguments,
    ),
    Command(
        name="mode",
        arguments="[python|prompt|markdown|memory|shell|live|reuse|replay]",
        summary="Change what a line is without a prefix, or where answers come from.",
        example="/mode prompt",
        run=_mode,
        complete=_mode_arguments,
        details="Tab on an empty line does the same for what a line is.",
    ),
)
