"""Errors that only a server has; the tree is in `llm_repl_core.errors`."""

from __future__ import annotations

from llm_repl_core import Conflict

__all__ = ["PreconditionFailed"]


class PreconditionFailed(Conflict):
    """An ``If-Match`` does not hold: RFC 9110, section 13.1.1, asks for this status."""

    code = "precondition_failed"
    http_status = 412
