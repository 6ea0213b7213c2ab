"""Commands about the prompts to come: what goes along, who speaks, the form of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from llm_repl_server.repl.commands.base import (
    Argument,
    Command,
    CommandContext,
    CommandError,
    cell_arguments,
    find_cells,
    made_arguments,
    variable_arguments,
)

__all__ = ["COMMANDS"]


def _context(context: CommandContext, text: str) -> None:
    if text in ("above", "isolated"):
        context.prompt_options["context"] = text
    elif text and not text[0].isdigit():
        raise CommandError(
            f"`{text[:40]}` names no cells: write above, isolated, or numbers as in /context 2-4."
        )
    elif text:
        context.prompt_options["context"] = [cell.id for cell in find_cells(context, text)]
    chosen = context.prompt_options.get("context", "isolated")
    if chosen == "above":
        context.say("All cells above go along with a prompt.")
    elif chosen == "isolated":
        context.say("A prompt is sent alone.")
    else:
        numbers = {cell.id: number for number, cell in enumerate(context.target.cells(), 1)}
        named = ", ".join(str(numbers[cell_id]) for cell_id in chosen if cell_id in numbers)
        context.say(f"With a prompt go cells {named or 'that were deleted meanwhile'}.")


def _context_arguments(context: CommandContext, typed: str) -> Iterable[Argument]:
    yield "above", "all cells above"
    yield "isolated", "none"
    yield from cell_arguments(context, typed)


def _system(context: CommandContext, text: str) -> None:
    if text:
        context.target.prefer("system", None if text == "off" else text)
        context.note_change()
    system = context.target.preference("system")
    context.say(f"System prompt: {system}" if system else "There is no system prompt.")


def _off(_context: CommandContext, _typed: str) -> Iterable[Argument]:
    return [("off", "none")]


def _option(
    name: str, read: Callable[[str], Any], none: str, some: str
) -> Callable[[CommandContext, str], None]:
    """A command that shows, sets or takes away a field of the prompts to come."""

    def run(context: CommandContext, text: str) -> None:
        if text == "off":
            context.prompt_options.pop(name, None)
        elif text:
            value = read(text)
            # What could only fail is refused here and now. Where the kernel is at work, it says later.
            problems = context.target.preview_line(
                "?", context="isolated", **{name: value}
            ).problems
            if problems:
                raise CommandError(problems[0])
            context.prompt_options[name] = value
        chosen = context.prompt_options.get(name)
        shown = ", ".join(chosen) if isinstance(chosen, list) else chosen
        context.say(none if chosen is None else some.format(shown))

    return run


def _tools(context: CommandContext, text: str) -> None:
    words = text.split()
    if words[:1] == ["ask"] and words[1:] in ([], ["off"]):
        context.prompt_options["approve_tools"] = len(words) == 1
        text = ""
    _choose_tools(context, text)
    if context.prompt_options.get("tools") and context.prompt_options.get("approve_tools"):
        context.say("Each call asks you first.")


def _tools_arguments(context: CommandContext, typed: str) -> Iterable[Argument]:
    if " " not in typed:
        yield "off", "none"
        yield "ask", "each call asks first"
    elif typed.startswith("ask "):
        yield "off", "no call asks"
        return
    yield from made_arguments(context, typed, "function")


def _schema_arguments(context: CommandContext, typed: str) -> Iterable[Argument]:
    if " " not in typed:
        yield "off", "none"
        yield from made_arguments(context, typed, "class")


def _each_arguments(context: CommandContext, typed: str) -> Iterable[Argument]:
    if " " not in typed:
        yield "off", "none"
    yield from variable_arguments(context)


def _names(text: str) -> list[str]:
    names = [name for name in text.replace(",", " ").split() if name]
    wrong = next((name for name in names if not name.isidentifier()), None)
    if wrong is not None:
        raise CommandError(f"`{wrong[:40]}` is no function's name.")
    return names


def _expression(text: str) -> str:
    try:
        compile(text, "/each", "eval")
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise CommandError(f"`{text[:40]}` is no expression of Python: {reason}.") from None
    return text


_choose_tools = _option("tools", _names, "No tools go along.", "The model may call {}.")


COMMANDS = (
    Command(
        name="context",
        arguments="[above|isolated|N]",
        summary="Show or choose which cells go along with the prompts to come.",
        example="/context 2-4",
        run=_context,
        complete=_context_arguments,
    ),
    Command(
        name="system",
        arguments="[TEXT|off]",
        summary="Show or set the notebook's system prompt.",
        example="/system Answer in one sentence.",
        run=_system,
        complete=_off,
    ),
    Command(
        name="schema",
        arguments="[FIELDS|CLASS|off]",
        summary="Have the answers to come in a form.",
        example="/schema name, age int, tags[]",
        run=_option("schema", str, "Answers are text.", "Answers have the form {}."),
        complete=_schema_arguments,
    ),
    Command(
        name="tools",
        arguments="[FUNCTIONS|ask|ask off|off]",
        summary="Let the model call functions of the notebook, for the prompts to come.",
        example="/tools look_up, count_words",
        run=_tools,
        complete=_tools_arguments,
        details="After /tools ask, each call asks you first.",
    ),
    Command(
        name="each",
        arguments="[EXPRESSION|off]",
        summary="Ask the prompts to come once for each item of a value.",
        example="/each cities",
        run=_option(
            "for_each", _expression, "A prompt is asked once.", "A prompt is asked for each of {}."
        ),
        complete=_each_arguments,
    ),
)
