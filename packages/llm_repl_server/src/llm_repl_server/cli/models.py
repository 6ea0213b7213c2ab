"""``llm-repl models``: what can be asked, with prices."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from llm_repl_server.cli.completing import complete_providers
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core import Application

__all__ = ["command"]

_SIZE = 1000
"""Tokens of which the price is asked: that of a million may be the one of very long calls."""


class ListedModel(Struct, frozen=True, kw_only=True):
    """A model that a provider offers.

    Attributes:
        provider: Its name.
        model: The model's, as the provider has it.
        is_default: Whether it is asked where no other is named.
        input_usd_per_million: The price of what is sent, in US dollars per million tokens; None: not known.
        output_usd_per_million: The same of the answer.
        context_window: How many tokens it takes at most; None: not known.
    """

    provider: str
    model: str
    is_default: bool
    input_usd_per_million: float | None
    output_usd_per_million: float | None
    context_window: int | None


@click.command("models")
@click.argument("provider", required=False, shell_complete=complete_providers)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(provider: str | None, *, as_json: bool) -> None:
    """List the models of PROVIDER, or of all providers that can answer, with price and context window.

    The provider is asked for the list; no prompt is sent. Prices are per million tokens, of what is sent and of
    the answer, as far as they are known.

    The exit code is 1 if a provider could not be asked.
    """
    import msgspec

    from llm_repl_core import Application, Settings, load_settings

    application = Application(load_settings(Settings))
    models, failures = asyncio.run(_ask(application, provider))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(models), indent=2, ensure_ascii=False))
    else:
        _print(models)
    for failure in failures:
        echo(failure, err=True)
    if failures:
        raise SystemExit(1)


async def _ask(application: Application, wanted: str | None) -> tuple[list[ListedModel], list[str]]:
    from llm_repl_core import LLMReplError
    from llm_repl_server.services.providers import ProviderService

    service = ProviderService(application)
    models: list[ListedModel] = []
    failures = []
    try:
        if wanted is not None:
            application.providers.require(wanted)
        for each in await service.describe_all():
            if (wanted is None and not each.is_ready) or wanted not in (None, each.name):
                continue
            try:
                found = await service.models(each.name)
            except LLMReplError as error:
                failures.append(f"{each.name}: {error}")
                continue
            models += [
                _listed(application, each.name, name, each.default_model) for name in found.models
            ]
            if found.truncated:
                failures.append(f"{each.name} has more models than are listed here.")
    finally:
        await application.providers.close()
    return models, failures


def _listed(application: Application, provider: str, model: str, default: str) -> ListedModel:
    def price(input_tokens: int, output_tokens: int) -> float | None:
        usd = application.prices.estimate_usd(provider, model, input_tokens, output_tokens)
        return None if usd is None else round(usd * 1_000_000 / _SIZE, 6)

    return ListedModel(
        provider=provider,
        model=model,
        is_default=model == default,
        input_usd_per_million=price(_SIZE, 0),
        output_usd_per_million=price(0, _SIZE),
        context_window=application.prices.context_window(provider, model),
    )


def _print(models: list[ListedModel]) -> None:
    from llm_repl_server.cli.terminal_text import escape_controls

    for model in models:
        mark = " (default)" if model.is_default else ""
        echo(escape_controls(f"{model.provider}/{model.model}{mark}"))
        facts = []
        if model.input_usd_per_million is not None and model.output_usd_per_million is not None:
            prices = f"${model.input_usd_per_million:g} in, ${model.output_usd_per_million:g} out"
            facts.append("free" if prices == "$0 in, $0 out" else prices)
        if model.context_window is not None:
            facts.append(f"{model.context_window:,} tokens")
        if facts:
            echo(f"    {'; '.join(facts)}")
    if not models:
        echo("No models were found.", err=True)
