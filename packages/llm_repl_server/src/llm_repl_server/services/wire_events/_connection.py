"""What a client has to do about its connection."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from llm_repl_server.services.wire_events._base import NotebookEvent, WireEvent

__all__ = ["Resync", "ServerStopping"]


class Resync(NotebookEvent, frozen=True, kw_only=True):
    """What was missed is not known any more, or an edit could not be kept: read the notebook again.

    A client that subscribes with `epoch` and `after` gets it where the events since then are not
    there.
    """

    sequence: Annotated[
        int, Meta(ge=0, description="That of the last event so far; the next one follows it.")
    ] = 0


class ServerStopping(WireEvent, frozen=True, kw_only=True):
    """The server is shutting down; sent to every client."""
