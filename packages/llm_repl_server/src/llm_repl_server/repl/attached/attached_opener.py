"""Opens notebooks of a server for the terminal."""

from __future__ import annotations

from llm_repl_server.repl.attached.address import ServerAddress, parse_address
from llm_repl_server.repl.attached.attached_target import AttachedTarget
from llm_repl_server.repl.attached.joining import attach

__all__ = ["AttachedOpener"]


class AttachedOpener:
    """Joins notebooks of one server.

    Args:
        address: The server, and the notebook that is opened first.
        token: What the server asks for; None: nothing.

    Attributes:
        notices: What is to be said of what was opened.
        ask_above_usd: Above which price it is asked first; the server's budgets hold as well.
        is_unchosen: Whether nobody has chosen who answers: the server's matter.
    """

    def __init__(self, address: ServerAddress, token: str | None) -> None:
        self._address = address
        self._token = token
        self.notices: list[str] = []
        self.ask_above_usd: float | None = None
        self.is_unchosen = False

    def open(self, place: str | None = None) -> AttachedTarget:
        """Join a notebook.

        Args:
            place: Its address, id or name; None: the one that was named at the beginning.

        Raises:
            LLMReplError: The server does not answer, or has no such notebook.
        """
        address = self._address
        if place is not None:
            address = parse_address(place, address.base)
        return attach(address, self._token)
