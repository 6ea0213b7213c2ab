"""``llm-repl plugins``: what is there, and what failed."""

from __future__ import annotations

import json

import click

from llm_repl_server.cli.flowing_text import echo

__all__ = ["command"]


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_json: bool) -> None:
    """List the plugins, what they provide, and which of them failed.

    The exit code is 0 even if a plugin failed: the program continues without it.
    """
    from llm_repl_core import Application

    application = Application()
    failures = application.plugins.failures
    if as_json:
        document = {
            "plugins": [
                {"name": info.name, "distribution": info.distribution, "version": info.version}
                for info in application.plugins.plugins()
            ],
            "failures": [
                {"name": failure.name, "distribution": failure.distribution, "error": failure.error}
                for failure in failures
            ],
            "providers": application.providers.names(),
            "kernels": list(application.kernels),
            "cell_types": application.cell_types.words(),
            "formats": list(application.formats),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for plugin in application.plugins.plugins():
        source = f" ({plugin.distribution} {plugin.version})" if plugin.distribution else ""
        echo(f"{plugin.name}{source}")
    click.echo()
    provided = {
        "providers": application.providers.names(),
        "kernels": application.kernels,
        "cell types": application.cell_types.words(),
        "formats": application.formats,
    }
    for kind, names in provided.items():
        echo(f"{kind + ':':<11} {', '.join(names)}", hang="  ")
    for failure in failures:
        source = f" ({failure.distribution})" if failure.distribution else ""
        echo(f"failed: {failure.name}{source}: {failure.error}", fg="red", err=True)
