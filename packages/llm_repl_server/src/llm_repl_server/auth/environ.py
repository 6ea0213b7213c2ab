"""A WSGI environment, read for the policy; and the token's ways into and out of a request."""

from __future__ import annotations

import urllib.parse
from functools import lru_cache
from typing import Any

from llm_repl_server.auth.hosts import parse_host
from llm_repl_server.auth.policy import RequestView

__all__ = ["cookie_name", "pop_query_token", "read_request", "target_without_token", "wants_page"]

_PROXY_HEADERS = frozenset(
    {
        "HTTP_CDN_LOOP",
        "HTTP_CF_CONNECTING_IP",
        "HTTP_CLIENT_IP",
        "HTTP_FASTLY_CLIENT_IP",
        "HTTP_FORWARDED",
        "HTTP_PROXY_CONNECTION",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_VIA",
        "HTTP_X_CLIENT_IP",
        "HTTP_X_CLUSTER_CLIENT_IP",
        "HTTP_X_PROXYUSER_IP",
        "HTTP_X_REAL_IP",
    }
)
_REMEMBERED = 256
"""For how many sets of headers it is remembered what they say: clients send the same again and again."""

_PROXY_PREFIXES = ("HTTP_X_FORWARDED", "HTTP_X_ORIGINAL_", "HTTP_X_ENVOY_")


def read_request(environ: dict[str, Any], query_token: bytes | None) -> RequestView:
    """What a request says about who sends it.

    Args:
        environ: The request.
        query_token: What `pop_query_token` took out of its query.
    """
    tokens = [] if query_token is None else [query_token]
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        tokens.append(credentials.strip().encode("latin-1", "replace"))
    return RequestView(
        method=environ.get("REQUEST_METHOD", "GET"),
        peer=environ.get("REMOTE_ADDR", ""),
        host=environ.get("HTTP_HOST"),
        protocol=environ.get("SERVER_PROTOCOL", ""),
        origin=environ.get("HTTP_ORIGIN"),
        forwarded=_is_forwarded(tuple(environ)),
        fetch_site=environ.get("HTTP_SEC_FETCH_SITE"),
        fetch_mode=environ.get("HTTP_SEC_FETCH_MODE"),
        fetch_dest=environ.get("HTTP_SEC_FETCH_DEST"),
        tokens=tuple(tokens),
        cookies=_cookies(environ.get("HTTP_COOKIE", ""), cookie_name(environ)),
    )


def pop_query_token(environ: dict[str, Any]) -> bytes | None:
    """Take ``token=`` out of a request's query, so that nothing further in can see or log it.

    Only the plain spelling counts: it is the one that logs redact.

    Returns:
        The first token's value, or None where there is none.
    """
    query = environ.get("QUERY_STRING", "")
    fields = query.split("&")
    kept = [field for field in fields if not field.startswith("token=")]
    if len(kept) == len(fields):
        return None
    environ["QUERY_STRING"] = "&".join(kept)
    for key in ("RAW_URI", "REQUEST_URI"):  # gunicorn's name and Werkzeug's
        if key in environ:
            path = str(environ[key]).partition("?")[0]
            environ[key] = f"{path}?{environ['QUERY_STRING']}" if kept else path
    value = next(field for field in fields if field.startswith("token=")).partition("=")[2]
    return urllib.parse.unquote_to_bytes(value.encode("latin-1", "replace").replace(b"+", b" "))


def target_without_token(environ: dict[str, Any]) -> str:
    """The path and query of a request whose token was taken out, to send a browser to."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    # Two slashes at the start would name another host.
    target = "/" + urllib.parse.quote(path.lstrip("/").encode("latin-1", "replace"))
    query = environ.get("QUERY_STRING", "")
    return f"{target}?{query}" if query else target


def wants_page(environ: dict[str, Any]) -> bool:
    """Whether a browser asks in order to show what comes, as a page of its own."""
    if environ.get("REQUEST_METHOD") != "GET":
        return False
    mode = environ.get("HTTP_SEC_FETCH_MODE")
    return mode == "navigate" if mode else "text/html" in environ.get("HTTP_ACCEPT", "")


def cookie_name(environ: dict[str, Any]) -> str:
    """The cookie's name; it holds the port, since cookies are shared by all ports of a host."""
    return _cookie_name(environ.get("HTTP_HOST") or "")


@lru_cache(_REMEMBERED)
def _cookie_name(host_header: str) -> str:
    host = parse_host(host_header)
    return f"llm_repl_{host.port if host and host.port else 'default'}"


@lru_cache(_REMEMBERED)
def _is_forwarded(names: tuple[str, ...]) -> bool:
    """Whether a proxy has passed a request on that has these keys."""
    return any(name in _PROXY_HEADERS or name.startswith(_PROXY_PREFIXES) for name in names)


@lru_cache(_REMEMBERED)
def _cookies(header: str, wanted: str) -> tuple[bytes, ...]:
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return tuple(value.encode("latin-1", "replace") for name, _, value in pairs if name == wanted)
