"""Who may come in, decided from what a request says about itself; nothing is read or written here.

A request of this very machine needs no token in the mode ``auto``, so that ``curl localhost:5000``
and a page on another local port just work. Whatever hints at anybody else makes it need one: a
peer, a host or a page's origin that is not the loopback, or the trace of a proxy.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from llm_repl_core.errors import InvalidSetting
from llm_repl_core.providers.secret import Secret
from llm_repl_server.auth.hosts import (
    Origin,
    is_loopback_address,
    is_loopback_host,
    is_same_origin,
    parse_host,
    parse_origin,
)

__all__ = ["AuthMode", "Policy", "RequestView", "Verdict"]

AuthMode = Literal["auto", "token", "none"]


class RequestView(Struct, frozen=True, kw_only=True):
    """What a request says about who sends it.

    Attributes:
        method: Such as ``GET``.
        peer: The address that the connection comes from; empty for a Unix socket.
        host: The ``Host`` header, or None.
        protocol: Such as ``HTTP/1.1``.
        origin: The ``Origin`` header, or None.
        forwarded: Whether a header says that a proxy has passed the request on.
        fetch_site: ``Sec-Fetch-Site``, or None; browsers send it, and no page can change it.
        fetch_mode: ``Sec-Fetch-Mode``, or None.
        fetch_dest: ``Sec-Fetch-Dest``, or None.
        tokens: What came as a token, by header or query.
        cookies: What came as this server's cookie.
    """

    method: str
    peer: str
    host: str | None
    protocol: str = "HTTP/1.1"
    origin: str | None = None
    forwarded: bool = False
    fetch_site: str | None = None
    fetch_mode: str | None = None
    fetch_dest: str | None = None
    tokens: tuple[bytes, ...] = ()
    cookies: tuple[bytes, ...] = ()


class Verdict(enum.Enum):
    """What becomes of a request."""

    ADMITTED = enum.auto()
    TOKEN_MISSING = enum.auto()
    TOKEN_WRONG = enum.auto()
    HOST_MALFORMED = enum.auto()
    ORIGIN_REFUSED = enum.auto()
    SITE_REFUSED = enum.auto()


class Policy:
    """The rules of one server.

    Args:
        mode: ``auto``: this machine comes in freely, everybody else by token; ``token``: everybody
            by token; ``none``: everybody.
        token: What lets others in; None only in the mode ``none``.
        allow_origins: Origins, besides the loopback's and the server's own, whose pages may ask.

    Raises:
        InvalidSetting: An origin is not one, or there is no token where one is needed.
    """

    __slots__ = ("_allowed", "_token", "cookie_value", "mode")

    def __init__(
        self, mode: AuthMode, token: Secret | None, allow_origins: Iterable[str] = ()
    ) -> None:
        secret = token.reveal().encode("utf-8", "surrogatepass") if token else b""
        if not secret and mode != "none":
            raise InvalidSetting(f"auth: the mode '{mode}' needs a token that is not empty.")
        self.mode = mode
        self._token = secret
        self._allowed = frozenset(_exact_origin(value) for value in allow_origins)
        #: What the cookie holds: not the token itself, since a browser gives a host's cookies to
        #: the servers of its other ports too, and a token may hold what a cookie may not.
        self.cookie_value = hmac.new(secret, b"llm-repl cookie", hashlib.sha256).hexdigest()

    def evaluate(self, view: RequestView) -> Verdict:
        """Decide about a request."""
        host = parse_host(view.host) if view.host else None
        if view.host and host is None:
            return Verdict.HOST_MALFORMED
        if view.origin is not None:
            if not self.origin_allowed(view.origin, view.host):
                return Verdict.ORIGIN_REFUSED
        elif view.fetch_site == "cross-site" and not _is_page_load(view):
            return Verdict.SITE_REFUSED
        if self.mode == "none" or (self.mode == "auto" and _is_from_this_machine(view)):
            return Verdict.ADMITTED
        if any(map(self.token_matches, view.tokens)) or any(
            map(self._cookie_matches, view.cookies)
        ):
            return Verdict.ADMITTED
        return Verdict.TOKEN_WRONG if view.tokens or view.cookies else Verdict.TOKEN_MISSING

    def origin_allowed(self, origin: str, host: str | None = None) -> bool:
        """Whether pages of an origin may ask at all, be it with a token.

        Args:
            origin: An ``Origin`` header; ``null`` is never allowed.
            host: The ``Host`` header, where a page of the server itself is to be recognised.
        """
        parsed = parse_origin(origin)
        if parsed is None:
            return False
        if parsed in self._allowed or _is_loopback_origin(parsed):
            return True
        asked = parse_host(host) if host else None
        return asked is not None and is_same_origin(parsed, asked)

    def token_matches(self, candidate: object) -> bool:
        """Whether something that a client sent is the token; the time it takes tells nothing.

        Args:
            candidate: Anything; what is neither text nor bytes never matches.
        """
        if isinstance(candidate, str):
            candidate = candidate.encode("utf-8", "surrogatepass")
        if not isinstance(candidate, bytes) or not self._token:
            return False
        return hmac.compare_digest(candidate, self._token)

    def _cookie_matches(self, value: bytes) -> bool:
        return bool(self._token) and hmac.compare_digest(value, self.cookie_value.encode())


def _is_from_this_machine(view: RequestView) -> bool:
    # A proxy on this machine is a loopback peer too. One that leaves no header, as nginx does
    # unless told otherwise, has long been known by the old protocol that it speaks.
    if view.forwarded or view.protocol == "HTTP/1.0" or not is_loopback_address(view.peer):
        return False
    host = parse_host(view.host) if view.host else None
    if host is None or not is_loopback_host(host.name):
        return False  # also a page whose name server points to this machine: DNS rebinding
    if view.origin is None:
        return True
    origin = parse_origin(view.origin)
    return origin is not None and _is_loopback_origin(origin)


def _is_page_load(view: RequestView) -> bool:
    """Whether somebody followed a link to here: the page that linked cannot read what comes."""
    return (view.method, view.fetch_mode, view.fetch_dest) == ("GET", "navigate", "document")


def _is_loopback_origin(origin: Origin) -> bool:
    return origin.scheme in ("http", "https") and is_loopback_host(origin.name)


def _exact_origin(value: str) -> Origin:
    origin = parse_origin(value.strip().removesuffix("/"))
    if origin is None:
        raise InvalidSetting(
            f"allow-origin: {value!r} is not an origin; give one as in 'https://example.org'."
        )
    return origin
