"""How an endpoint is written: declared once, for Flask and for the OpenAPI description alike."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from flask import Blueprint, Response, current_app, g, request
from msgspec import Struct

from llm_repl_core import InvalidInput
from llm_repl_core.engine.answers.versions import AnswerPage
from llm_repl_server.services.answers import CellAnswer
from llm_repl_server.services.decoding import read_document, to_struct
from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.services.services import Services

__all__ = [
    "Endpoint",
    "Resource",
    "body_fields",
    "idempotency_key",
    "json_response",
    "matching_versions",
    "services",
]

_EVENTS_LIMIT_S = 1.0
"""How long an answer waits for the events of what it did, where something holds them up."""

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]


class Endpoint(Struct, frozen=True, kw_only=True):
    """What the description says of an endpoint.

    Attributes:
        method: The HTTP method.
        path: As Flask writes it: ``/api/notebooks/<notebook_id>``.
        summary: One line, the view's docstring.
        resource: The name of its resource.
        name: The view's name.
        body: What it takes, where it takes a body; an empty one counts as ``{}``.
        body_required: Whether ``{}`` is not enough.
        echo: Answers whose fields may be sent back in the body; those that the body's type does not
            have change nothing.
        takes_more: Whether plugins may add fields to the body.
        query: What it takes after ``?``.
        answer: What it answers with; None where that is not JSON.
        status: The status of a good answer.
        errors: The statuses of bad ones, besides those that any endpoint may have.
        versioned: Whether it heeds ``If-Match``.
        idempotent: Whether it heeds ``Idempotency-Key``.
        accepted: What it answers, with 202, to a client that does not want to wait; None: it
            heeds no ``Prefer``.
        other_types: The media types of good answers that are not JSON, where some are. Where none is
            JSON and none is named, it answers with a notebook file.
    """

    method: Method
    path: str
    summary: str
    resource: str
    name: str
    body: type[Struct] | None = None
    body_required: bool = False
    echo: tuple[type[Struct], ...] = ()
    takes_more: bool = False
    query: type[Struct] | None = None
    answer: type[Struct] | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    versioned: bool = False
    idempotent: bool = False
    accepted: type[Struct] | None = None
    other_types: tuple[str, ...] = ()


class Resource(Blueprint):
    """A blueprint that remembers what its endpoints take and give.

    What changes something is answered when its events have left, which are published by the time
    that its view returns.

    A view gets the path's parameters and, where declared, ``body`` or ``query``: validated. What
    it returns is sent as JSON, unless it is a response already.

    Args:
        name: The resource's name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)
        self.endpoints: list[Endpoint] = []

    def operation(
        self,
        method: Method,
        path: str,
        *,
        body_required: bool = False,
        echo: tuple[type[Struct], ...] = (),
        status: int = 200,
        errors: tuple[int, ...] = (),
        versioned: bool = False,
        idempotent: bool = False,
        accepted: type[Struct] | None = None,
        other_types: tuple[str, ...] = (),
        more_fields: Callable[[], Collection[str]] = tuple,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the decorated function as the view of an endpoint; see `Endpoint`.

        What it takes as ``body`` and as ``query``, and what it answers, its annotations say.
        ``more_fields`` says, when a request is there, which fields plugins add to the body.
        """

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            hints = get_type_hints(view)
            body: type[Struct] | None = hints.get("body")
            query: type[Struct] | None = hints.get("query")
            echoed = {name for answer in echo for name in answer.__struct_fields__}

            @wraps(view)
            def answered(**parameters: str) -> Response:
                arguments: dict[str, Any] = dict(parameters)
                if body is not None:
                    arguments["body"] = _read_body(body, echoed.union(more_fields()))
                if query is not None:
                    arguments["query"] = _read_query(query)
                try:
                    result = view(**arguments)
                finally:
                    if method != "GET":
                        services().publisher.wait_until_left(_EVENTS_LIMIT_S)
                return result if isinstance(result, Response) else json_response(result, status)

            self.add_url_rule(path, view_func=answered, methods=[method])
            self.endpoints.append(
                Endpoint(
                    method=method,
                    path=path,
                    summary=inspect.cleandoc(view.__doc__ or ""),
                    resource=self.name,
                    name=view.__name__,
                    body=body,
                    body_required=body_required,
                    echo=echo,
                    takes_more=more_fields is not tuple,
                    query=query,
                    answer=_struct_in(hints["return"]),
                    status=status,
                    errors=errors,
                    versioned=versioned,
                    idempotent=idempotent,
                    accepted=accepted,
                    other_types=other_types,
                )
            )
            return answered

        return decorate


def _struct_in(annotation: Any) -> type[Struct] | None:
    """What of a view's annotation is its answer; the rest are responses that are made already."""
    kinds = get_args(annotation) or (annotation,)
    return next(
        (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Struct)), None
    )


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["llm_repl"]
    return found


def json_response(document: Any, status: int = 200) -> Response:
    """A JSON answer; that of a cell, or of its answers, carries its version as its ``ETag`` too."""
    response = Response(json_bytes(document), status, mimetype="application/json")
    if isinstance(document, CellAnswer | AnswerPage):
        response.set_etag(document.version)
    return response


def matching_versions() -> frozenset[str] | None:
    """The versions that ``If-Match`` names; None where it is absent or ``*``."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return frozenset(request.if_match.as_set(include_weak=True))


def idempotency_key() -> str | None:
    """The UUID that the request gives as its ``Idempotency-Key``; None: it has none.

    Raises:
        InvalidInput: It is no UUID.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    try:
        return str(uuid.UUID(key.strip().strip('"')))
    except ValueError:
        raise InvalidInput("`Idempotency-Key` has to be a UUID.") from None


def body_fields() -> dict[str, Any]:
    """All that the request's body says, also what its type does not know: plugins' options."""
    fields: dict[str, Any] = g.llm_repl_body
    return fields


def _read_body(body_type: type[Struct], echo: Collection[str]) -> Struct:
    data = request.get_data() or b"{}"
    if "api_key" not in body_type.__struct_fields__:
        _refuse_keys(data)
    g.llm_repl_body = read_document(data)
    return to_struct(g.llm_repl_body, body_type, echo=echo)


def _refuse_keys(data: bytes) -> None:
    """Refuse to keep what notebooks are saved and shown with, where it holds a provider's key."""
    if services().application.providers.redactor.data(data) != data:
        raise InvalidInput(
            "The body contains a provider's key, which would be saved with the notebook: leave "
            "it out. Providers have their keys without it; other code can be given its own."
        )


def _read_query(query_type: type[Struct]) -> Struct:
    return to_struct(request.args.to_dict(), query_type, what="query", strict=False)
