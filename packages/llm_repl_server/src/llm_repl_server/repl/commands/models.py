"""Commands about who answers."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_server.repl.commands.base import Argument, Command, CommandContext

__all__ = ["COMMANDS"]


def _model(context: CommandContext, text: str) -> None:
    if text:
        context.target.prefer("model", None if text == "off" else text)
        context.note_change()
    context.say(f"Prompts are answered by {context.target.model()}.")


def _model_arguments(context: CommandContext, _typed: str) -> Iterable[Argument]:
    for name in context.target.model_names():
        yield name, ""
    yield "off", "as the settings say"


COMMANDS = (
    Command(
        name="model",
        arguments="[MODEL|off]",
        summary="Show or choose who answers this notebook's prompts.",
        example="/model openai/gpt-5.4-mini",
        run=_model,
        complete=_model_arguments,
    ),
)
