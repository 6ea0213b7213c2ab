"""Every error as JSON: one sentence and a machine's word."""

from __future__ import annotations

import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from llm_repl_core import LLMReplError
from llm_repl_core.errors import EngineClosed
from llm_repl_server.api.resource import json_response

__all__ = ["install_error_handlers"]

_log = logging.getLogger(__name__)


def install_error_handlers(app: Flask) -> None:
    """Have the application answer errors as the contract says."""
    app.register_error_handler(LLMReplError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def _known(error: LLMReplError) -> Response:
    if isinstance(error, EngineClosed):
        # What it says is for who has a session; here, the same request will do a moment later.
        sentence = "The server is stopping: ask again when it is back."
        return json_response({"error": sentence, "code": error.code}, error.http_status)
    return json_response({"error": str(error), "code": error.code}, error.http_status)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    word = (error.name or "error").lower().replace(" ", "_")
    response = json_response({"error": error.description or error.name, "code": word}, status)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _unknown(error: Exception) -> Response:
    _log.error("a request failed for a reason that is a defect", exc_info=error)
    sentence = "The server failed at this request; its log says why."
    return json_response({"error": sentence, "code": "internal_error"}, 500)
