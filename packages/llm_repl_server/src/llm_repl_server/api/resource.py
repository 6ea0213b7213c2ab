"""How an endpoint is written: declared once, for Flask and for the OpenAPI description alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from flask import Blueprint, Response, current_app, request
from msgspec import Struct

from llm_repl_core import InvalidInput
from llm_repl_core.model.cell import VariableName
from llm_repl_server.services.house import House
from llm_repl_server.services.wire import json_bytes

__all__ = ["Endpoint", "Resource", "body_fields", "house", "json_response", "matching_versions"]

_NESTING_LIMIT = 200
"""Of lists and objects in a body. What is nested deeper than this cannot be saved to every format."""

_PATTERNS: dict[str, str] = {
    r"\S": "text that is not blank",
    get_args(VariableName)[1].pattern: "the name of a variable",
}
"""What the patterns of fields mean, for messages."""

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
        query: What it takes after ``?``.
        answer: What it answers with; None where that is not JSON.
        status: The status of a good answer.
        errors: The statuses of bad ones, besides those that any endpoint may have.
        versioned: Whether it heeds ``If-Match``.
        accepted: What it answers, with 202, to a client that does not want to wait; None: it
            heeds no ``Prefer``.
        other_types: The media types of good answers that are not JSON, where some are.
    """

    method: Method
    path: str
    summary: str
    resource: str
    name: str
    body: type[Struct] | None = None
    body_required: bool = False
    query: type[Struct] | None = None
    answer: type[Struct] | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    versioned: bool = False
    accepted: type[Struct] | None = None
    other_types: tuple[str, ...] = ()


class Resource(Blueprint):
    """A blueprint that remembers what its endpoints take and give.

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
        body: type[Struct] | None = None,
        body_required: bool = False,
        query: type[Struct] | None = None,
        answer: type[Struct] | None = None,
        status: int = 200,
        errors: tuple[int, ...] = (),
        versioned: bool = False,
        accepted: type[Struct] | None = None,
        other_types: tuple[str, ...] = (),
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the decorated function as the view of an endpoint; see `Endpoint`."""

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def answered(**parameters: str) -> Response:
                arguments: dict[str, Any] = dict(parameters)
                if body is not None:
                    arguments["body"] = _read_body(body)
                if query is not None:
                    arguments["query"] = _read_query(query)
                result = view(**arguments)
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
                    query=query,
                    answer=answer,
                    status=status,
                    errors=errors,
                    versioned=versioned,
                    accepted=accepted,
                    other_types=other_types,
                )
            )
            return answered

        return decorate


def house() -> House:
    """The services of the application that answers this request."""
    found: House = current_app.extensions["llm_repl"]
    return found


def json_response(document: Any, status: int = 200) -> Response:
    """A JSON answer; one with a ``version`` carries it as its ``ETag`` too."""
    response = Response(json_bytes(document), status, mimetype="application/json")
    if isinstance(document, dict) and isinstance(document.get("version"), str):
        response.set_etag(document["version"])
    return response


def matching_versions() -> frozenset[str] | None:
    """The versions that ``If-Match`` names; None where it is absent or ``*``."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return frozenset(request.if_match.as_set(include_weak=True))


def body_fields() -> dict[str, Any]:
    """All that the request's body says, also what its type does not know: plugins' options.

    Raises:
        InvalidInput: What its type does not know cannot be read.
    """
    try:
        fields: dict[str, Any] = msgspec.json.decode(request.get_data() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    if _is_too_deep(fields):
        raise _too_deep()
    return fields


def _read_body(body_type: type[Struct]) -> Struct:
    data = request.get_data() or b"{}"
    if "api_key" not in body_type.__struct_fields__:
        _refuse_keys(data)
    try:
        if not data.isascii():
            data.decode()  # fields that the type does not know are not looked at
        body = msgspec.json.decode(data, type=body_type)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The body is not usable: {_in_words(error)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    # So few brackets cannot be nested too deeply, and most bodies have no more.
    if data.count(b"[") + data.count(b"{") > _NESTING_LIMIT and _is_too_deep(
        msgspec.structs.asdict(body)
    ):
        raise _too_deep()
    return body


def _refuse_keys(data: bytes) -> None:
    """Refuse to keep what notebooks are saved and shown with, where it holds a provider's key."""
    if house().application.providers.redactor.data(data) != data:
        raise InvalidInput(
            "The body holds the key of a provider, which would be saved with the notebook: leave "
            "it out. Providers have their keys without it; other code can be given its own."
        )


def _is_too_deep(fields: dict[str, Any]) -> bool:
    level: list[Any] = list(fields.values())
    for _ in range(_NESTING_LIMIT):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _too_deep() -> InvalidInput:
    return InvalidInput(
        f"The body's lists and objects are nested deeper than the {_NESTING_LIMIT} levels that are "
        "taken here."
    )


def _read_query(query_type: type[Struct]) -> Struct:
    try:
        return msgspec.convert(request.args.to_dict(), query_type, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The query is not usable: {_in_words(error)}.") from None


def _in_words(error: msgspec.ValidationError) -> str:
    """Msgspec's ``Expected `str`, got `int` - at `$.name``` with the field's plain name."""
    message = str(error).replace("`$.", "`").replace(" - at `$`", "").replace(" - at ", " at ")
    for pattern, words in _PATTERNS.items():
        message = message.replace(f"`str` matching regex {pattern!r}", words)
    return message[:1].lower() + message[1:]
