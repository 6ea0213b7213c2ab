"""``llm-repl providers``: who can answer, and servers under names of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llm_repl_server.cli.completing import complete_providers
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_server.services.providers import ProviderDetails, ProviderService

__all__ = ["command"]

T = TypeVar("T")


@click.group("providers")
def command() -> None:
    """List the providers, try them, and give servers names of their own.

    A server that has a name is used by it: in a cell's model (`lab/qwen3`), and in `llm-repl run
    --provider lab`. Its key is stored by `llm-repl keys set lab`.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_providers(*, as_json: bool) -> None:
    """List the providers: whether each can answer, and where its key comes from."""
    details = _use(lambda service: service.describe_all())
    if as_json:
        import msgspec

        click.echo(json.dumps(msgspec.to_builtins(details), indent=2, ensure_ascii=False))
        return
    for each in details:
        where = f" at {each.base_url}" if each.base_url else ""
        echo(f"{each.name}{where}")
        echo(f"    {_state(each).removesuffix('.')}; default model: {each.default_model}")


@command.command("add")
@click.argument("name")
@click.option("--base-url", metavar="URL", required=True, help="Where the server is.")
@click.option("--model", help="Its default model.")
@click.option(
    "--type", "provider_type", default="openai", show_default=True, help="How it is asked."
)
def add(name: str, base_url: str, model: str | None, provider_type: str) -> None:
    """Give a server a NAME, or change the one that has it.

    Without --model, the first that it offers is its default.
    """

    async def set_custom(service: ProviderService) -> tuple[ProviderDetails, str]:
        details = await service.set_custom(
            name, base_url=base_url, model=model, provider_type=provider_type, api_key=None
        )
        if model:
            return details, ""
        trial = await service.test(name)
        details = next(each for each in await service.describe_all() if each.name == name)
        return details, "" if trial.works else trial.message

    details, trouble = _use(set_custom)
    echo(f"{name} is {base_url}; its default model is {details.default_model}.")
    if trouble:
        echo(f"{trouble} `llm-repl providers test {name}` tries again.", err=True)
    if details.key.source == "none":
        echo(f"If it wants a key: llm-repl keys set {name}")


@command.command("remove")
@click.argument("name", shell_complete=complete_providers)
def remove(name: str) -> None:
    """Forget the server that has a NAME, and its keys."""
    _use(lambda service: service.remove_custom(name))
    echo(f"{name} was removed, and its keys.")


@command.command("test")
@click.argument("name", shell_complete=complete_providers)
def test(name: str) -> None:
    """Ask a provider for its models, to see whether it can be reached and takes the key.

    The exit code is 1 where it can't. No prompt is sent.
    """
    trial = _use(lambda service: service.test(name))
    echo(trial.message, err=not trial.works)
    if not trial.works:
        raise SystemExit(1)


def _use(do: Callable[[ProviderService], Coroutine[Any, Any, T]]) -> T:
    """What comes of using the service, in a loop of its own."""
    from llm_repl_core import Application, Settings, load_settings
    from llm_repl_server.services.providers import ProviderService

    application = Application(load_settings(Settings))

    async def run() -> T:
        try:
            return await do(ProviderService(application))
        finally:
            await application.providers.close()

    return asyncio.run(run())


def _state(details: ProviderDetails) -> str:
    if details.reason is not None:
        return details.reason
    match details.key.source:
        case "environment":
            return f"key from the environment: {details.key.variable}"
        case "file":
            return "key from the keys file"
        case _:
            return "no key"
