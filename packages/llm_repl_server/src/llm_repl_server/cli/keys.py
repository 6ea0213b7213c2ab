"""``llm-repl keys``: the keys of providers, which are never printed."""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.group("keys")
def command() -> None:
    """Keep the keys of providers in a file that only you can read.

    A key in the environment (OPENAI_API_KEY) goes before one in the file.
    """


@command.command("set")
@click.argument("provider")
@click.option("--base-url", help="Send the key to this address only.")
def set_key(provider: str, base_url: str | None) -> None:
    """Keep the key of PROVIDER, which is asked for, or read from standard input."""
    from llm_repl_core import Application

    application = Application()
    application.providers.require(provider)
    if sys.stdin.isatty():
        key = click.prompt(f"Key for {provider}", hide_input=True)
    else:
        key = sys.stdin.readline()
    application.keys.set(provider, key, base_url=base_url)
    click.echo(f"The key for {provider} is kept in {application.keys.path}.")


@command.command("list")
def list_keys() -> None:
    """List the providers that have a key, and where it comes from."""
    from llm_repl_core import Application

    application = Application()
    sources = application.keys.sources(application.providers.key_variables())
    if not sources:
        click.echo("There are no keys. The provider mock needs none.")
    for provider, source in sorted(sources.items()):
        click.echo(f"{provider}: {source}")


@command.command("path")
def path() -> None:
    """Print where the keys file is."""
    from llm_repl_core.keys import Keys

    click.echo(str(Keys().path))
