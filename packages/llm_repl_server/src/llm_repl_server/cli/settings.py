"""``llm-repl settings``: what can be set, and what it is set to."""

from __future__ import annotations

import re

import click
import msgspec

__all__ = ["command"]

_SECRET = frozenset({"token"})
_PASSWORD = re.compile(r"(://[^/@]*?:).*@")


@click.command("settings")
def command() -> None:
    """List the settings, their values, and how to set each."""
    from llm_repl_core.settings import config_folder, describe_settings, load_settings
    from llm_repl_server.settings import ServerSettings

    values = load_settings(ServerSettings)
    click.echo(f"# {config_folder() / 'settings.yaml'}")
    for setting in describe_settings(ServerSettings):
        value = getattr(values, setting.name)
        if isinstance(value, dict):
            value = msgspec.json.encode(value).decode()
        shown = "…" if setting.name in _SECRET and value else _without_password(value)
        unit = f" {setting.unit}" if setting.unit else ""
        key = f"{setting.section}.{setting.name}" if setting.section else setting.name
        click.echo(f"\n{key}: {shown}{unit}")
        click.echo(f"    {setting.description}")
        click.echo(f"    {setting.variable}; default: {setting.default}")


def _without_password(value: object) -> object:
    """An address as it is, but for the password that stands before its host."""
    return _PASSWORD.sub(r"\1…@", value) if isinstance(value, str) else value
