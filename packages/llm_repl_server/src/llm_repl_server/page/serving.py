"""Serves the built page.

Its files are committed with the package (``static/``), so that running needs no Node. What notebooks
hold of HTML and SVG is shown in `frame`, a document of its own: a browser gives it another origin, so
that its scripts reach neither the page, nor its cookies and storage, nor the API.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import secrets
from importlib import resources
from typing import Final

from flask import Blueprint, Response, abort, request
from msgspec import Struct

__all__ = ["no_page", "page"]

page = Blueprint("page", __name__)
no_page = Blueprint("no_page", __name__)
"""In the place of `page` where the API alone is served."""

_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_NONCE_PLACE: Final = b"{nonce}"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data: blob:; media-src data: blob:; connect-src 'self'; frame-src 'self'; worker-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_FRAME_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src {scripts}; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_ANY_SCRIPT: Final = "'unsafe-inline' 'unsafe-eval'"
# It writes what it is handed into itself, with a script of the page's in front. Before that, it takes
# away what reaches other machines whatever the policy says: WebRTC, and leading the frame elsewhere,
# for which browsers connect ahead.
_FRAME: Final = """<!doctype html><meta charset="utf-8"><title>Output</title><script nonce="{nonce}">
const { nonce } = document.currentScript;
for (const name of Object.getOwnPropertyNames(window)) if (/^(webkit)?RTC/.test(name)) delete window[name];
window.navigation?.addEventListener("navigate", (event) => { if (!event.hashChange) event.preventDefault(); });
addEventListener("message", (event) => {
  if (event.source !== parent || typeof event.data?.html !== "string") return;
  const html = event.data.html.replace(/<(meta|link|base|iframe|frame|object|embed|portal|fencedframe)(?=[\\s/>])/gi, "<no-$1");
  document.open();
  const script = '<script nonce="' + nonce + '">' + event.data.script + "</" + "script>";
  document.write('<!doctype html><meta charset="utf-8">' + script + html);
  document.close();
}, { once: true });
parent.postMessage({ ready: true }, "*");
</script>
"""


class _File(Struct, frozen=True):
    data: bytes
    compressed: bytes
    media_type: str
    etag: str


@page.get("/")
def start() -> Response:
    """The page."""
    nonce = secrets.token_urlsafe(16)
    html = _file("index.html").data.replace(_NONCE_PLACE, nonce.encode())
    response = Response(html, mimetype=_MEDIA_TYPES[".html"])
    response.headers["Content-Security-Policy"] = _POLICY.replace("{nonce}", nonce)
    response.headers["Cache-Control"] = "no-store"
    return _guarded(response)


@no_page.get("/")
def description() -> Response:
    """Lead to the description of the API."""
    return Response(status=303, headers={"Location": request.script_root + "/api/docs"})


@page.get("/frame")
def frame() -> Response:
    """The document in which an output's HTML is shown; the page hands it over by a message."""
    return _frame(_ANY_SCRIPT, secrets.token_urlsafe(16))


@page.get("/frame/still")
def still_frame() -> Response:
    """The same for HTML that has come from elsewhere: none of its scripts runs."""
    nonce = secrets.token_urlsafe(16)
    return _frame(f"'nonce-{nonce}'", nonce)


def _frame(scripts: str, nonce: str) -> Response:
    response = Response(_FRAME.replace("{nonce}", nonce), mimetype=_MEDIA_TYPES[".html"])
    response.headers["Content-Security-Policy"] = _FRAME_POLICY.replace("{scripts}", scripts)
    response.headers["Cache-Control"] = "no-store"
    # Names of hosts could carry something out, and no policy keeps them from being looked up.
    response.headers["X-DNS-Prefetch-Control"] = "off"
    return _guarded(response)


@page.get("/static/<name>")
def static(name: str) -> Response:
    """One of the page's files. Names have no hash: browsers ask each time whether it has changed."""
    if name not in _names():
        abort(404)
    file = _file(name)
    response = Response(mimetype=file.media_type)
    response.set_etag(file.etag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Encoding"
    if request.accept_encodings.quality("gzip"):
        response.data = file.compressed
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.data = file.data
    response.make_conditional(request)
    return _guarded(response)


def _guarded(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


@functools.cache
def _names() -> frozenset[str]:
    files = resources.files("llm_repl_server") / "static"
    return frozenset(file.name for file in files.iterdir() if file.is_file())


@functools.cache
def _file(name: str) -> _File:
    data = (resources.files("llm_repl_server") / "static" / name).read_bytes()
    suffix = name[name.rindex(".") :]
    return _File(
        data=data,
        compressed=gzip.compress(data, mtime=0),
        media_type=_MEDIA_TYPES[suffix],
        etag=hashlib.sha256(data).hexdigest()[:32],
    )
