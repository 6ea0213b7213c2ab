"""Where the server is."""

from __future__ import annotations

import os
import urllib.parse
from typing import Final

from llm_repl_core.settings import check_address

__all__ = ["BASE_URL_VARIABLE", "OPENAI_BASE_URL", "find_base_url", "is_openai"]

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
        return check_address(configured, "`base_url`")
    from_environment = os.environ.get(BASE_URL_VARIABLE)
    if from_environment:
        return check_address(from_environment, f"The variable {BASE_URL_VARIABLE}")
    return OPENAI_BASE_URL


def is_openai(base_url: str) -> bool:
    """Whether an address is OpenAI's own, that of a region (``eu.api.openai.com``) included."""
    host = urllib.parse.urlsplit(base_url).hostname or ""
    return host == "api.openai.com" or host.endswith(".api.openai.com")
