"""Where the server is."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit

from llm_repl_core.errors import InvalidSetting

__all__ = ["BASE_URL_VARIABLE", "OPENAI_BASE_URL", "find_base_url"]

OPENAI_BASE_URL: Final = "https://api.openai.com/v1"
BASE_URL_VARIABLE: Final = "OPENAI_BASE_URL"
"""The variable that OpenAI's SDK reads where it is given no URL."""


def find_base_url(configured: str | None) -> str:
    """Choose the configured URL, else the environment's, else OpenAI's.

    Raises:
        InvalidSetting: It is not a URL of the web, or holds a password. The message does not
            repeat it: what was pasted in the wrong place may be a key.
    """
    if configured:
        return _check(configured, "`base_url`")
    from_environment = os.environ.get(BASE_URL_VARIABLE)
    if from_environment:
        return _check(from_environment, f"The variable {BASE_URL_VARIABLE}")
    return OPENAI_BASE_URL


def _check(text: str, source: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname
        usable = parts.scheme in {"http", "https"} and bool(host) and parts.port != 0
        (host or "").encode("idna")
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or not text.isprintable() or " " in text:
        raise InvalidSetting(
            f"{source} must be a URL with http or https, such as http://localhost:11434/v1."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidSetting(
            f"{source} must hold no user, password, ? or #: a key belongs in the key's setting."
        )
    return text
