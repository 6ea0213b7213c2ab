"""``llm-repl serve``: the server, run for real or while it is being worked on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from llm_repl_server.cli.browser import open_in_browser
from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.errors import exit_on_error
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.standard_streams import prepare_streams

if TYPE_CHECKING:
    from flask import Flask

    from llm_repl_server.services.services import Services
    from llm_repl_server.settings import ServerSettings

__all__ = ["command", "serve_everywhere"]


@click.command("serve")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path), shell_complete=complete_notebooks
)
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="The port; 0: any free port.  [default: 5000]")
@click.option("--debug", is_flag=True, default=None, help="Reload when code changes.")
@click.option(
    "--auth",
    type=click.Choice(["auto", "token", "none"]),
    help="Who needs the token: everyone except programs on this machine, everyone, no one.  "
    "[default: auto]",
)
@click.option("--allow-origin", multiple=True, help="Also allow pages from this origin (CORS).")
@click.option(
    "--root",
    type=click.Path(file_okay=False, exists=True),
    help="The folder for notebook files.  [default: the working directory]",
)
@click.option(
    "--base-path",
    metavar="PATH",
    help="The path that a proxy serves this under, such as /notebooks.",
)
@click.option(
    "--trust-proxy",
    is_flag=True,
    default=None,
    help="Take that path from X-Forwarded-Prefix; only behind a proxy that sets or removes it.",
)
@click.option("--no-page", "page", flag_value=False, default=None, help="Serve the API alone.")
@click.option("--database-url", help="The database for notebooks.")
@click.option("--config", type=click.Path(path_type=Path), help="The settings file.")
@click.option(
    "--open/--no-open",
    "opens_page",
    default=None,
    help="Open the page in the browser.  [default: with FILE]",
)
@click.pass_obj
def command(
    defaults: dict[str, Any] | None,
    /,
    file: Path | None,
    config: Path | None,
    opens_page: bool | None,
    **flags: Any,
) -> None:
    """Serve notebooks over HTTP and Socket.IO, until Ctrl-C.

    With FILE, a notebook, that one is opened: what is changed in the page is written to it, and what
    other programs change in it is shown. It is under the root folder; where none is set, its own
    folder can be the root.
    """
    from llm_repl_core import load_settings
    from llm_repl_server.auth.token import load_token
    from llm_repl_server.serving.base_path import check_base_path
    from llm_repl_server.settings import ServerSettings

    flags["allow_origin"] = flags["allow_origin"] or None
    settings = load_settings(ServerSettings, flags=flags, file=config, defaults=defaults)
    if file is not None:
        settings = _with_root_of(file, settings)
    loaded = load_token(settings.token)
    place = ""

    def make_app() -> Any:
        from llm_repl_server.app import create_app
        from llm_repl_server.serving.stopping import stop_application

        nonlocal place
        app = create_app(settings, token=loaded.secret)
        if file is not None:
            try:
                place = _open_notebook(app, file)
            except BaseException:
                stop_application(app)
                raise
        return app

    base_path = check_base_path(settings.base_path)

    def announce(url: str) -> None:
        url += base_path
        shown = f"{url}/?token={loaded.secret.reveal()}" if loaded.generated else url
        echo(f"LLM-REPL serves at {shown if settings.auth != 'none' else url}")
        if place:
            echo(f"{file} is open at {url}/{place}")
        echo(f"The API is documented at {url}/api/docs. Press Ctrl-C to stop the server.")
        if settings.auth == "none":
            echo(
                "Warning: with --auth none, anyone who can reach this port has access, "
                "and code cells run with your permissions.",
                fg="yellow",
                err=True,
            )
        if opens_page or (opens_page is None and place):
            # Without the token, which other users could see among the browser's arguments: this
            # machine's own programs need none, and else the page asks for it.
            open_in_browser(f"{url}/{place}" if place else url)

    if settings.debug:
        from llm_repl_server.serving.development import serve_for_development

        serve_for_development(make_app, settings.host, settings.port, on_ready=announce)
    else:
        from llm_repl_server.serving.production import serve as serve_for_real

        serve_for_real(
            make_app, settings.host, settings.port, threads=settings.threads, on_ready=announce
        )


def _with_root_of(file: Path, settings: ServerSettings) -> ServerSettings:
    """The settings, with a root folder that a file is in.

    Raises:
        InvalidInput: It is not in the one that is set.
        FileMissing: There is no such file.
    """
    import msgspec

    from llm_repl_core.errors import FileMissing, InvalidInput

    if not file.exists():
        raise FileMissing(f"There is no file {file}.")
    if file.resolve().is_relative_to(settings.root_folder()):
        return settings
    if settings.root is not None:
        raise InvalidInput(
            f"{file} is not in the root folder, {settings.root_folder()}: name another with --root."
        )
    return msgspec.structs.replace(settings, root=str(file.resolve().parent))


def _open_notebook(app: Flask, file: Path) -> str:
    """Open a file; gives the part of the address that shows it."""
    services: Services = app.extensions["llm_repl"]
    opened = services.loop.call(services.notebook_files.open(str(file.resolve())))
    return f"#/notebooks/{quote(opened.id, safe='')}"


def serve_everywhere() -> None:
    """The command of ``python app.py``: the same, at all addresses where nothing else is said.

    Whoever is not on this machine needs the token.
    """
    prepare_streams()
    with exit_on_error():
        command.main(prog_name="app.py", obj={"host": "0.0.0.0"})  # noqa: S104
