"""The application factory: the only place that wires the server together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from llm_repl_core import Application, Secret, load_settings
from llm_repl_server.api.bin import deleted
from llm_repl_server.api.calls import calls
from llm_repl_server.api.cell_answers import cell_answers
from llm_repl_server.api.cells import cells
from llm_repl_server.api.choices import Choices
from llm_repl_server.api.description_pages import install_description
from llm_repl_server.api.errors import install_error_handlers
from llm_repl_server.api.execution import execution
from llm_repl_server.api.files import files
from llm_repl_server.api.health import health
from llm_repl_server.api.housekeeping import housekeeping
from llm_repl_server.api.llm import llm
from llm_repl_server.api.notebooks import notebooks
from llm_repl_server.api.paths import NotebookIdConverter
from llm_repl_server.api.prompts import prompts
from llm_repl_server.api.runs import runs
from llm_repl_server.api.search import search
from llm_repl_server.api.variables import variables
from llm_repl_server.auth.middleware import ADMITTED_KEY, AccessMiddleware
from llm_repl_server.auth.policy import Policy
from llm_repl_server.auth.token import load_token
from llm_repl_server.compat.werkzeug import MatchingRule
from llm_repl_server.page.serving import no_page, page
from llm_repl_server.services.services import Services
from llm_repl_server.serving.base_path import BasePathMiddleware, check_base_path
from llm_repl_server.serving.stopping import on_stop
from llm_repl_server.settings import ServerSettings
from llm_repl_server.sockets.broadcaster import Broadcaster
from llm_repl_server.sockets.server import make_socketio
from llm_repl_server.sockets.stopping import close_connections, hold_polls
from llm_repl_server.sockets.subscriptions import handle_subscriptions

__all__ = ["RESOURCES", "create_app"]

RESOURCES = (
    notebooks, cells, cell_answers, deleted, execution, runs, prompts, variables, calls, search,
    files, llm, health, housekeeping,
)  # fmt: skip


def create_app(
    settings: ServerSettings | None = None,
    *,
    application: Application | None = None,
    token: Secret | None = None,
) -> Flask:
    """Make a server: the REST API, the sockets, and the access middleware in front of both.

    Args:
        settings: The server's settings; those of the user where None.
        application: Has the plugins; one made from the settings where None.
        token: What lets others in; the settings' where None, else a new one that nobody knows.

    Raises:
        InvalidSetting: A setting cannot be used.
        StorageError: The database cannot be used.
    """
    settings = settings or load_settings(ServerSettings)
    policy = Policy(
        settings.auth, token or load_token(settings.token).secret, settings.allow_origin
    )
    app = Flask("llm_repl_server", static_folder=None)
    app.url_rule_class = MatchingRule
    app.url_map.converters["notebook"] = NotebookIdConverter
    for resource in RESOURCES:
        app.register_blueprint(resource)
    install_error_handlers(app)
    services = Services(settings, application)
    app.extensions["llm_repl"] = services
    socketio = make_socketio(app, services.loop.loop)
    broadcaster = Broadcaster(services.loop.loop, services.publisher.numbers)

    def admit(environ: Mapping[str, Any], auth: object) -> bool:
        if environ.get(ADMITTED_KEY, False):
            return True
        return isinstance(auth, dict) and policy.token_matches(auth.get("token"))

    handle_subscriptions(socketio, broadcaster, admit)
    app.wsgi_app = AccessMiddleware(  # type: ignore[method-assign]  # Flask's own way to add a middleware
        app.wsgi_app, policy, body_limit_bytes=settings.body_limit_bytes
    )
    base_path = check_base_path(settings.base_path)
    if base_path or settings.trust_proxy:
        app.wsgi_app = BasePathMiddleware(  # type: ignore[method-assign]  # as above
            app.wsgi_app, base_path, trust_proxy=settings.trust_proxy
        )
    app.register_blueprint(page if settings.page else no_page)
    install_description(app, RESOURCES, _choices(services.application))

    services.publisher.add_listener(broadcaster)

    async def close_sockets() -> None:
        broadcaster.flush()
        await close_connections(socketio)

    def stop() -> None:
        hold_polls(socketio)
        services.close(last=close_sockets)

    on_stop(app, stop)
    return app


def _choices(application: Application) -> Choices:
    classes = map(application.cell_types.get, application.cell_types.words())
    return Choices(
        cell_types=tuple(
            word for cell_class in classes for word in (cell_class.type, cell_class.wire_type)
        ),
        formats=tuple(suffix.removeprefix(".") for suffix in application.formats),
        readable_formats=tuple(
            suffix.removeprefix(".") for suffix in application.readable_formats()
        ),
        media_types=tuple(
            dict.fromkeys(make_format().media_type for make_format in application.formats.values())
        ),
    )
