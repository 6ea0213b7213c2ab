"""What clients say, and how they are answered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["HANDLED", "Acknowledgement", "Subscribe", "Unsubscribe"]


class Subscribe(Struct, kw_only=True):
    """Hear the events of this notebook; from the first time on, of no other that is not named."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Unsubscribe(Struct, kw_only=True):
    """Hear the events of this notebook no more."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Acknowledgement(Struct, kw_only=True, omit_defaults=True):
    """The answer to a client's event."""

    success: bool
    error: Annotated[str, Meta(description="One sentence, where it was not done.")] = ""


HANDLED: dict[str, type[Struct]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe}
"""Every event of a client that the server answers, by name."""
