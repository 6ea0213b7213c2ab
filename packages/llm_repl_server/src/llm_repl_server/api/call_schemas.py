"""What the record of calls to models can be asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from llm_repl_core.ledger.record import CallSource, CallState
from llm_repl_server.storage.call_filter import CallFilter

__all__ = ["CallsQuery", "ExportQuery", "TotalsQuery"]

_Text = Annotated[str, Meta(max_length=200)]


class ExportQuery(Struct, kw_only=True):
    """Which calls; what is left out does not matter."""

    notebook_id: _Text | None = None
    run_id: _Text | None = None
    cell_id: _Text | None = None
    provider: _Text | None = None
    model: Annotated[_Text | None, Meta(description="By the requested name.")] = None
    state: CallState | None = None
    source: Annotated[
        CallSource | None,
        Meta(description="Where the answer came from: `live`, or a recorded call."),
    ] = None
    since: Annotated[
        datetime | None, Meta(description="Only calls that started at or after this time.")
    ] = None
    until: Annotated[
        datetime | None, Meta(description="Only calls that started before this time.")
    ] = None
    search: Annotated[
        _Text | None, Meta(description="Words that must all occur in the messages or the answer.")
    ] = None

    def filter(self) -> CallFilter:
        """The same for the storage."""
        return CallFilter(**asdict(self))


class TotalsQuery(ExportQuery, kw_only=True):
    """Which calls, and when days begin."""

    utc_offset_minutes: Annotated[
        int,
        Meta(
            ge=-1440,
            le=1440,
            description="When days begin: 60 for a place where it is one hour later than in UTC.",
        ),
    ] = 0

    def filter(self) -> CallFilter:
        """The same for the storage."""
        fields = asdict(self)
        del fields["utc_offset_minutes"]
        return CallFilter(**fields)


class CallsQuery(ExportQuery, kw_only=True):
    """Which calls, and which page of them."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[_Text | None, Meta(description="The `next` of the previous page.")] = None

    def filter(self) -> CallFilter:
        """The same for the storage."""
        fields = asdict(self)
        return CallFilter(before=fields.pop("cursor"), **fields)
