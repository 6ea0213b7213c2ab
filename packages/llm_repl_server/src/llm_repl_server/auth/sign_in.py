"""The page that a browser without a token gets: it says how to get in, and takes the token."""

from __future__ import annotations

import base64
import hashlib
import html
from urllib.parse import unquote_to_bytes

__all__ = ["FORM_LIMIT_BYTES", "SIGN_IN_PATH", "read_token", "sign_in_page"]

SIGN_IN_PATH = "/sign-in"
"""Where the page's form is sent."""

FORM_LIMIT_BYTES = 10_000
"""More than a token in it needs."""

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}"
    "button{font:inherit;margin-top:.6rem;padding:.4rem 1.2rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>LLM-REPL: sign in</title>
<style>{style}</style>
<h1>LLM-REPL</h1>
<p>{sentence} <code>llm-repl serve</code> prints it when it starts, unless <code>LLM_REPL_TOKEN</code>
or the settings say it.</p>
<form method="post" action="{action}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>
</html>
"""


def sign_in_page(prefix: str, *, is_wrong: bool) -> tuple[bytes, list[tuple[str, str]]]:
    """The page and its headers.

    Args:
        prefix: What a proxy has put before the paths of this server.
        is_wrong: Whether a token came that is not the server's.
    """
    said = "This is not the server's token." if is_wrong else "This server asks for a token."
    action = html.escape(prefix + SIGN_IN_PATH)
    page = _PAGE.format(style=_STYLE, sentence=said, action=action).encode()
    return page, [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(page))),
        # Nobody may show the page within another, or keep it; it loads nothing.
        ("Content-Security-Policy", _CONTENT_POLICY),
        ("X-Frame-Options", "DENY"),
        ("Cache-Control", "no-store"),
        # Not `no-referrer`, with which browsers say of the form that it has no origin.
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]


def read_token(form: bytes) -> bytes | None:
    """The token in what the form sends, or None where there is none."""
    fields = form.split(b"&")
    token = next((field[6:] for field in fields if field.startswith(b"token=")), None)
    return None if token is None else unquote_to_bytes(token.replace(b"+", b" ")).strip()
