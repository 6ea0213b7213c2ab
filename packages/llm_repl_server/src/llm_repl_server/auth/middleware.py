"""The outermost WSGI layer: what it lets through has been checked, what it refuses goes no further."""

from __future__ import annotations

import io
import json
import urllib.parse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from llm_repl_core.errors import (
    Forbidden,
    InvalidInput,
    LLMReplError,
    NotJSON,
    TooLarge,
    Unauthenticated,
)
from llm_repl_server.auth.cors import cors_headers, preflight_headers, with_cors
from llm_repl_server.auth.environ import (
    cookie_name,
    pop_query_token,
    read_request,
    target_without_token,
    wants_page,
)
from llm_repl_server.auth.policy import Policy, RequestView, Verdict
from llm_repl_server.auth.sign_in import (
    FORM_LIMIT_BYTES,
    SIGN_IN_PATH,
    read_token,
    sign_in_page,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

__all__ = ["ADMITTED_KEY", "DEFAULT_BODY_LIMIT_BYTES", "AccessMiddleware"]

ADMITTED_KEY = "llm_repl.admitted"
DEFAULT_BODY_LIMIT_BYTES = 64 * 1024 * 1024
# Before a Socket.IO client has shown its token; Engine.IO takes no more in one request either.
_STRANGERS_LIMIT_BYTES = 1_000_000

_Headers = list[tuple[str, str]]
_FORM_TYPE = "application/x-www-form-urlencoded"
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_STATUS_LINES = {
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    413: "413 Content Too Large",
    415: "415 Unsupported Media Type",
}


class AccessMiddleware:
    """Asks a policy about every request, answers the refused ones, and hands on the others.

    It stands in front of everything, Flask-SocketIO's middleware too. A Socket.IO connection whose
    page and host are in order is let through even without a token, since the token may come in the
    payload of its ``connect``: ``environ[ADMITTED_KEY]`` tells the ``connect`` handler whether it
    has to ask for one. Cross-origin headers are this middleware's alone: those of the application
    are replaced.

    Args:
        wsgi_app: What stands behind.
        policy: The rules.
        body_limit_bytes: Bodies over this are refused, whether or not they say how long they are.
        api_prefix: Where bodies have to be JSON: a form on a foreign page cannot send that.
        socket_path: Where Socket.IO listens.
    """

    def __init__(
        self,
        wsgi_app: WSGIApplication,
        policy: Policy,
        *,
        body_limit_bytes: int = DEFAULT_BODY_LIMIT_BYTES,
        api_prefix: str = "/api",
        socket_path: str = "/socket.io",
    ) -> None:
        self._wsgi_app = wsgi_app
        self._policy = policy
        self._body_limit_bytes = body_limit_bytes
        self._api_prefix = api_prefix
        self._socket_prefix = socket_path + "/"

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        token = pop_query_token(environ)
        view = read_request(environ, token)
        verdict = self._policy.evaluate(view)
        admitted = verdict is Verdict.ADMITTED
        environ[ADMITTED_KEY] = admitted
        refused = verdict in (Verdict.HOST_MALFORMED, Verdict.ORIGIN_REFUSED, Verdict.SITE_REFUSED)
        headers = [] if refused else cors_headers(view.origin)
        if not refused and _is_preflight(environ):
            start_response("204 No Content", headers + preflight_headers())
            return []
        if not refused and _is_sign_in(environ):
            return self._sign_in(environ, start_response, headers)
        is_socket = environ.get("PATH_INFO", "").startswith(self._socket_prefix)
        if not admitted and not refused and not is_socket and wants_page(environ):
            is_wrong = verdict is Verdict.TOKEN_WRONG
            return _answer_page(environ, start_response, headers, is_wrong=is_wrong)
        if not admitted and (refused or not is_socket):
            return _answer(environ, start_response, _refusal(verdict, view), headers)
        if token is not None and self._policy.token_matches(token):
            headers = [*headers, self._cookie(environ)]
        if token is not None and not is_socket and wants_page(environ):
            return _redirect(start_response, target_without_token(environ), headers)
        try:
            self._check_body(environ)
        except LLMReplError as error:
            return _answer(environ, start_response, error, headers)
        return self._wsgi_app(environ, with_cors(start_response, headers))

    def _sign_in(
        self, environ: dict[str, Any], start_response: StartResponse, headers: _Headers
    ) -> Iterable[bytes]:
        """Take the token that the page's form sends, and give a cookie for it."""
        length = environ.get("CONTENT_LENGTH") or "0"
        is_form = environ.get("CONTENT_TYPE", "").lower().startswith(_FORM_TYPE)
        form = b""
        if is_form and length.isascii() and length.isdigit() and len(length) < 6:
            form = environ["wsgi.input"].read(min(int(length), FORM_LIMIT_BYTES))
        if not self._policy.token_matches(read_token(form)):
            return _answer_page(environ, start_response, headers, is_wrong=True)
        start = _prefix(environ) + "/"  # always of this server, whatever was asked for
        return _redirect(start_response, start, [*headers, self._cookie(environ)])

    def _cookie(self, environ: dict[str, Any]) -> tuple[str, str]:
        # Lax, not Strict: with Strict, whoever follows a link to this server from another site,
        # be it the one with the token in a chat, would be asked for the token on arrival. What
        # Lax sends along on such links is a GET, which changes nothing here.
        path = urllib.parse.quote(environ.get("SCRIPT_NAME") or "/")
        value = f"{cookie_name(environ)}={self._policy.cookie_value}; Path={path}; HttpOnly; SameSite=Lax"
        if environ.get("wsgi.url_scheme") == "https":
            value += "; Secure"
        return ("Set-Cookie", value)

    def _check_body(self, environ: dict[str, Any]) -> None:
        length = self._bound_body(environ)
        path = environ.get("PATH_INFO", "")
        in_api = path == self._api_prefix or path.startswith(self._api_prefix + "/")
        if not (length and in_api and environ["REQUEST_METHOD"] in _METHODS_WITH_BODY):
            return
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not (
            kind.startswith("application/") and kind.endswith("+json")
        ):
            raise NotJSON("The body must be JSON: send it with 'Content-Type: application/json'.")

    def _bound_body(self, environ: dict[str, Any]) -> int:
        """See to it that a body is within the limit, and return its length in bytes."""
        limit_bytes = self._body_limit_bytes
        if not environ[ADMITTED_KEY]:
            limit_bytes = min(limit_bytes, _STRANGERS_LIMIT_BYTES)
        said = environ.get("CONTENT_LENGTH") or ""
        if said:
            if not (said.isascii() and said.isdigit()):
                raise InvalidInput("The Content-Length header is not a number of bytes.")
            # Some twenty digits are more bytes than there are; thousands Python refuses to read.
            if len(said) > 20 or int(said) > limit_bytes:
                raise _too_large(limit_bytes)
            return int(said)
        if not environ.get("HTTP_TRANSFER_ENCODING"):
            return 0
        # Its length shows only at its end, so it is read here, as far as the limit.
        body = io.BytesIO()
        while chunk := environ["wsgi.input"].read(64 * 1024):
            if body.tell() + len(chunk) > limit_bytes:
                raise _too_large(limit_bytes)
            body.write(chunk)
        length = body.tell()
        body.seek(0)
        environ["wsgi.input"] = body
        environ["CONTENT_LENGTH"] = str(length)
        environ.pop("HTTP_TRANSFER_ENCODING")
        return length


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {limit_bytes} bytes that are taken here.")


def _is_sign_in(environ: dict[str, Any]) -> bool:
    return (environ.get("REQUEST_METHOD"), environ.get("PATH_INFO")) == ("POST", SIGN_IN_PATH)


def _prefix(environ: dict[str, Any]) -> str:
    """What a proxy has put before the paths of this server; never another host."""
    prefix = urllib.parse.quote(
        environ.get("SCRIPT_NAME", "").strip("/").encode("latin-1", "replace")
    )
    return f"/{prefix}" if prefix else ""


def _answer_page(
    environ: dict[str, Any], start_response: StartResponse, headers: _Headers, *, is_wrong: bool
) -> Iterable[bytes]:
    page, page_headers = sign_in_page(_prefix(environ), is_wrong=is_wrong)
    added = [("WWW-Authenticate", "Bearer")]
    start_response(_STATUS_LINES[401], [*headers, *page_headers, *added])
    return [page]


def _is_preflight(environ: dict[str, Any]) -> bool:
    return (
        environ.get("REQUEST_METHOD") == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def _refusal(verdict: Verdict, view: RequestView) -> LLMReplError:
    how = "send it as 'Authorization: Bearer <token>', or open the page once with '?token=<token>'"
    match verdict:
        case Verdict.HOST_MALFORMED:
            return InvalidInput("The Host header is not a host name with an optional port.")
        case Verdict.ORIGIN_REFUSED:
            origin = repr((view.origin or "")[:200])
            return Forbidden(
                f"Pages of {origin} may not use this server; --allow-origin lets an origin in."
            )
        case Verdict.SITE_REFUSED:
            return Forbidden("Pages of other sites may not use this server.")
        case Verdict.TOKEN_WRONG:
            return Unauthenticated(f"This is not the server's token: {how}.")
        case _:
            return Unauthenticated(f"This server asks for a token: {how}.")


def _answer(
    environ: dict[str, Any], start_response: StartResponse, error: LLMReplError, headers: _Headers
) -> Iterable[bytes]:
    body = json.dumps({"error": str(error), "code": error.code}).encode()
    headers = [
        *headers,
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if not any(name == "Vary" for name, _ in headers):
        headers.append(("Vary", "Origin"))
    if isinstance(error, Unauthenticated):
        headers.append(("WWW-Authenticate", "Bearer"))
    start_response(_STATUS_LINES[error.http_status], headers)
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _redirect(start_response: StartResponse, target: str, headers: _Headers) -> Iterable[bytes]:
    start_response(
        "303 See Other",
        [
            *headers,
            ("Location", target),
            ("Content-Length", "0"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
        ],
    )
    return []
