"""What an address may hold in the place of an id."""

from __future__ import annotations

from werkzeug.routing import BaseConverter

from llm_repl_server.services.identifiers import RESERVED_IDS

__all__ = ["NotebookIdConverter"]


class NotebookIdConverter(BaseConverter):
    """A notebook's id. What is an endpoint of its own is none, so that it has methods of its own."""

    regex = f"(?!(?:{'|'.join(RESERVED_IDS)})(?:/|$))[^/]+"
