"""The OpenAPI description, made from what the endpoints declare, and its page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from apispec import APISpec
from flask import Blueprint, Flask, Response
from flask_swagger_ui import get_swaggerui_blueprint
from msgspec import Struct

from llm_repl_server import __version__
from llm_repl_server.api.resource import Endpoint, Resource, json_response
from llm_repl_server.api.schemas import ErrorAnswer

__all__ = ["describe", "install_description"]

DOCUMENT_PATH = "/api/openapi.json"
PAGE_PATH = "/api/docs"

_REFERENCE = "#/components/schemas/{name}"
_EVERYWHERE = (400, 401, 403, 413, 415)
"""What the door may answer to anything, and a body that is not understood."""


def describe(resources: Iterable[Resource]) -> dict[str, Any]:
    """The description of the endpoints, as an OpenAPI 3.1 document."""
    endpoints = [one for resource in resources for one in resource.endpoints]
    spec = APISpec(
        title="LLM-REPL",
        version=__version__,
        openapi_version="3.1.0",
        info={"description": "Notebooks in which prompts are cells.", "license": {"name": "MIT"}},
        security=[{"token": []}, {}],
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    types = _types(endpoints)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    references = dict(zip(types, schemas, strict=True))
    for name, schema in components.items():
        spec.components.schema(name, schema)
    for resource in dict.fromkeys(one.resource for one in endpoints):
        spec.tag({"name": resource})
    for endpoint in endpoints:
        spec.path(
            re.sub(r"<(\w+)>", r"{\1}", endpoint.path),
            operations={endpoint.method.lower(): _operation(endpoint, references)},
        )
    document: dict[str, Any] = spec.to_dict()
    return document


def install_description(app: Flask, resources: Iterable[Resource]) -> None:
    """Serve the description, and a page that shows it with nothing from elsewhere."""
    document = describe(resources)
    described = Blueprint("openapi", __name__)

    @described.get(DOCUMENT_PATH)
    def openapi() -> Response:
        return json_response(document)

    app.register_blueprint(described)
    app.register_blueprint(
        get_swaggerui_blueprint(
            PAGE_PATH, DOCUMENT_PATH, config={"app_name": "LLM-REPL", "validatorUrl": None, "oauth2RedirectUrl": ""}
        )
    )


def _types(endpoints: list[Endpoint]) -> list[type[Struct]]:
    found: dict[type[Struct], None] = {ErrorAnswer: None}
    for endpoint in endpoints:
        for one in (endpoint.body, endpoint.answer):
            if one is not None:
                found[one] = None
    return list(found)


def _operation(endpoint: Endpoint, references: dict[type[Struct], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.resource],
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, references),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": endpoint.body_required,
            "content": {"application/json": {"schema": references[endpoint.body]}},
        }
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"<(\w+)>", endpoint.path)
    ]
    if endpoint.query is not None:
        schema = msgspec.json.schema_components([endpoint.query])[1][endpoint.query.__name__]
        required = schema.get("required", ())
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": one}
            for name, one in schema["properties"].items()
        ]
    if endpoint.versioned:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "The `version` that you know, in quotes.",
                "schema": {"type": "string"},
            }
        )
    return parameters


def _responses(endpoint: Endpoint, references: dict[type[Struct], Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": references[ErrorAnswer]}}
    good: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.answer is not None:
        good["content"] = {"application/json": {"schema": references[endpoint.answer]}}
    else:
        good["content"] = {"*/*": {"schema": {}}}
    responses = {str(endpoint.status): good}
    for status in sorted({*_EVERYWHERE, *endpoint.errors}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": error}
    return responses
