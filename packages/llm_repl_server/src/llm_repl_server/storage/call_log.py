"""The calls in the server's database, for programs beside the server."""

from __future__ import annotations

from typing import ClassVar

from llm_repl_core.ledger.base import Ledger
from llm_repl_server.storage.call_access import CallAccess
from llm_repl_server.storage.ledger import DatabaseLedger

__all__ = ["CallLog"]


class CallLog(CallAccess):
    """Writes and reads calls, and nothing else, while a server may have the database open.

    Any number of processes may do so at the same time. A database that is missing or of an older
    version is made or brought up to date. Also a context manager, which opens and closes.

    Args:
        url: SQLAlchemy's URL of the database: ``sqlite:////folder/name.db``.
    """

    exclusive: ClassVar[bool] = False

    @property
    def ledger(self) -> Ledger:
        """For the engine: keeps its calls here."""
        return DatabaseLedger(self)
