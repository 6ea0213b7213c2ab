"""``llm-repl serve`` with the mock provider alone, so that nothing it is sent can reach a network."""

from __future__ import annotations

import sys

from llm_repl_core import Application, Secret, load_settings
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_providers.mock import plugin as mock_plugin
from llm_repl_server.app import create_app
from llm_repl_server.serving.production import serve
from llm_repl_server.settings import ServerSettings


def main() -> None:
    flags = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    values = {"port": int(flags["--port"]), "root": flags["--root"]}
    settings = load_settings(ServerSettings, flags=values)

    def make_app():
        plugins = PluginManager()
        plugins.register(mock_plugin, "mock")
        application = Application(settings, plugins=plugins, entry_points=False)
        return create_app(settings, application=application, token=Secret("token"))

    def announce(url: str) -> None:
        print(f"serves at {url}", flush=True)

    serve(make_app, settings.host, settings.port, on_ready=announce)


if __name__ == "__main__":
    main()
