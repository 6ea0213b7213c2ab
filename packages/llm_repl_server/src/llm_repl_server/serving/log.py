"""gunicorn's logger, without the tokens."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from llm_repl_server.auth.redaction import RedactingFilter

__all__ = ["RedactingLogger"]


class RedactingLogger(Logger):  # type: ignore[misc]  # gunicorn brings no types
    """Takes tokens out of the access log, and out of the addresses of requests that failed."""

    def setup(self, cfg: Any) -> None:
        """Set the handlers up, each behind a filter."""
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            for handler in logger.handlers:
                handler.addFilter(RedactingFilter())
