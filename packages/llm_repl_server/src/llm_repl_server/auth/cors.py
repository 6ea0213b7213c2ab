"""The headers that tell a browser which pages may read the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse

__all__ = ["cors_headers", "preflight_headers", "with_cors"]

_Headers = list[tuple[str, str]]


def cors_headers(origin: str | None) -> _Headers:
    """The headers of an answer to an origin that is allowed, or to no origin."""
    if origin is None:
        return [("Vary", "Origin")]
    return [
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),  # the cookie, where the origin is same-site
        ("Access-Control-Expose-Headers", "ETag, Location"),
    ]


def preflight_headers() -> _Headers:
    """What an answer to a preflight request says besides."""
    return [
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", "Content-Type, Authorization, If-Match, Prefer"),
        ("Access-Control-Max-Age", "600"),
    ]


def with_cors(start_response: StartResponse, added: _Headers) -> StartResponse:
    """Wrap a ``start_response`` so that ``added`` replaces the application's own such headers."""

    def start(
        status: str, headers: _Headers, exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        varies = [value for name, value in headers if name.lower() == "vary"]
        kept = [
            (name, value)
            for name, value in headers
            if name.lower() != "vary" and not name.lower().startswith("access-control-")
        ]
        for name, value in added:
            kept.append((name, ", ".join([*varies, value]) if name == "Vary" else value))
        arguments: tuple[Any, ...] = () if exc_info is None else (exc_info,)
        return start_response(status, kept, *arguments)

    return start
