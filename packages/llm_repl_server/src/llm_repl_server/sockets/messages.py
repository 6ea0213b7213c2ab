"""What clients say, and how they are answered."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = ["HANDLED", "Acknowledgement", "Subscribe", "Unsubscribe"]


class Subscribe(Struct, kw_only=True):
    """Receive the events of this notebook, and of no others that are not subscribed to.

    With `epoch` and `after`, what came after that event is sent first; or `resync`, if that is not
    known any more.
    """

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]
    epoch: (
        Annotated[
            str, Meta(max_length=100, description="The `epoch` of the notebook as it was read.")
        ]
        | UnsetType
    ) = UNSET
    after: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="The `sequence` of the last event that the client has, or of the "
                "notebook as it was read; together with `epoch`.",
            ),
        ]
        | UnsetType
    ) = UNSET


class Unsubscribe(Struct, kw_only=True):
    """Stop receiving the events of this notebook."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Acknowledgement(Struct, kw_only=True, omit_defaults=True):
    """The answer to a client's event."""

    success: bool
    error: Annotated[str, Meta(description="One sentence, if it failed.")] = ""


HANDLED: dict[str, type[Struct]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe}
"""Every event of a client that the server answers, by name."""
