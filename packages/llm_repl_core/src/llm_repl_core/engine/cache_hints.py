"""What of a request others are likely to begin with, for a provider's prompt cache."""

from __future__ import annotations

import hashlib

from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import CacheHint, Request

__all__ = ["cache_hint"]

_KEY_LENGTH = 32


def cache_hint(notebook: Notebook, request: Request) -> CacheHint:
    """The hint for a request: the calls of a notebook have one key.

    What stands before the prompt (system text, context) comes again for other items and in later
    cells; where there are tools, the whole comes again with their results.

    Args:
        notebook: Whose prompt is asked.
        request: What is to be sent.
    """
    messages = request.messages
    asked = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    prefixes = [asked] if asked else []
    if messages and (request.tools or messages[-1].role == "tool"):
        prefixes.append(len(messages))
    key = hashlib.sha256(f"prompt cache of {notebook.id}".encode("utf-8", "surrogatepass"))
    return CacheHint(key=key.hexdigest()[:_KEY_LENGTH], prefixes=tuple(prefixes))
