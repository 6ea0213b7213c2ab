"""The OpenAPI description, made from what the endpoints declare."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from apispec import APISpec
from msgspec import Struct

from llm_repl_server import __version__
from llm_repl_server.api.answer_schemas import describe_answer, structs_in
from llm_repl_server.api.choices import Choices
from llm_repl_server.api.examples import EXAMPLES
from llm_repl_server.api.resource import Endpoint, Resource
from llm_repl_server.api.schemas import CHOICES_KEY, ErrorAnswer
from llm_repl_server.services.decoding import types_within
from llm_repl_server.services.encoding import OutputAnswer, output_schema

__all__ = ["describe"]

_REFERENCE = "#/components/schemas/{name}"
_EVERYWHERE = (400, 401, 403, 408, 409, 413, 414, 415, 417, 431)
"""What may be answered to anything: by the web server and the access middleware, to a body that is not
understood, and where the disk is full."""


def describe(resources: Iterable[Resource], choices: Choices | None = None) -> dict[str, Any]:
    """The description of the endpoints, as an OpenAPI 3.1 document.

    Args:
        resources: The endpoints.
        choices: What the plugins decide; left open where None.
    """
    endpoints = [endpoint for resource in resources for endpoint in resource.endpoints]
    spec = APISpec(
        title="LLM-REPL",
        version=__version__,
        openapi_version="3.1.0",
        info={"description": "Notebooks in which prompts are cells.", "license": {"name": "MIT"}},
        security=[{"token": []}, {}],
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    types = _types(endpoints)
    schemas, components = msgspec.json.schema_components(
        types, ref_template=_REFERENCE, schema_hook=output_schema(_REFERENCE)
    )
    references = dict(zip(types, schemas, strict=True))
    for endpoint in endpoints:
        if endpoint.body is not None:
            _close(components, endpoint)
    for kind in set().union(*map(structs_in, _answers(endpoints))):
        describe_answer(kind, components[kind.__name__])
    for name, schema in components.items():
        spec.components.schema(name, _without_false_items(schema))
    for resource in dict.fromkeys(endpoint.resource for endpoint in endpoints):
        spec.tag({"name": resource})
    for endpoint in endpoints:
        spec.path(
            re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", endpoint.path),
            operations={
                endpoint.method.lower(): _operation(endpoint, references, endpoints, choices)
            },
        )
    document: dict[str, Any] = _specialised(spec.to_dict(), choices)
    return document


def _without_false_items(schema: Any) -> Any:
    """A schema without ``items: false``, which apispec takes for the name of a schema.

    msgspec writes it for tuples, whose ``maxItems`` says the same.
    """
    if isinstance(schema, dict):
        return {
            key: _without_false_items(value)
            for key, value in schema.items()
            if not (key == "items" and value is False)
        }
    return [_without_false_items(item) for item in schema] if isinstance(schema, list) else schema


def _close(components: dict[str, Any], endpoint: Endpoint) -> None:
    """Say of a body that it takes no other fields than its own, and those that may be sent back."""
    assert endpoint.body is not None
    schema = components[endpoint.body.__name__]
    sent_back = {
        name: {"x-sent-back": True, "description": "May be sent back; it changes nothing."}
        for answer in endpoint.echo
        for name in answer.__struct_fields__
    }
    schema["properties"] = sent_back | schema["properties"]
    schema["additionalProperties"] = endpoint.takes_more
    for inner in types_within(endpoint.body):
        components[inner.__name__]["additionalProperties"] = False


def _types(endpoints: list[Endpoint]) -> list[type[Struct]]:
    found: dict[type[Struct], None] = {ErrorAnswer: None, OutputAnswer: None}
    for endpoint in endpoints:
        for kind in (endpoint.body, endpoint.answer, endpoint.accepted):
            if kind is not None:
                found[kind] = None
    return list(found)


def _answers(endpoints: list[Endpoint]) -> list[type[Struct]]:
    return [
        kind
        for endpoint in endpoints
        for kind in (endpoint.answer, endpoint.accepted)
        if kind is not None
    ]


def _specialised(node: Any, choices: Choices | None) -> Any:
    """Put what the choices say in the place of their marks."""
    if isinstance(node, list):
        return [_specialised(item, choices) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _specialised(value, choices) for name, value in node.items()}
    kind = found.pop(CHOICES_KEY, None)
    if kind is not None and choices is not None:
        found |= choices.keywords(kind)
    if found.get("enum") == [True]:  # not every generator knows a choice of booleans
        del found["enum"]
        found["type"] = "boolean"
    if found.get("type") == "object" and "properties" not in found:
        found.setdefault("additionalProperties", True)
    if "default" in found and "properties" not in found:
        # Generators take a field with a default for one that is always there, in requests too.
        default = json.dumps(found.pop("default"))
        note = f"Left out, it is `{default}`."
        found["description"] = " ".join(filter(None, [found.get("description"), note]))
    if found.get("multipleOf") == 1:  # a float to msgspec, so that it takes 1.0
        found = {name: value for name, value in found.items() if name != "multipleOf"}
        found["type"] = "integer"
    return found


def _operation(
    endpoint: Endpoint,
    references: dict[type[Struct], Any],
    endpoints: list[Endpoint],
    choices: Choices | None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.resource],
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, references, endpoints, choices),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": endpoint.body_required,
            "content": {"application/json": _content(endpoint, references[endpoint.body])},
        }
    return operation


def _content(endpoint: Endpoint, schema: dict[str, Any]) -> dict[str, Any]:
    example = EXAMPLES.get(endpoint.name)
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _path_names(endpoint)
    ]
    if endpoint.query is not None:
        schema = msgspec.json.schema_components([endpoint.query])[1][endpoint.query.__name__]
        required = schema.get("required", ())
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": property_schema}
            for name, property_schema in schema["properties"].items()
        ]
    if endpoint.versioned:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "The `version` that you have, in quotes.",
                "schema": {"type": "string"},
            }
        )
    if endpoint.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A UUID, the same where the request is sent again.",
                "schema": {"type": "string", "format": "uuid"},
            }
        )
    if endpoint.accepted is not None:
        parameters.append(
            {
                "name": "Prefer",
                "in": "header",
                "required": False,
                "description": "`respond-async`: respond at once with 202 and the run (RFC 7240).",
                "schema": {"type": "string"},
            }
        )
    return parameters


def _responses(
    endpoint: Endpoint,
    references: dict[type[Struct], Any],
    endpoints: list[Endpoint],
    choices: Choices | None,
) -> dict[str, Any]:
    error = {"application/json": {"schema": references[ErrorAnswer]}}
    good: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.answer is None:
        files = choices.media_types if choices is not None else ("application/octet-stream",)
        good["content"] = {
            media_type: {"schema": _file_schema(media_type)}
            for media_type in endpoint.other_types or files
        }
    else:
        good["content"] = {"application/json": {"schema": references[endpoint.answer]}}
        for media_type in endpoint.other_types:
            good["content"][media_type] = {"schema": {"type": "string"}}
        if "version" in endpoint.answer.__struct_fields__:
            good["headers"] = {
                "ETag": {"description": "The `version`, in quotes.", "schema": {"type": "string"}}
            }
    links = _links(endpoint, endpoints)
    if links:
        good["links"] = links
    responses = {str(endpoint.status): good}
    if endpoint.accepted is not None:
        accepted: dict[str, Any] = {
            "description": "It goes on by itself.",
            "content": {"application/json": {"schema": references[endpoint.accepted]}},
            "headers": {
                "Location": {"description": "Where the run is.", "schema": {"type": "string"}},
                "Preference-Applied": {
                    "description": "`respond-async`.",
                    "schema": {"type": "string"},
                },
            },
            "links": _links_to(["run_id"], {"run_id": "$response.body#/id"}, endpoints),
        }
        responses["202"] = accepted
    for status in sorted({*_EVERYWHERE, *endpoint.errors}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": error}
    return responses


def _file_schema(media_type: str) -> dict[str, Any]:
    if media_type.endswith("+json"):
        return {"type": "object"}
    is_text = media_type.startswith("text/") or media_type == "application/x-ndjson"
    return {"type": "string"} if is_text else {"type": "string", "format": "binary"}


def _links(endpoint: Endpoint, endpoints: list[Endpoint]) -> dict[str, Any]:
    """What can be done with what an endpoint has made: all that takes its id."""
    if endpoint.status != HTTPStatus.CREATED:
        return {}
    parent = [name for name in _path_names(endpoint) if name != "cell_id"]
    made = "cell_id" if parent else "notebook_id"
    parameters = {name: f"$request.path.{name}" for name in parent} | {made: "$response.body#/id"}
    return _links_to(list(parameters), parameters, endpoints)


def _links_to(
    names: list[str], parameters: dict[str, str], endpoints: list[Endpoint]
) -> dict[str, Any]:
    """All endpoints whose path takes just these parameters."""
    return {
        endpoint.name: {"operationId": endpoint.name, "parameters": parameters}
        for endpoint in endpoints
        if _path_names(endpoint) == names
    }


def _path_names(endpoint: Endpoint) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", endpoint.path)
