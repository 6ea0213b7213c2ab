"""Serves the description of the API, and a page that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, request
from flask_swagger_ui import get_swaggerui_blueprint

from llm_repl_server.api.choices import Choices
from llm_repl_server.api.resource import Resource, json_response

__all__ = ["DOCUMENT_PATH", "PAGE_PATH", "install_description"]

DOCUMENT_PATH = "/api/openapi.json"
PAGE_PATH = "/api/docs"


def install_description(app: Flask, resources: Iterable[Resource], choices: Choices) -> None:
    """Serve the description, and a page that shows it with nothing from elsewhere."""

    @cache
    def document() -> dict[str, Any]:
        # When it is asked for: it takes as long as all the rest of a server's start.
        from llm_repl_server.api.openapi import describe

        return describe(resources, choices)

    described = Blueprint("openapi", __name__)

    @described.get(DOCUMENT_PATH)
    def openapi() -> Response:
        if request.script_root:  # its paths are not at the root of the host
            return json_response({**document(), "servers": [{"url": request.script_root}]})
        return json_response(document())

    shown = get_swaggerui_blueprint(
        PAGE_PATH,
        DOCUMENT_PATH,
        config={"app_name": "LLM-REPL", "validatorUrl": None, "oauth2RedirectUrl": ""},
    )
    shown.after_request(_under_base_path)
    app.register_blueprint(described)
    app.register_blueprint(shown)


def _under_base_path(response: Response) -> Response:
    """Have the page ask for its parts below the path that stands before all others."""
    if request.script_root and response.mimetype == "text/html":
        root = request.script_root.encode()
        response.set_data(response.get_data().replace(b'"/api/', b'"' + root + b"/api/"))
    return response
