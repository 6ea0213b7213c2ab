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

# The colours and measures of the page's `tokens.css`, which this page may not load.
_STYLE = (
    ":root{color-scheme:light dark;--paper:light-dark(#fefefd,#16181b);--ink:light-dark(#1b1d20,#e5e6e7);"
    "--ink-2:light-dark(#4a4e54,#b6bac0);--edge:light-dark(#878a8f,#747a82);"
    "--accent:light-dark(#16598c,#84bce8);--fill:light-dark(#16598c,#34729f)}"
    "body{max-width:400px;margin:18vh auto 0;padding:0 24px;background:var(--paper);color:var(--ink);"
    'font:13px/20px -apple-system,"Segoe UI",Inter,Roboto,Ubuntu,"Noto Sans",system-ui,sans-serif}'
    "h1{margin:0 0 8px;font-size:20px;line-height:28px;font-weight:650}"
    "p{margin:0 0 24px;color:var(--ink-2)}code{font-size:12px}"
    "label{display:block;margin-bottom:4px;font-weight:500}"
    "input{box-sizing:border-box;width:100%;min-height:36px;padding:0 10px;border:1px solid var(--edge);"
    "border-radius:6px;background:var(--paper);color:inherit;font:inherit}"
    "button{min-height:36px;margin-top:12px;padding:0 16px;border:1px solid var(--fill);border-radius:6px;"
    "background:var(--fill);color:#fff;font:inherit;font-weight:500;cursor:pointer}"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
    "@media (pointer:coarse){body{font-size:15px}input,button{min-height:44px}}"
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
