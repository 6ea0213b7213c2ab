"""``llm-repl settings``: what can be set, and what it is set to."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import click
import msgspec

from llm_repl_server.cli.completing import complete_settings
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core.settings import SettingInfo

__all__ = ["command"]

_SECRET = frozenset({"token"})
_PASSWORD = re.compile(r"(://[^/@]*?:).*@")


@click.group("settings", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the settings, their values, and how to set each."""
    if context.invoked_subcommand is not None:
        return
    from llm_repl_core.settings import config_folder, describe_settings, load_settings
    from llm_repl_server.settings import ServerSettings

    values = load_settings(ServerSettings)
    echo(f"# {config_folder() / 'settings.yaml'}")
    for setting in describe_settings(ServerSettings):
        value = getattr(values, setting.name)
        unit = f" {setting.unit}" if setting.unit and value is not None else ""
        echo(f"\n{_key(setting)}: {_shown(setting, value)}{unit}")
        default = _shown(setting, setting.default)
        for text in (setting.description, f"{setting.variable}; default: {default}"):
            echo(f"    {text}")


@command.command("get")
@click.argument("name", shell_complete=complete_settings)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def get(name: str, *, as_json: bool) -> None:
    """Print the value of the setting NAME, wherever it is set. A secret is printed as `…`."""
    from llm_repl_core.settings import load_settings
    from llm_repl_server.settings import ServerSettings

    setting = _find(name)
    value = getattr(load_settings(ServerSettings), setting.name)
    if as_json:
        shown = _shown(setting, value) if setting.name in _SECRET and value else value
        plain = _without_password(msgspec.to_builtins(shown))
        click.echo(json.dumps(plain, ensure_ascii=False))
    elif value is not None:
        click.echo(_shown(setting, value))


@command.command("set")
@click.argument("name", shell_complete=complete_settings)
@click.argument("value")
def set_value(name: str, value: str) -> None:
    """Write the VALUE of the setting NAME into the settings file; all else in the file stays as it is.

    A list is written with commas, an object as JSON.
    """
    from llm_repl_core.settings import config_folder
    from llm_repl_server.cli.setting_file import save_setting

    setting = _find(name)
    path = config_folder() / "settings.yaml"
    save_setting(setting, value, path)
    echo(f"{_key(setting)} is set in {path}.")
    if os.environ.get(setting.variable):
        echo(f"The environment variable {setting.variable} is set, and goes before it.", err=True)


@command.command("path")
def path() -> None:
    """Print where the settings file is, or would be."""
    from llm_repl_core.settings import config_folder

    click.echo(str(config_folder() / "settings.yaml"))


def _find(name: str) -> SettingInfo:
    import difflib

    from llm_repl_core import InvalidInput
    from llm_repl_core.settings import describe_settings
    from llm_repl_server.settings import ServerSettings

    known = {_key(setting): setting for setting in describe_settings(ServerSettings)}
    by_name = {setting.name: setting for setting in known.values()}
    found = known.get(name) or by_name.get(name)
    if found is None:
        close = difflib.get_close_matches(name, [*known, *by_name], n=1)
        hint = f" Did you mean `{close[0]}`?" if close else " See `llm-repl settings`."
        raise InvalidInput(f"There is no setting `{name}`.{hint}")
    return found


def _key(setting: SettingInfo) -> str:
    """Its name as it stands in the file."""
    return f"{setting.section}.{setting.name}" if setting.section else setting.name


def _shown(setting: SettingInfo, value: Any) -> object:
    """A value as it may stand in the file."""
    if value is None:
        return "not set"
    if isinstance(value, (dict, list, tuple, bool)):
        value = msgspec.json.encode(value).decode()
    return "…" if setting.name in _SECRET and value else _without_password(value)


def _without_password(value: object) -> object:
    """An address as it is, but for the password that stands before its host."""
    return _PASSWORD.sub(r"\1…@", value) if isinstance(value, str) else value
