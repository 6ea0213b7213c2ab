"""``llm-repl keys``: the keys of providers, which are never printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.completing import complete_providers
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core import Application

__all__ = ["command"]


@click.group("keys")
def command() -> None:
    """Store the keys of providers in a file that only you can read.

    A key in an environment variable (OPENAI_API_KEY) takes precedence over one in the file, unless
    the latter was stored for the address that is asked.
    """


@command.command("set")
@click.argument("provider", shell_complete=complete_providers)
@click.option("--base-url", metavar="URL", help="Send the key to this address only.")
def set_key(provider: str, base_url: str | None) -> None:
    """Store the key of PROVIDER, entered at a prompt or read from standard input.

    With --base-url, it is sent to that address only; other keys of PROVIDER are kept.
    """
    application = _application()
    application.providers.require(provider)
    # A server under a name of its own: the key is for it alone.
    base_url = base_url or application.providers.address(provider)
    if sys.stdin.isatty():
        key = click.prompt(f"Key for {provider}", hide_input=True)
    else:
        key = sys.stdin.readline()
    application.keys.set(provider, key, base_url=base_url)
    whose = provider if base_url is None else f"{provider} at {base_url}"
    echo(f"The key for {whose} is stored in {application.keys.path}.")
    if base_url is not None and base_url != application.providers.address(provider):
        echo(f"It is used by `llm-repl run --provider {provider} --base-url {base_url}`.")


@command.command("list")
def list_keys() -> None:
    """List the providers that have a key, where it comes from, and where it is sent."""
    application = _application()
    sources = application.keys.sources(application.providers.key_variables())
    if not sources:
        echo("There are no keys. The provider `mock` needs none.")
    for source in sources:
        where = "file" if source.variable is None else f"environment, {source.variable}"
        server = f", for {source.base_url} only" if source.base_url else ""
        echo(f"{source.provider}: {where}{server}")


@command.command("remove")
@click.argument("provider", shell_complete=complete_providers)
@click.option("--base-url", metavar="URL", help="Only the key for this address.")
def remove_key(provider: str, base_url: str | None) -> None:
    """Remove the keys of PROVIDER from the file."""
    application = _application()
    for server in application.keys.remove(provider, base_url=base_url):
        whose = provider if server is None else f"{provider} at {server}"
        echo(f"The key for {whose} was removed from {application.keys.path}.")
    for source in application.keys.sources(application.providers.key_variables()):
        if source.provider == provider and source.variable is not None:
            echo(f"The environment variable {source.variable} still holds a key.")


@command.command("path")
def path() -> None:
    """Print where the keys file is."""
    from llm_repl_core.keys import Keys

    click.echo(str(Keys().path))


def _application() -> Application:
    from llm_repl_core import Application, Settings, load_settings

    return Application(load_settings(Settings))
