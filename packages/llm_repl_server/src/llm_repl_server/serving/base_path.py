"""The path that stands before all others, where a proxy serves several programs under one name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from llm_repl_core.errors import InvalidSetting

__all__ = ["BasePathMiddleware", "check_base_path"]

_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]{1,100}){1,10}")
_OWN: Final = frozenset({"api", "frame", "sign-in", "socket.io", "static"})
_FORWARDED: Final = "HTTP_X_FORWARDED_PREFIX"


def check_base_path(base_path: str | None) -> str:
    """The base path as addresses have it: ``/notebooks``; empty where there is none.

    Raises:
        InvalidSetting: It is no path, or begins as an address of this server does.
    """
    path = "/" + (base_path or "").strip().strip("/")
    if path == "/":
        return ""
    if not _PATH.fullmatch(path) or "/." in path:
        raise InvalidSetting(
            f"base-path: {base_path!r} is not a path of letters, digits, dots, hyphens, underscores "
            "and tildes, such as /notebooks."
        )
    if path.split("/")[1] in _OWN:
        raise InvalidSetting(
            f"base-path: {base_path!r} begins as an address of this server itself does; take "
            "another one, such as /notebooks."
        )
    return path


class BasePathMiddleware:
    """Tells those behind it what stands before their paths.

    It takes requests with the path in front, as most proxies pass them on, and without it, as those
    do that take it away.

    Args:
        wsgi_app: What stands behind.
        base_path: As `check_base_path` gives it.
        trust_proxy: Whether ``X-Forwarded-Prefix`` is believed; it goes before ``base_path``.
    """

    def __init__(
        self,
        wsgi_app: Callable[..., Iterable[bytes]],
        base_path: str,
        *,
        trust_proxy: bool,
    ) -> None:
        self._wsgi_app = wsgi_app
        self._base_path = base_path
        self._trust_proxy = trust_proxy

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        prefix = self._prefix(environ)
        if prefix:
            path = environ.get("PATH_INFO", "")
            if path == prefix:
                # What the page asks for is relative to its address, which has to end in a slash.
                return _to_folder(environ, start_response, prefix)
            if path.startswith(prefix + "/"):
                environ["PATH_INFO"] = path[len(prefix) :]
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
        return self._wsgi_app(environ, start_response)

    def _prefix(self, environ: dict[str, Any]) -> str:
        if self._trust_proxy:
            # Several proxies each write theirs; the first is the one that the browser knows.
            told = "/" + environ.get(_FORWARDED, "").partition(",")[0].strip().strip("/")
            if _PATH.fullmatch(told) and "/." not in told:
                return str(told)
        return self._base_path


def _to_folder(
    environ: dict[str, Any], start_response: Callable[..., Any], prefix: str
) -> Iterable[bytes]:
    query = environ.get("QUERY_STRING", "")
    location = f"{environ.get('SCRIPT_NAME', '')}{prefix}/" + (f"?{query}" if query else "")
    start_response("308 Permanent Redirect", [("Location", location), ("Content-Length", "0")])
    return []
