"""Commands about who answers."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_server.cli.provider_choice import provider_meant
from llm_repl_server.repl.commands.base import Argument, Command, CommandContext, CommandError

__all__ = ["COMMANDS"]


def _model(context: CommandContext, text: str) -> None:
    if text and text != "off":
        _refuse_near_miss(context, text)
    if text:
        context.target.prefer("model", None if text == "off" else text)
        context.note_change()
    context.say(f"Prompts are answered by {context.target.model()}.")


def _refuse_near_miss(context: CommandContext, text: str) -> None:
    """Refuse a provider's name with a slip of the pen: another one would answer in its place."""
    provider, slash, model = text.partition("/")
    names = {name.partition("/")[0] for name in context.target.model_names()}
    meant = provider_meant(provider, names) if slash else None
    if meant is not None:
        raise CommandError(f"There is no provider {provider}. Did you mean {meant}/{model}?")


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
