"""What clients say, and how they are answered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["HANDLED", "Acknowledgement", "Subscribe", "Unsubscribe"]


class Subscribe(Struct, kw_only=True):
    """Receive the events of this notebook, and of no others that are not subscribed to."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Unsubscribe(Struct, kw_only=True):
    """Stop receiving the events of this notebook."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Acknowledgement(Struct, kw_only=True, omit_defaults=True):
    """The answer to a client's event."""

    success: bool
    error: Annotated[str, Meta(description="One sentence, if it failed.")] = ""


HANDLED: dict[str, type[Struct]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe}
"""Every event of a client that the server answers, by name."""
