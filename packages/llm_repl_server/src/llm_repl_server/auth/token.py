"""Where the token comes from."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from msgspec import Struct

from llm_repl_core.providers.secret import Secret

__all__ = ["TOKEN_VARIABLE", "LoadedToken", "load_token"]

TOKEN_VARIABLE = "LLM_REPL_TOKEN"  # noqa: S105 - the variable's name, not a token
_RANDOM_BYTES = 32


class LoadedToken(Struct, frozen=True):
    """A token.

    Attributes:
        secret: The token.
        generated: Whether it was made just now, so that somebody has to be told.
    """

    secret: Secret
    generated: bool


def load_token(
    configured: str | None = None, environ: Mapping[str, str] | None = None
) -> LoadedToken:
    """Take the token from the settings or the environment, or make one.

    Args:
        configured: What the settings say; it wins.
        environ: Where ``LLM_REPL_TOKEN`` is looked up; the process's environment if None.
    """
    variables = os.environ if environ is None else environ
    for text in (configured, variables.get(TOKEN_VARIABLE)):
        # A token from a file brings its line end; one of nothing but blanks is no token.
        if text is not None and text.strip():
            return LoadedToken(Secret(text.strip()), generated=False)
    return LoadedToken(Secret(secrets.token_urlsafe(_RANDOM_BYTES)), generated=True)
