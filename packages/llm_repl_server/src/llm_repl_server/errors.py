"""Errors that only a server has; the tree is in `llm_repl_core.errors`."""

from __future__ import annotations

from concurrent.futures import Future

from llm_repl_core import Conflict, StorageError

__all__ = ["NotYetWritten", "PreconditionFailed"]


class PreconditionFailed(Conflict):
    """An ``If-Match`` does not match (RFC 9110, section 13.1.1)."""

    code = "precondition_failed"
    http_status = 412


class NotYetWritten(StorageError):
    """A change could not be written yet: it is kept in memory and written when possible.

    Attributes:
        written: Resolves when it is written.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.written: Future[None] = Future()
        self.written.set_running_or_notify_cancel()
